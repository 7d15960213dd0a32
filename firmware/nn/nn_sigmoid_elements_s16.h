/* nn_sigmoid_elements_s16: sigmoid or tanh of int16 values. */
#ifndef NN_SIGMOID_ELEMENTS_S16_H
#define NN_SIGMOID_ELEMENTS_S16_H

#include "nn_sigmoid.h"

typedef struct {
    const void *input;     /* int16 */
    void *output;          /* int16 */
    const uint16_t *table; /* of nn_sigmoid.h */
    int32_t count;
    int32_t multiplier, shift; /* from inputs to 1/24 of 2^-9 for sigmoid, 1/48 of 2^-8 for tanh */
    int32_t is_tanh;
} nn_sigmoid_elements_s16_args;

NN_INLINE void nn_sigmoid_elements_s16(const nn_sigmoid_elements_s16_args *a)
{
    const nn_half *input = (const nn_half *)a->input;
    nn_half *output = (nn_half *)a->output;
    for (int32_t i = 0; i < a->count; i++) {
        int32_t y = a->is_tanh ? nn_tanh_s16(a->table, input[i], a->multiplier, a->shift)
                               : nn_sigmoid_scaled_s16(a->table, nn_sigmoid_scale(input[i], a->multiplier, a->shift));
        output[i] = (int16_t)y;
    }
}

#endif
