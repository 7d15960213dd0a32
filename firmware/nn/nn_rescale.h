/* nn_rescale: integers of one type, scale and zero point as those of another. */
#ifndef NN_RESCALE_H
#define NN_RESCALE_H

#include "nn.h"

typedef struct {
    const void *input;
    void *output;
    int32_t count;
    int32_t from, to; /* bytes of an element: 1, 2 or 4 */
    int32_t input_offset, multiplier, shift, output_offset, output_min, output_max;
} nn_rescale_args;

NN_INLINE int32_t nn_rescale_load(const nn_rescale_args *a, int32_t i)
{
    return a->from == 1   ? ((const int8_t *)a->input)[i]
           : a->from == 2 ? ((const nn_half *)a->input)[i]
                          : ((const int32_t *)a->input)[i];
}

NN_INLINE void nn_rescale_store(const nn_rescale_args *a, int32_t i, int32_t y)
{
    if (a->to == 1) {
        ((int8_t *)a->output)[i] = (int8_t)y;
    } else if (a->to == 2) {
        ((nn_half *)a->output)[i] = (int16_t)y;
    } else {
        ((int32_t *)a->output)[i] = y;
    }
}

NN_INLINE void nn_rescale_elements(const nn_rescale_args *a)
{
    NN_UNROLL(4)
    for (int32_t i = 0; i < a->count; i++) {
        int32_t x = nn_wrapping_sum(nn_rescale_load(a, i), a->input_offset);
        int32_t y = nn_wrapping_sum(nn_requantize(x, a->multiplier, a->shift), a->output_offset);
        nn_rescale_store(a, i, nn_clamp(y, a->output_min, a->output_max));
    }
}

#endif
