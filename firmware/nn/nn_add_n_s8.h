/* nn_add_n_s8: the rescaled sum of several int8 tensors of one shape and scale. As in TFLM, it starts with the offset. */
#ifndef NN_ADD_N_S8_H
#define NN_ADD_N_S8_H

#include "nn_bytes.h"

#define NN_ADD_N_INPUTS 64

typedef struct {
    const int8_t *inputs[NN_ADD_N_INPUTS];
    int8_t *output;
    int32_t count, elements;
    int32_t input_offset, output_offset, output_multiplier, output_shift;
} nn_add_n_s8_args;

NN_INLINE void nn_add_n_s8(const nn_add_n_s8_args *a)
{
    for (int32_t i = 0; i < a->elements; i++) {
        int32_t sum = (a->count + 1) * a->input_offset;
#pragma GCC unroll 64
        for (int32_t part = 0; part < a->count; part++) {
            sum += a->inputs[part][i];
        }
        int32_t y = nn_requantize((int32_t)((uint32_t)sum << 19), a->output_multiplier, a->output_shift);
        a->output[i] = (int8_t)nn_clamp_s8(y + a->output_offset, -128, 127);
    }
}

#endif
