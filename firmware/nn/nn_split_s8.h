/* nn_split_s8: distributes the runs of a tensor to several others. */
#ifndef NN_SPLIT_S8_H
#define NN_SPLIT_S8_H

#include "nn.h"

#define NN_SPLIT_OUTPUTS 64

typedef struct {
    const void *input;
    void *outputs[NN_SPLIT_OUTPUTS];
    int32_t runs[NN_SPLIT_OUTPUTS]; /* bytes of each output in a row */
    int32_t count, rows;
} nn_split_s8_args;

NN_INLINE void nn_split_s8(const nn_split_s8_args *a)
{
    const int8_t *input = (const int8_t *)a->input;
    for (int32_t row = 0; row < a->rows; row++) {
        NN_UNROLL(64)
        for (int32_t i = 0; i < a->count; i++) {
            memcpy((int8_t *)a->outputs[i] + row * a->runs[i], input, (size_t)a->runs[i]);
            input += a->runs[i];
        }
    }
}

#endif
