/* nn_gemm.h: two output channels times four pixels, int16 by int16, the core of the general convolution.
 *
 * Both operands come as words of two int16 lanes in the order in which they are used, so the core reads two streams:
 *   x: for each pair of taps the words of four pixels
 *   w: for each pair of taps the words of two output channels
 * A step is 8 SMLAD (16 multiply-accumulates) and 6 LDR. No SMLAD reads a register loaded in the cycle before, and
 * every LDR stands beside an SMLAD, so that a Cortex-M7 can issue the two together: LDRD and LDM would save
 * instructions but are never issued with another.
 */
#ifndef NN_GEMM_H
#define NN_GEMM_H

#include "nn.h"

/* Words that the core reads beyond the end of either stream (and ignores). */
#define NN_GEMM_OVERREAD 2

#if NN_DSP && defined(__ARM_FP) /* loop bounds are kept in registers of the FPU */

/* r0 x, r1 w, r2 and r3 pixels, r12 and lr weights, r4-r7 and r8-r11 the sums of the two channels. r3 is free between
 * steps. */
#define NN_GEMM_STEP \
    "smlad r4, r2, r12, r4\n ldr r3, [r0], #4\n" \
    "smlad r8, r2, lr, r8\n ldr r2, [r0], #4\n" \
    "smlad r5, r3, r12, r5\n" \
    "smlad r9, r3, lr, r9\n ldr r3, [r0], #4\n" \
    "smlad r6, r2, r12, r6\n" \
    "smlad r10, r2, lr, r10\n ldr r2, [r0], #4\n" \
    "smlad r7, r3, r12, r7\n ldr r12, [r1], #4\n" \
    "smlad r11, r3, lr, r11\n ldr lr, [r1], #4\n"

/* sums[8] += x times w up to w_end; the number of steps is even and not zero. */
NN_ASSEMBLY void nn_gemm_2x4(NN_UNUSED const uint32_t *x, NN_UNUSED const uint32_t *w, NN_UNUSED const uint32_t *w_end,
                             NN_UNUSED int32_t *sums)
{
    __asm__ volatile("push {r3-r11, lr}\n"
                     "ldm r3, {r4-r11}\n"
                     "sub r3, r2, r1\n"
                     "add r2, r2, #8\n" /* where w stands once the first words behind the end are loaded */
                     "vmov s0, r2\n"
                     "lsls r3, r3, #28\n" /* carry: steps modulo 4 are 2 */
                     "ldr r2, [r0], #4\n"
                     "ldr r12, [r1], #4\n"
                     "ldr lr, [r1], #4\n"
                     "bcs 2f\n"
                     ".balign 8\n"
                     "1:\n" NN_GEMM_STEP NN_GEMM_STEP
                     "2:\n" NN_GEMM_STEP NN_GEMM_STEP
                     "vmov r3, s0\n"
                     "cmp r1, r3\n"
                     "bne 1b\n"
                     "pop {r3}\n"
                     "stm r3, {r4-r11}\n"
                     "pop {r4-r11, pc}\n");
}

#else

NN_INLINE void nn_gemm_2x4(const uint32_t *x, const uint32_t *w, const uint32_t *w_end, int32_t *sums)
{
    for (; w != w_end; w += 2, x += 4) {
        for (int32_t i = 0; i < 8; i++) {
            sums[i] = nn_smlad(x[i & 3], w[i >> 2], sums[i]);
        }
    }
}

#endif

#endif
