/* nn_winograd_f2_weights.h: U = G g G^T of F(2x2, 3x3), four input channels of one output channel at a time.
 *
 *   G  2  0  0
 *      1  1  1
 *      1 -1  1
 *      0  0  2
 */
#ifndef NN_WINOGRAD_F2_WEIGHTS_H
#define NN_WINOGRAD_F2_WEIGHTS_H

#include "nn_winograd.h"

#if NN_DSP

/* A column of U from a column h0, h1, h2 of g G^T: op makes h from its operands x and y. u is r2, positions are r3 bytes
 * apart and rows of them four times that. Uses r0, r1, lr. */
#define NN_F2_COLUMN(op, x0, y0, x1, y1, x2, y2) \
    op " r0, " x0 ", " y0 "\n" \
    op " r1, " x2 ", " y2 "\n" \
    "sadd16 lr, r0, r0\n str lr, [r2]\n" \
    "sadd16 r0, r0, r1\n" \
    "sadd16 lr, r1, r1\n" \
    "add r1, r2, r3, lsl #3\n str lr, [r1, r3, lsl #2]\n" \
    op " r1, " x1 ", " y1 "\n" \
    "sadd16 lr, r0, r1\n str lr, [r2, r3, lsl #2]\n" \
    "ssub16 r0, r0, r1\n str r0, [r2, r3, lsl #3]\n" \
    "add r2, r2, r3\n"

#define NN_F2_ROW(x0, x1, x2, rotation) \
    "sxtb16 " x0 ", " x0 rotation "\n sxtb16 " x1 ", " x1 rotation "\n sxtb16 " x2 ", " x2 rotation "\n"

/* Two of the four channels: the taps in r4-r12, row by row. On the stack: weights, tap bytes, end of the weights. */
#define NN_F2_HALF(rotation) \
    "ldr r4, [r0]\n ldr r5, [r0, r1]\n ldr r6, [r0, r1, lsl #1]\n" \
    "add r0, r0, r1\n add r0, r0, r1, lsl #1\n" \
    "ldr r7, [r0]\n ldr r8, [r0, r1]\n ldr r9, [r0, r1, lsl #1]\n" \
    "add r0, r0, r1\n add r0, r0, r1, lsl #1\n" \
    "ldr r10, [r0]\n ldr r11, [r0, r1]\n ldr r12, [r0, r1, lsl #1]\n" \
    NN_F2_ROW("r4", "r5", "r6", rotation) \
    NN_F2_ROW("r7", "r8", "r9", rotation) \
    NN_F2_ROW("r10", "r11", "r12", rotation) \
    NN_F2_COLUMN("sadd16", "r4", "r4", "r7", "r7", "r10", "r10") \
    "sadd16 r4, r4, r6\n sadd16 r7, r7, r9\n sadd16 r10, r10, r12\n" \
    NN_F2_COLUMN("sadd16", "r4", "r5", "r7", "r8", "r10", "r11") \
    NN_F2_COLUMN("ssub16", "r4", "r5", "r7", "r8", "r10", "r11") \
    NN_F2_COLUMN("sadd16", "r6", "r6", "r9", "r9", "r12", "r12") \
    "ldrd r0, r1, [sp]\n" \
    "sub r2, r2, r3, lsl #2\n" \
    "add r2, r2, #16\n"

/* Taps lie tap_bytes apart, the channels of a tap next to each other. `u` is the output channel's column. */
NN_ASSEMBLY void nn_f2_weights(NN_UNUSED const int8_t *weights, NN_UNUSED int32_t tap_bytes,
                               NN_UNUSED int32_t groups, NN_UNUSED uint32_t *u, NN_UNUSED int32_t steps)
{
    __asm__ volatile("ldr r12, [sp]\n"
                     "push {r4-r11, lr}\n"
                     "add r2, r0, r2, lsl #2\n"
                     "sub sp, sp, #12\n"
                     "stm sp, {r0, r1, r2}\n"
                     "mov r2, r3\n"
                     "lsl r3, r12, #4\n"
                     "1:\n" NN_F2_HALF("") NN_F2_HALF(", ror #8")
                     "add r0, r0, #4\n"
                     "ldr r4, [sp, #8]\n"
                     "str r0, [sp]\n"
                     "cmp r0, r4\n"
                     "bne 1b\n"
                     "add sp, sp, #12\n"
                     "pop {r4-r11, pc}\n");
}

#else

/* G g, on int16 lanes */
NN_INLINE void nn_f2_g(uint32_t g0, uint32_t g1, uint32_t g2, uint32_t *to, int32_t stride)
{
    uint32_t a = nn_add16(g0, g2);
    to[0] = nn_add16(g0, g0);
    to[stride] = nn_add16(a, g1);
    to[2 * stride] = nn_sub16(a, g1);
    to[3 * stride] = nn_add16(g2, g2);
}

NN_SHARED void nn_f2_weights(const int8_t *weights, int32_t tap_bytes, int32_t groups, uint32_t *u, int32_t steps)
{
    for (int32_t i = 0; i < 2 * groups; i++, u += 4) {
        uint32_t rows[12];
        for (int32_t x = 0; x < 3; x++) {
            uint32_t column[3];
            for (int32_t y = 0; y < 3; y++) {
                uint32_t bytes = nn_load32(weights + i / 2 * 4 + (3 * y + x) * tap_bytes);
                column[y] = i % 2 != 0 ? nn_sxtb16_ror8(bytes) : nn_sxtb16(bytes);
            }
            nn_f2_g(column[0], column[1], column[2], rows + x, 3);
        }
        for (int32_t y = 0; y < 4; y++) {
            const uint32_t *row = rows + 3 * y;
            nn_f2_g(row[0], row[1], row[2], u + 4 * y * 4 * steps, 4 * steps);
        }
    }
}

#endif

#endif
