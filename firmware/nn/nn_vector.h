/* nn_vector.h: four outputs of a matrix times a vector, int8 weights by int16 operands.
 *
 * Streams: x has two words of int16 lanes for every four operands, (x0, x2) and (x1, x3); w has for the same four
 * operands the bytes of four outputs, a word each. A step is 8 SMLAD (16 multiply-accumulates), 8 SXTB16 and 6 LDR,
 * arranged as in nn_gemm.h.
 */
#ifndef NN_VECTOR_H
#define NN_VECTOR_H

#include "nn.h"

#if NN_DSP

/* r0 x, r1 w, r2 and r3 operands, r4-r7 sums, r8 and r9 weights, r10 and r11 their lanes, r12 the end of w. */
#define NN_VECTOR_OUTPUT(sum, weights, load) \
    "sxtb16 r10, " weights "\n" \
    "sxtb16 r11, " weights ", ror #8\n" load \
    "smlad " sum ", r2, r10, " sum "\n" \
    "smlad " sum ", r3, r11, " sum "\n"

#define NN_VECTOR_STEP \
    "ldr r2, [r0], #4\n" \
    "ldr r3, [r0], #4\n" \
    "ldr r8, [r1], #4\n" \
    "ldr r9, [r1], #4\n" \
    NN_VECTOR_OUTPUT("r4", "r8", "ldr r8, [r1], #4\n") \
    NN_VECTOR_OUTPUT("r5", "r9", "ldr r9, [r1], #4\n") \
    NN_VECTOR_OUTPUT("r6", "r8", "") \
    NN_VECTOR_OUTPUT("r7", "r9", "")

/* sums[4] += w times x up to w_end; at least one step. */
NN_ASSEMBLY void nn_vector_4(NN_UNUSED const uint32_t *x, NN_UNUSED const int8_t *w, NN_UNUSED const int8_t *w_end,
                             NN_UNUSED int32_t *sums)
{
    __asm__ volatile("push {r3-r11, lr}\n"
                     "ldm r3, {r4-r7}\n"
                     "mov r12, r2\n"
                     "subs r2, r2, r1\n"
                     "lsls r2, r2, #28\n" /* carry: an odd number of steps */
                     "bcs 2f\n"
                     ".balign 8\n"
                     "1:\n" NN_VECTOR_STEP
                     "2:\n" NN_VECTOR_STEP
                     "cmp r1, r12\n"
                     "bne 1b\n"
                     "pop {r3}\n"
                     "stm r3, {r4-r7}\n"
                     "pop {r4-r11, pc}\n");
}

#else

NN_INLINE void nn_vector_4(const uint32_t *x, const int8_t *w, const int8_t *w_end, int32_t *sums)
{
    for (; w != w_end; w += 16, x += 2) {
        for (int32_t i = 0; i < 4; i++) {
            uint32_t bytes = nn_load32(w + 4 * i);
            sums[i] = nn_smlad(nn_load32(x), nn_sxtb16(bytes), sums[i]);
            sums[i] = nn_smlad(nn_load32(x + 1), nn_sxtb16_ror8(bytes), sums[i]);
        }
    }
}

#endif

/* The operands' stream of `count` int8 values, the last word filled up with zeros. */
NN_INLINE void nn_vector_widen(uint32_t *x, const int8_t *values, int32_t count)
{
    for (int32_t i = 0; i < count / 4; i++) {
        uint32_t bytes = nn_load32(values + 4 * i);
        *x++ = nn_sxtb16(bytes);
        *x++ = nn_sxtb16_ror8(bytes);
    }
    if (count % 4 != 0) {
        const int8_t *rest = values + count / 4 * 4;
        x[0] = nn_lanes(rest[0], count % 4 > 2 ? rest[2] : 0);
        x[1] = nn_lanes(count % 4 > 1 ? rest[1] : 0, 0);
    }
}

#endif
