/* nn_clamp_elements_s16: int16 values cut off at two limits. */
#ifndef NN_CLAMP_ELEMENTS_S16_H
#define NN_CLAMP_ELEMENTS_S16_H

#include "nn_bytes.h"

typedef struct {
    const void *input; /* int16 */
    void *output;      /* int16 */
    int32_t count, output_min, output_max;
} nn_clamp_elements_s16_args;

NN_INLINE void nn_clamp_elements_s16(const nn_clamp_elements_s16_args *a)
{
    const nn_half *input = (const nn_half *)a->input;
    nn_half *output = (nn_half *)a->output;
    NN_UNROLL(4)
    for (int32_t i = 0; i < a->count; i++) {
        output[i] = (int16_t)nn_clamp(input[i], a->output_min, a->output_max);
    }
}

#endif
