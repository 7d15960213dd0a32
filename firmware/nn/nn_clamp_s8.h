/* nn_clamp_s8_x4: clamp int8 values to a range, four at a time. */
#ifndef NN_CLAMP_S8_H
#define NN_CLAMP_S8_H

#include "nn_bytes.h"

typedef struct {
    const int8_t *input;
    int8_t *output;
    int32_t count, output_min, output_max;
} nn_clamp_s8_args;

NN_INLINE void nn_clamp_s8_x4(const nn_clamp_s8_args *a)
{
    int32_t i = 0;
    for (; i + 4 <= a->count; i += 4) {
        nn_store32(a->output + i, nn_clamp_s8x4(nn_load32(a->input + i), a->output_min, a->output_max));
    }
    for (; i < a->count; i++) {
        a->output[i] = (int8_t)nn_clamp(a->input[i], a->output_min, a->output_max);
    }
}

#endif
