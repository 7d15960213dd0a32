/* nn_concat_s8: interleaves runs of several tensors. */
#ifndef NN_CONCAT_S8_H
#define NN_CONCAT_S8_H

#include "nn.h"

#define NN_CONCAT_INPUTS 64

typedef struct {
    const void *inputs[NN_CONCAT_INPUTS];
    void *output;
    int32_t runs[NN_CONCAT_INPUTS]; /* bytes of each input in a row */
    int32_t count, rows;
} nn_concat_s8_args;

NN_INLINE void nn_concat_s8(const nn_concat_s8_args *a)
{
    int8_t *output = (int8_t *)a->output;
    for (int32_t row = 0; row < a->rows; row++) {
        NN_UNROLL(64)
        for (int32_t i = 0; i < a->count; i++) {
            memcpy(output, (const int8_t *)a->inputs[i] + row * a->runs[i], (size_t)a->runs[i]);
            output += a->runs[i];
        }
    }
}

#endif
