/* nn_mirror_pad_s8: int8 padding by reflection, row by row along the innermost padded axis. */
#ifndef NN_MIRROR_PAD_S8_H
#define NN_MIRROR_PAD_S8_H

#include "nn.h"

#define NN_MIRROR_LOOPS 4

typedef struct {
    const int8_t *input;
    int8_t *output;
    int32_t rank, sizes[NN_MIRROR_LOOPS], before[NN_MIRROR_LOOPS], padded[NN_MIRROR_LOOPS]; /* loops around the rows */
    int32_t row_size, row_before, row_after;
    int32_t unit;    /* elements that a place along the row has */
    int32_t skipped; /* outermost places that are not repeated: 0 or 1 */
} nn_mirror_pad_s8_args;

/* The place that is seen at place i of an axis of `size`, counted from its first own one. */
NN_INLINE int32_t nn_mirrored(int32_t i, int32_t size, int32_t skipped)
{
    return i < 0 ? skipped - 1 - i : i >= size ? 2 * size - 1 - skipped - i : i;
}

NN_INLINE int8_t *nn_mirror_row(const nn_mirror_pad_s8_args *a, const int8_t *row, int8_t *output)
{
    for (int32_t i = -a->row_before; i < 0; i++, output += a->unit) {
        memcpy(output, row + nn_mirrored(i, a->row_size, a->skipped) * a->unit, (size_t)a->unit);
    }
    memcpy(output, row, (size_t)(a->row_size * a->unit));
    output += a->row_size * a->unit;
    for (int32_t i = a->row_size; i < a->row_size + a->row_after; i++, output += a->unit) {
        memcpy(output, row + nn_mirrored(i, a->row_size, a->skipped) * a->unit, (size_t)a->unit);
    }
    return output;
}

NN_INLINE void nn_mirror_pad_s8(const nn_mirror_pad_s8_args *a)
{
    int32_t places[NN_MIRROR_LOOPS] = {0};
    int8_t *output = a->output;
    int32_t ended;
    do {
        int32_t row = 0;
        for (int32_t d = 0; d < a->rank; d++) {
            row = row * a->sizes[d] + nn_mirrored(places[d] - a->before[d], a->sizes[d], a->skipped);
        }
        output = nn_mirror_row(a, a->input + row * a->row_size * a->unit, output);
        ended = 0;
        while (ended < a->rank && ++places[a->rank - 1 - ended] == a->padded[a->rank - 1 - ended]) {
            places[a->rank - 1 - ended] = 0;
            ended++;
        }
    } while (ended < a->rank);
}

#endif
