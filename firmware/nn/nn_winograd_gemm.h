/* nn_winograd_gemm.h: M = V times U at every position, for two tiles and four output channels.
 *
 * A step takes one word (two input channels) of both tiles and of the four output channels: 8 SMLAD and 6 LDR. Every
 * LDR stands beside an SMLAD, and no SMLAD reads a register loaded in the cycle before, so that a Cortex-M7 issues one
 * SMLAD per cycle; LDRD or LDM would be fewer instructions, but are never issued beside another. To that end the tiles
 * take turns in coming first, and V holds their words in the order of use. V and U run on over the positions without a
 * gap, so the loads at the end of a position serve the next one: two words beyond V and one beyond U are read in vain.
 */
#ifndef NN_WINOGRAD_GEMM_H
#define NN_WINOGRAD_GEMM_H

#include "nn_winograd.h"

#if NN_DSP

/* r0 V, r1 U, r2-r5 and r6-r9 the sums of the two tiles, r10 and r11 their words, r12 and lr words of U. */
#define NN_WINOGRAD_FIRST \
    "smuad r2, r10, r12\n ldr lr, [r1], #4\n" \
    "smuad r6, r11, r12\n ldr r12, [r1], #4\n" \
    "smuad r3, r10, lr\n" \
    "smuad r7, r11, lr\n ldr lr, [r1], #4\n" \
    "smuad r4, r10, r12\n" \
    "smuad r8, r11, r12\n ldr r12, [r1], #4\n" \
    "smuad r9, r11, lr\n ldr r11, [r0], #4\n" \
    "smuad r5, r10, lr\n ldr r10, [r0], #4\n"
#define NN_WINOGRAD_EVEN \
    "smlad r2, r10, r12, r2\n ldr lr, [r1], #4\n" \
    "smlad r6, r11, r12, r6\n ldr r12, [r1], #4\n" \
    "smlad r3, r10, lr, r3\n" \
    "smlad r7, r11, lr, r7\n ldr lr, [r1], #4\n" \
    "smlad r4, r10, r12, r4\n" \
    "smlad r8, r11, r12, r8\n ldr r12, [r1], #4\n" \
    "smlad r9, r11, lr, r9\n ldr r11, [r0], #4\n" \
    "smlad r5, r10, lr, r5\n ldr r10, [r0], #4\n"
#define NN_WINOGRAD_ODD \
    "smlad r6, r11, r12, r6\n ldr lr, [r1], #4\n" \
    "smlad r2, r10, r12, r2\n ldr r12, [r1], #4\n" \
    "smlad r7, r11, lr, r7\n" \
    "smlad r3, r10, lr, r3\n ldr lr, [r1], #4\n" \
    "smlad r8, r11, r12, r8\n" \
    "smlad r4, r10, r12, r4\n ldr r12, [r1], #4\n" \
    "smlad r5, r10, lr, r5\n ldr r10, [r0], #4\n" \
    "smlad r9, r11, lr, r9\n ldr r11, [r0], #4\n"

/* The steps of a position in line; or `block` of them, in a loop until U has reached the end of the position. On the
 * stack: m, its end, bytes of U per position, that end. */
#define NN_WINOGRAD_GEMM(name, block, loop, next) \
    NN_ASSEMBLY void nn_winograd_gemm_##name(NN_UNUSED const uint32_t *v, NN_UNUSED const uint32_t *u, \
                                             NN_UNUSED uint32_t *m, NN_UNUSED const uint32_t *m_end, \
                                             NN_UNUSED int32_t u_bytes) \
    { \
        __asm__ volatile("ldr r12, [sp]\n" \
                         "push {r4-r11, lr}\n" \
                         "add lr, r1, r12\n" \
                         "add lr, lr, #4\n" \
                         "push {r2, r3, r12, lr}\n" \
                         "ldr r10, [r0], #4\n" \
                         "ldr r12, [r1], #4\n" \
                         "ldr r11, [r0], #4\n" \
                         ".balign 8\n" \
                         "1:\n" NN_WINOGRAD_FIRST NN_WINOGRAD_ODD \
                         ".rept " block " / 2 - 1\n" NN_WINOGRAD_EVEN NN_WINOGRAD_ODD ".endr\n" loop \
                         "ldr lr, [sp]\n" \
                         "stm lr!, {r2-r9}\n" next \
                         "ldr r3, [sp, #4]\n" \
                         "str lr, [sp]\n" \
                         "cmp lr, r3\n" \
                         "bne 1b\n" \
                         "add sp, sp, #16\n" \
                         "pop {r4-r11, pc}\n"); \
    }

