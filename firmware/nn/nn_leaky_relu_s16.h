/* nn_leaky_relu_s16: int16 x or alpha * x, rescaled; RELU too, with a lowest output of 0. */
#ifndef NN_LEAKY_RELU_S16_H
#define NN_LEAKY_RELU_S16_H

#include "nn_requantize_s16.h"

typedef struct {
    const void *input; /* int16 */
    void *output;      /* int16 */
    int32_t count;
    int32_t multiplier1, shift1;        /* of what is not negative */
    int32_t multiplier2, shift2, sign2; /* of negative values */
    int32_t output_min;
} nn_leaky_relu_s16_args;

NN_INLINE void nn_leaky_relu_s16(const nn_leaky_relu_s16_args *a)
{
    const nn_half *input = (const nn_half *)a->input;
    nn_half *output = (nn_half *)a->output;
    NN_UNROLL(4)
    for (int32_t i = 0; i < a->count; i++) {
        int32_t x = input[i];
        int32_t y = x >= 0 ? nn_requantize(x, a->multiplier1, a->shift1)
                           : a->sign2 * nn_requantize(x, a->multiplier2, a->shift2);
        output[i] = nn_clamp_s16(y, a->output_min, 32767);
    }
}

#endif
