/* nn_abs_s16: magnitudes of int16 values, rescaled. */
#ifndef NN_ABS_S16_H
#define NN_ABS_S16_H

#include "nn_requantize_s16.h"

typedef struct {
    const void *input; /* int16 */
    void *output;      /* int16 */
    int32_t count, multiplier, shift;
} nn_abs_s16_args;

NN_INLINE void nn_abs_s16(const nn_abs_s16_args *a)
{
    const nn_half *input = (const nn_half *)a->input;
    nn_half *output = (nn_half *)a->output;
    NN_UNROLL(4)
    for (int32_t i = 0; i < a->count; i++) {
        int32_t x = input[i];
        output[i] = nn_clamp_s16(nn_requantize(x < 0 ? -x : x, a->multiplier, a->shift), -32768, 32767);
    }
}

#endif
