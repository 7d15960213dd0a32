/* nn_log_softmax_s8: int8 logarithm of a softmax over rows.
 *
 * exp and the argument's fixed point come from tables by the distance to the row's maximum.
 */
#ifndef NN_LOG_SOFTMAX_S8_H
#define NN_LOG_SOFTMAX_S8_H

#include "nn_gemmlowp.h"

typedef struct {
    const int8_t *input;
    int8_t *output;
    const int32_t *exponentials; /* exp(-i * scale) with 19 fractional bits */
    const int32_t *differences;  /* -i * scale with 26 fractional bits */
    int32_t entries;             /* beyond them exp counts as 0 */
    int32_t reverse_multiplier, reverse_shift; /* from 26 fractional bits to stored steps */
    int32_t rows, depth;
} nn_log_softmax_s8_args;

NN_INLINE void nn_log_softmax_row(const nn_log_softmax_s8_args *a, const int8_t *input, int8_t *output)
{
    int32_t max = -128;
    for (int32_t i = 0; i < a->depth; i++) {
        max = input[i] > max ? input[i] : max;
    }
    int32_t sum = 0;
    for (int32_t i = 0; i < a->depth; i++) {
        sum += max - input[i] < a->entries ? a->exponentials[max - input[i]] : 0;
    }
    int32_t logarithm = nn_log_q12(sum);
    int32_t overflow = nn_requantize(logarithm + INT32_MIN, a->reverse_multiplier, a->reverse_shift);
    int32_t farthest = overflow > -a->entries ? -overflow - 1 : a->entries - 1;
    for (int32_t i = 0; i < a->depth; i++) {
        int32_t distance = max - input[i];
        int32_t y = -128;
        if (distance <= farthest) {
            y = nn_rounding_divide_by_pot(a->differences[distance] - logarithm, 22) + 127;
        }
        output[i] = (int8_t)nn_clamp(y, -128, 127);
    }
}

NN_INLINE void nn_log_softmax_s8(const nn_log_softmax_s8_args *a)
{
    for (int32_t row = 0; row < a->rows; row++) {
        nn_log_softmax_row(a, a->input + row * a->depth, a->output + row * a->depth);
    }
}

#endif