#define NN_WINOGRAD_GEMM_OF(steps) NN_WINOGRAD_GEMM(steps, #steps, "", "")
#define NN_WINOGRAD_GEMM_BY(block) \
    NN_WINOGRAD_GEMM(by_##block, #block, \
                     "b 3f\n" \
                     "2:\n" \
                     ".rept " #block " / 2\n" NN_WINOGRAD_EVEN NN_WINOGRAD_ODD ".endr\n" \
                     "3:\n" \
                     "ldr lr, [sp, #12]\n" \
                     "cmp r1, lr\n" \
                     "bne 2b\n", \
                     "ldrd r2, r3, [sp, #8]\n" \
                     "add r3, r3, r2\n" \
                     "str r3, [sp, #12]\n")

NN_WINOGRAD_GEMM_OF(4)
NN_WINOGRAD_GEMM_OF(8)
NN_WINOGRAD_GEMM_OF(12)
NN_WINOGRAD_GEMM_OF(16)
NN_WINOGRAD_GEMM_OF(24)
NN_WINOGRAD_GEMM_OF(32)
NN_WINOGRAD_GEMM_OF(48)
NN_WINOGRAD_GEMM_OF(64)
NN_WINOGRAD_GEMM_BY(16)
NN_WINOGRAD_GEMM_BY(4)
NN_WINOGRAD_GEMM_BY(2)

NN_INLINE void nn_winograd_gemm(const uint32_t *v, const uint32_t *u, uint32_t *m, int32_t positions, int32_t steps)
{
    uint32_t *end = m + 8 * positions;
    const int32_t bytes = steps * 16;
    switch (steps) {
    case 4:
        nn_winograd_gemm_4(v, u, m, end, bytes);
        break;
    case 8:
        nn_winograd_gemm_8(v, u, m, end, bytes);
        break;
    case 12:
        nn_winograd_gemm_12(v, u, m, end, bytes);
        break;
    case 16:
        nn_winograd_gemm_16(v, u, m, end, bytes);
        break;
    case 24:
        nn_winograd_gemm_24(v, u, m, end, bytes);
        break;
    case 32:
        nn_winograd_gemm_32(v, u, m, end, bytes);
        break;
    case 48:
        nn_winograd_gemm_48(v, u, m, end, bytes);
        break;
    case 64:
        nn_winograd_gemm_64(v, u, m, end, bytes);
        break;
    default:
        if (steps % 16 == 0) {
            nn_winograd_gemm_by_16(v, u, m, end, bytes);
        } else if (steps % 4 == 0) {
            nn_winograd_gemm_by_4(v, u, m, end, bytes);
        } else {
            nn_winograd_gemm_by_2(v, u, m, end, bytes);
        }
    }
}

#else

NN_INLINE void nn_winograd_gemm(const uint32_t *v, const uint32_t *u, uint32_t *m, int32_t positions, int32_t steps)
{
    for (int32_t position = 0; position < positions; position++, m += 8) {
        for (int32_t i = 0; i < 8; i++) {
            m[i] = 0;
        }
        for (int32_t k = 0; k < steps; k++, v += 2, u += 4) {
            for (int32_t i = 0; i < 8; i++) {
                m[i] = (uint32_t)nn_smlad(v[(i / 4) ^ (k & 1)], u[i & 3], (int32_t)m[i]);
            }
        }
    }
}

#endif

#endif
