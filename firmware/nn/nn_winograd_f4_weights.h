/* nn_winograd_f4_weights.h: U = G g G^T of F(4x4, 3x3), four input channels of one output channel at a time.
 *
 *   G  1  0  0      Rows 1, 2 are g0 + g2 plus and minus g1, rows 3, 4 are g0 + 4 g2 plus and minus 2 g1.
 *      1  1  1      The same holds within a row. Values stay within 49 * 128 = 6272.
 *      1 -1  1
 *      1  2  4
 *      1 -2  4
 *      0  0  1
 */
#ifndef NN_WINOGRAD_F4_WEIGHTS_H
#define NN_WINOGRAD_F4_WEIGHTS_H

#include "nn_winograd.h"

#if NN_DSP

/* A row of U from a row of G g: registers x0, x1, x2 of two channels each; u, u + r3, ... are its six positions. A
 * Cortex-M7 issues each store together with the sum before it. */
#define NN_F4_ROW(x0, x1, x2, t0, t1, t2) \
    "sadd16 " t0 ", " x2 ", " x2 "\n str " x0 ", [r2]\n" \
    "sadd16 " t0 ", " t0 ", " t0 "\n str " x2 ", [r2, r5]\n" \
    "sadd16 " t1 ", " x0 ", " x2 "\n" \
    "sadd16 " t0 ", " t0 ", " x0 "\n" \
    "sadd16 " t2 ", " t1 ", " x1 "\n str " t2 ", [r2, r3]\n" \
    "ssub16 " t1 ", " t1 ", " x1 "\n str " t1 ", [r2, r3, lsl #1]\n" \
    "sadd16 " t2 ", " x1 ", " x1 "\n" \
    "sadd16 " t1 ", " t0 ", " t2 "\n str " t1 ", [r2, r4]\n" \
    "ssub16 " t0 ", " t0 ", " t2 "\n str " t0 ", [r2, r3, lsl #2]\n"

/* The same where x0, x1, x2 are not needed any more: one register besides them. */
#define NN_F4_LAST_ROW(x0, x1, x2, t) \
    "sadd16 " t ", " x0 ", " x2 "\n str " x0 ", [r2]\n" \
    "sadd16 " t ", " t ", " x1 "\n str " x2 ", [r2, r5]\n" \
    "sadd16 " x1 ", " x1 ", " x1 "\n str " t ", [r2, r3]\n" \
    "ssub16 " t ", " t ", " x1 "\n str " t ", [r2, r3, lsl #1]\n" \
    "sadd16 " x2 ", " x2 ", " x2 "\n" \
    "sadd16 " x2 ", " x2 ", " x2 "\n" \
    "sadd16 " x0 ", " x0 ", " x2 "\n" \
    "sadd16 " x2 ", " x0 ", " x1 "\n str " x2 ", [r2, r4]\n" \
    "ssub16 " x0 ", " x0 ", " x1 "\n str " x0 ", [r2, r3, lsl #2]\n"

#define NN_F4_THREE(op, d0, d1, d2, x0, x1, x2, y0, y1, y2) \
    op " " d0 ", " x0 ", " y0 "\n" op " " d1 ", " x1 ", " y1 "\n" op " " d2 ", " x2 ", " y2 "\n"

/* Two of the four channels. r0 weights, r1 bytes from tap to tap; r2 U; r3, r4, r5 one, three and five positions. On
 * the stack: weights, tap bytes, end of the weights, room for three words. */
