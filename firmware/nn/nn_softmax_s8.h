/* nn_softmax_s8: softmax over rows of int8 to int8 or int16, in gemmlowp's fixed point.
 *
 * A value depends on the input only through its distance to the row's maximum, so exp comes from a table made at
 * compile time; the reciprocal of the sum is computed per row, by three Newton-Raphson steps. To int8, TFLM aborts where
 * the sum reaches 512; here every share is then below half a step, which is the lowest output.
 */
#ifndef NN_SOFTMAX_S8_H
#define NN_SOFTMAX_S8_H

#include "nn_gemmlowp.h"

typedef struct {
    const int8_t *input;
    void *output;
    const int32_t *exponentials; /* exp(-i * scale * beta) with 31 fractional bits */
    int32_t entries;             /* beyond them exp counts as 0 */
    int32_t rows, depth;
    int32_t output_bits;         /* 8 or 16 */
} nn_softmax_s8_args;

NN_INLINE int32_t nn_softmax_exponential(const nn_softmax_s8_args *a, int32_t distance)
{
    return distance < a->entries ? a->exponentials[distance] : 0;
}

/* Element i, from its share counted from 0. */
NN_INLINE void nn_softmax_store(const nn_softmax_s8_args *a, int32_t i, int32_t share)
{
    int32_t highest = (1 << a->output_bits) - 1;
    int32_t y = (share > highest ? highest : share) - (1 << (a->output_bits - 1));
    if (a->output_bits == 8) {
        ((int8_t *)a->output)[i] = (int8_t)y;
    } else {
        ((nn_half *)a->output)[i] = (int16_t)y;
    }
}

NN_INLINE void nn_softmax_s8(const nn_softmax_s8_args *a)
{
    const int8_t *input = a->input;
    for (int32_t row = 0; row < a->rows; row++, input += a->depth) {
        int32_t max = -128;
        for (int32_t i = 0; i < a->depth; i++) {
            max = input[i] > max ? input[i] : max;
        }
        int32_t sum = 0; /* 19 fractional bits */
        for (int32_t i = 0; i < a->depth; i++) {
            sum += nn_rounding_divide_by_pot(nn_softmax_exponential(a, max - input[i]), 12);
        }
        int32_t zeros = __builtin_clz((uint32_t)sum);
        int32_t reciprocal = nn_one_over_one_plus((int32_t)(((uint32_t)sum << zeros) - (1u << 31)));
        int32_t shift = 12 - zeros + 31 - a->output_bits;
        for (int32_t i = 0; i < a->depth; i++) {
            int32_t share = nn_doubling_high_mul(nn_softmax_exponential(a, max - input[i]), reciprocal);
            nn_softmax_store(a, row * a->depth + i, shift > 31 ? 0 : nn_rounding_divide_by_pot(share, shift));
        }
    }
}

#endif
