/* nn_winograd_f4_input.h: V = B^T d B of F(4x4, 3x3), four input channels of a row of tiles at a time.
 *
 *   B^T  4  0 -5  0  1  0     With a = d4 - 4 d2, b = d3 - 4 d1, c = d4 - d2 and e = d3 - d1 the rows are
 *        0 -4 -4  1  1  0     c + 4 (d0 - d2), a + b, a - b, c + 2 e, c - 2 e and d5 - d3 - 4 e.
 *        0  4 -4 -1  1  0     From values in [0, 255] the results stay within 68 * 255 = 17340.
 *        0 -2 -1  2  1  0
 *        0  2 -1 -2  1  0
 *        0  4  0 -5  0  1
 *
 * Two channels ride in a word as high * 65536 + low, which is a plain integer: sums, differences and left shifts act on
 * both, whatever their signs. Only V needs int16 lanes, which differ where the low half is negative: 2^15 is added and,
 * once nothing can borrow any more, taken off by an exclusive or. It comes in with d4 and d5, as one of the two enters
 * every row, and does so with factor one.
 */
#ifndef NN_WINOGRAD_F4_INPUT_H
#define NN_WINOGRAD_F4_INPUT_H

#include "nn_winograd.h"

#if NN_DSP

/* Two channels of a column: pixels r2-r7 to six words from r0 + `to` on; lr 0x00800080. Uses r8-r12. */
#define NN_F4_COLUMN(to, rotation) \
    "sxtab16 r8, lr, r4" rotation "\n" \
    "sxtab16 r9, lr, r6" rotation "\n" \
    "sxtab16 r10, lr, r2" rotation "\n" \
    "sub r11, r9, r8\n" \
    "sub r9, r9, r8, lsl #2\n" \
    "sub r10, r10, r8\n" \
    "sxtab16 r8, lr, r3" rotation "\n" \
    "add r10, r11, r10, lsl #2\n str r10, [r0, #" #to "]\n" \
    "sxtab16 r10, lr, r5" rotation "\n" \
    "sub r12, r10, r8, lsl #2\n" \
    "sub r8, r10, r8\n" \
    "add r9, r9, r12\n str r9, [r0, #" #to " + 4]\n" \
    "sub r9, r9, r12, lsl #1\n str r9, [r0, #" #to " + 8]\n" \
    "sxtab16 r12, lr, r7" rotation "\n" \
    "add r9, r11, r8, lsl #1\n str r9, [r0, #" #to " + 12]\n" \
    "sub r12, r12, r10\n" \
    "sub r11, r11, r8, lsl #1\n str r11, [r0, #" #to " + 16]\n" \
    "sub r12, r12, r8, lsl #2\n str r12, [r0, #" #to " + 20]\n"

/* B^T on `count` pixels of four channels: six words of channels 0 and 2, then six of channels 1 and 3. On the stack:
 * the six rows, pixel_bytes, the end of the columns. */
NN_ASSEMBLY void nn_f4_columns(NN_UNUSED const int8_t *const *rows, NN_UNUSED int32_t pixel_bytes,
                               NN_UNUSED int32_t count, NN_UNUSED uint32_t *columns)
{
    __asm__ volatile("push {r4-r11, lr}\n"
                     "mov r8, r1\n"
                     "add r2, r2, r2, lsl #1\n"
                     "add r9, r3, r2, lsl #4\n"
                     "mov r10, r3\n"
                     "ldm r0, {r2-r7}\n"
                     "sub sp, sp, #32\n"
                     "stm sp, {r2-r9}\n"
                     "mov r0, r10\n"
                     "mov r1, #0\n"
                     "mov lr, #0x00800080\n"
                     "1:\n"
                     "ldm sp, {r2-r7}\n"
                     "ldr r4, [r4, r1]\n"
                     "ldr r6, [r6, r1]\n"
                     "ldr r2, [r2, r1]\n"
                     "ldr r3, [r3, r1]\n"
                     "ldr r5, [r5, r1]\n"
                     "ldr r7, [r7, r1]\n" NN_F4_COLUMN(0, "") NN_F4_COLUMN(24, ", ror #8")
                     "ldrd r8, r9, [sp, #24]\n"
                     "add r0, r0, #48\n"
                     "add r1, r1, r8\n"
                     "cmp r0, r9\n"
                     "bne 1b\n"
                     "add sp, sp, #32\n"
                     "pop {r4-r11, pc}\n");
}

/* Two channels of a row of a tile: columns from r0 + `at` on to positions r3 apart; r4, r5 are 3 r3, 5 r3; lr 2^15. */
#define NN_F4_TILE_ROW(at, v) \
    "ldr r7, [r0, #192 + " #at "]\n" \
    "ldr r6, [r0, #96 + " #at "]\n" \
    "ldr r8, [r0, #" #at "]\n" \
    "add r7, r7, lr\n" \
    "sub r9, r7, r6\n" \
    "sub r7, r7, r6, lsl #2\n" \
    "sub r8, r8, r6\n ldr r6, [r0, #48 + " #at "]\n" \
    "add r10, r9, r8, lsl #2\n ldr r8, [r0, #144 + " #at "]\n" \
    "eor r10, r10, lr\n str r10, [" v "]\n" \
    "sub r11, r8, r6, lsl #2\n ldr r10, [r0, #240 + " #at "]\n" \
    "sub r6, r8, r6\n" \
    "add r12, r7, r11\n" \
    "sub r7, r7, r11\n" \
    "eor r12, r12, lr\n str r12, [" v ", r3]\n" \
    "eor r7, r7, lr\n str r7, [" v ", r3, lsl #1]\n" \
    "add r12, r9, r6, lsl #1\n" \
    "add r10, r10, lr\n" \
    "eor r12, r12, lr\n str r12, [" v ", r4]\n" \
    "sub r9, r9, r6, lsl #1\n" \
    "sub r10, r10, r8\n" \
    "eor r9, r9, lr\n str r9, [" v ", r3, lsl #2]\n" \
    "sub r10, r10, r6, lsl #2\n" \
    "eor r10, r10, lr\n str r10, [" v ", r5]\n"