#define NN_F4_HALF(rotation) \
    "ldr r6, [r0]\n ldr r7, [r0, r1]\n ldr r8, [r0, r1, lsl #1]\n" \
    "add r0, r0, r1, lsl #1\n add r0, r0, r1, lsl #2\n" \
    "sxtb16 r6, r6" rotation "\n sxtb16 r7, r7" rotation "\n sxtb16 r8, r8" rotation "\n" \
    NN_F4_ROW("r6", "r7", "r8", "r9", "r10", "r11") \
    "ldr r9, [r0]\n ldr r10, [r0, r1]\n ldr r11, [r0, r1, lsl #1]\n" \
    "add r2, r2, r5, lsl #1\n add r2, r2, r5, lsl #2\n" \
    "sxtb16 r9, r9" rotation "\n sxtb16 r10, r10" rotation "\n sxtb16 r11, r11" rotation "\n" \
    NN_F4_ROW("r9", "r10", "r11", "r12", "lr", "r0") \
    "ldr r0, [sp]\n" \
    NN_F4_THREE("sadd16", "r12", "lr", "r1", "r6", "r7", "r8", "r9", "r10", "r11") \
    NN_F4_THREE("sadd16", "r9", "r10", "r11", "r9", "r10", "r11", "r9", "r10", "r11") \
    NN_F4_THREE("sadd16", "r9", "r10", "r11", "r9", "r10", "r11", "r9", "r10", "r11") \
    "sadd16 r6, r6, r9\n ldr r9, [sp, #4]\n" \
    "sadd16 r7, r7, r10\n str r6, [sp, #12]\n" \
    "sadd16 r8, r8, r11\n str r7, [sp, #16]\n" \
    "add r0, r0, r9\n str r8, [sp, #20]\n" \
    "add r0, r0, r9, lsl #1\n" \
    "ldr r10, [r0]\n ldr r11, [r0, r9]\n ldr r9, [r0, r9, lsl #1]\n" \
    "sub r2, r2, r4, lsl #3\n" \
    "sxtb16 r10, r10" rotation "\n sxtb16 r11, r11" rotation "\n sxtb16 r9, r9" rotation "\n" \
    NN_F4_THREE("sadd16", "r6", "r7", "r8", "r12", "lr", "r1", "r10", "r11", "r9") \
    NN_F4_LAST_ROW("r6", "r7", "r8", "r0") \
    "add r2, r2, r4, lsl #1\n" \
    NN_F4_THREE("ssub16", "r12", "lr", "r1", "r12", "lr", "r1", "r10", "r11", "r9") \
    NN_F4_LAST_ROW("r12", "lr", "r1", "r0") \
    "sadd16 r10, r10, r10\n ldr r6, [sp, #12]\n" \
    "sadd16 r11, r11, r11\n ldr r7, [sp, #16]\n" \
    "sadd16 r9, r9, r9\n ldr r8, [sp, #20]\n" \
    "add r2, r2, r4, lsl #1\n" \
    NN_F4_THREE("sadd16", "r12", "lr", "r1", "r6", "r7", "r8", "r10", "r11", "r9") \
    NN_F4_LAST_ROW("r12", "lr", "r1", "r0") \
    "add r2, r2, r4, lsl #1\n" \
    NN_F4_THREE("ssub16", "r6", "r7", "r8", "r6", "r7", "r8", "r10", "r11", "r9") \
    "ldr r1, [sp, #4]\n" \
    NN_F4_LAST_ROW("r6", "r7", "r8", "r9") \
    "ldr r0, [sp]\n" \
    "sub r2, r2, r4, lsl #3\n" \
    "add r2, r2, #16\n"

/* Taps lie tap_bytes apart, the channels of a tap next to each other. `u` is the output channel's column. */
NN_ASSEMBLY void nn_f4_weights(NN_UNUSED const int8_t *weights, NN_UNUSED int32_t tap_bytes,
                               NN_UNUSED int32_t groups, NN_UNUSED uint32_t *u, NN_UNUSED int32_t steps)
{
    __asm__ volatile("ldr r12, [sp]\n"
                     "push {r4-r11, lr}\n"
                     "add r2, r0, r2, lsl #2\n"
                     "sub sp, sp, #24\n"
                     "stm sp, {r0, r1, r2}\n"
                     "mov r2, r3\n"
                     "lsl r3, r12, #4\n"
                     "add r4, r3, r3, lsl #1\n"
                     "add r5, r3, r3, lsl #2\n"
                     "1:\n" NN_F4_HALF("") NN_F4_HALF(", ror #8")
                     "add r0, r0, #4\n"
                     "ldr r6, [sp, #8]\n"
                     "str r0, [sp]\n"
                     "cmp r0, r6\n"
                     "bne 1b\n"
                     "add sp, sp, #24\n"
                     "pop {r4-r11, pc}\n");
}

#else

NN_INLINE void nn_f4_transform(const uint32_t *g, uint32_t *row, int32_t stride)
{
    uint32_t near = nn_add16(g[0], g[2]);
    uint32_t doubled = nn_add16(g[2], g[2]);
    uint32_t far = nn_add16(g[0], nn_add16(doubled, doubled));
    row[0] = g[0];
    row[stride] = nn_add16(near, g[1]);
    row[2 * stride] = nn_sub16(near, g[1]);
    row[3 * stride] = nn_add16(far, nn_add16(g[1], g[1]));
    row[4 * stride] = nn_sub16(far, nn_add16(g[1], g[1]));
    row[5 * stride] = g[2];
}

NN_SHARED void nn_f4_weights(const int8_t *weights, int32_t tap_bytes, int32_t groups, uint32_t *u, int32_t steps)
{
    for (int32_t i = 0; i < 2 * groups; i++, u += 4) {
        uint32_t rows[18];
        for (int32_t x = 0; x < 3; x++) {
            uint32_t column[3];
            for (int32_t y = 0; y < 3; y++) {
                uint32_t bytes = nn_load32(weights + i / 2 * 4 + (3 * y + x) * tap_bytes);
                column[y] = i % 2 != 0 ? nn_sxtb16_ror8(bytes) : nn_sxtb16(bytes);
            }
            nn_f4_transform(column, rows + x, 3);
        }
        for (int32_t y = 0; y < 6; y++) {
            nn_f4_transform(rows + 3 * y, u + 6 * y * 4 * steps, 4 * steps);
        }
    }
}

#endif

#endif
