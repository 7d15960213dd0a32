/* nn_take_nd_s8: int8 slices chosen by several indices each; a slice outside the input counts as the nearest inside. */
#ifndef NN_TAKE_ND_S8_H
#define NN_TAKE_ND_S8_H

#include "nn.h"

#define NN_TAKE_INDICES 5

typedef struct {
    const int8_t *input;
    const int32_t *indices;
    int8_t *output;
    int32_t count;                         /* slices */
    int32_t depth, steps[NN_TAKE_INDICES]; /* indices of a slice, elements per index */
    int32_t slice, elements;               /* of a slice, of the input */
} nn_take_nd_s8_args;

NN_INLINE void nn_take_nd_s8(const nn_take_nd_s8_args *a)
{
    const int32_t *indices = a->indices;
    const int64_t last = a->elements - a->slice;
    int8_t *output = a->output;
    for (int32_t i = 0; i < a->count; i++, indices += a->depth, output += a->slice) {
        int64_t first = 0;
        for (int32_t d = 0; d < a->depth; d++) {
            first += (int64_t)indices[d] * a->steps[d];
        }
        first = first < 0 ? 0 : first > last ? last : first;
        memcpy(output, a->input + first, (size_t)a->slice);
    }
}

#endif
