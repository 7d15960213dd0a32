/* nn_take_s8: int8 slices along an axis, chosen by indices; an index that does not exist counts as the nearest. */
#ifndef NN_TAKE_S8_H
#define NN_TAKE_S8_H

#include "nn.h"

typedef struct {
    const int8_t *input;
    const int32_t *indices;
    int8_t *output;
    int32_t batches, rows; /* each batch has indices of its own */
    int32_t slices;        /* of the input in a row */
    int32_t taken;         /* of the output in a row */
    int32_t slice;         /* elements */
} nn_take_s8_args;

NN_INLINE void nn_take_s8(const nn_take_s8_args *a)
{
    const int8_t *row = a->input;
    int8_t *output = a->output;
    for (int32_t batch = 0; batch < a->batches; batch++) {
        const int32_t *indices = a->indices + batch * a->taken;
        for (int32_t i = 0; i < a->rows; i++, row += a->slices * a->slice) {
            for (int32_t place = 0; place < a->taken; place++, output += a->slice) {
                memcpy(output, row + nn_clamp(indices[place], 0, a->slices - 1) * a->slice, (size_t)a->slice);
            }
        }
    }
}

#endif