/* B on the columns of `count` tiles, number `first` and following. r1 and r2 are where the two words of channels go,
 * the tile's places in its pair. On the stack: the end of the tile's rows, tiles left. */
NN_ASSEMBLY void nn_f4_tiles(NN_UNUSED const uint32_t *columns, NN_UNUSED int32_t count, NN_UNUSED uint32_t *v,
                             NN_UNUSED int32_t first, NN_UNUSED int32_t steps)
{
    __asm__ volatile("ldr r12, [sp]\n"
                     "push {r4-r11, lr}\n"
                     "push {r0, r1}\n"
                     "mov r6, r3\n"
                     "lsl r3, r12, #3\n"
                     "add r4, r3, r3, lsl #1\n"
                     "add r5, r3, r3, lsl #2\n"
                     "lsr r7, r6, #1\n"
                     "mul r7, r7, r4\n"
                     "and r6, r6, #1\n"
                     "add r7, r7, r7, lsl #1\n"
                     "add r2, r2, r7, lsl #2\n" /* the pair: 36 positions each */
                     "add r1, r2, r6, lsl #2\n"
                     "add r2, r2, #12\n"
                     "sub r2, r2, r6, lsl #2\n"
                     "mov lr, #0x8000\n"
                     "add r6, r0, #24\n"
                     "str r6, [sp]\n"
                     "1:\n" NN_F4_TILE_ROW(0, "r1") NN_F4_TILE_ROW(24, "r2")
                     "ldr r6, [sp]\n"
                     "add r0, r0, #4\n"
                     "add r1, r1, r4, lsl #1\n"
                     "add r2, r2, r4, lsl #1\n"
                     "cmp r0, r6\n"
                     "bne 1b\n"
                     "ldr r7, [sp, #4]\n"
                     "add r0, r0, #168\n"
                     "add r6, r6, #192\n"
                     "sub r8, r2, r1\n"
                     "subs r8, r8, #8\n" /* 4 in the pair's first tile, -4 in the second */
                     "add r1, r1, r8\n"
                     "sub r2, r2, r8\n"
                     "itttt gt\n" /* back to the same pair */
                     "subgt r1, r1, r4, lsl #3\n"
                     "subgt r1, r1, r4, lsl #2\n"
                     "subgt r2, r2, r4, lsl #3\n"
                     "subgt r2, r2, r4, lsl #2\n"
                     "subs r7, r7, #1\n"
                     "strd r6, r7, [sp]\n"
                     "bne 1b\n"
                     "add sp, sp, #8\n"
                     "pop {r4-r11, pc}\n");
}

#else

NN_INLINE void nn_f4_line(const uint32_t *d, int32_t from, uint32_t bias, uint32_t *to, int32_t stride)
{
    uint32_t d0 = d[0], d1 = d[from], d2 = d[2 * from], d3 = d[3 * from];
    uint32_t d4 = d[4 * from] + bias, d5 = d[5 * from] + bias;
    to[0] = (4 * d0 - 5 * d2 + d4) ^ bias;
    to[stride] = (d4 - 4 * d2 + d3 - 4 * d1) ^ bias;
    to[2 * stride] = (d4 - 4 * d2 - d3 + 4 * d1) ^ bias;
    to[3 * stride] = (d4 - d2 + 2 * d3 - 2 * d1) ^ bias;
    to[4 * stride] = (d4 - d2 - 2 * d3 + 2 * d1) ^ bias;
    to[5 * stride] = (4 * d1 - 5 * d3 + d5) ^ bias;
}

NN_SHARED void nn_f4_columns(const int8_t *const *rows, int32_t pixel_bytes, int32_t count, uint32_t *columns)
{
    for (int32_t x = 0; x < count; x++, columns += 12) {
        uint32_t even[6], odd[6];
        for (int32_t y = 0; y < 6; y++) {
            uint32_t bytes = nn_load32(rows[y] + x * pixel_bytes);
            even[y] = nn_excess128(bytes);
            odd[y] = nn_excess128_ror8(bytes);
        }
        nn_f4_line(even, 1, 0, columns, 1);
        nn_f4_line(odd, 1, 0, columns + 6, 1);
    }
}

NN_SHARED void nn_f4_tiles(const uint32_t *columns, int32_t count, uint32_t *v, int32_t first, int32_t steps)
{
    for (int32_t tile = first; tile < first + count; tile++, columns += 48) {
        uint32_t *pair = v + tile / 2 * 36 * steps * 2;
        for (int32_t y = 0; y < 6; y++, pair += 6 * steps * 2) {
            nn_f4_line(columns + y, 12, 0x8000u, pair + tile % 2, steps * 2);
            nn_f4_line(columns + 6 + y, 12, 0x8000u, pair + 3 - tile % 2, steps * 2);
        }
    }
}

#endif

#endif
