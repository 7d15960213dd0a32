/* nn_pad_s8: constant padding, counted in bytes: rows are copied, the gaps between them filled, in one pass over the output. */
#ifndef NN_PAD_S8_H
#define NN_PAD_S8_H

#include "nn.h"

#define NN_PAD_LOOPS 4

typedef struct {
    const void *input;
    void *output;
    int32_t value; /* of every byte */
    int32_t lead;                     /* padding in front of the first row */
    int32_t row;                      /* bytes that are copied at once */
    int32_t rank, dims[NN_PAD_LOOPS]; /* loops around the rows */
    int32_t gaps[NN_PAD_LOOPS + 1];   /* padding after a row that ends so many of the loops; the last is the end */
} nn_pad_s8_args;

NN_INLINE int8_t *nn_pad_fill(const nn_pad_s8_args *a, int8_t *output, int32_t count)
{
    memset(output, a->value, (size_t)count);
    return output + count;
}

NN_INLINE void nn_pad_s8(const nn_pad_s8_args *a)
{
    int32_t turns[NN_PAD_LOOPS] = {0};
    const int8_t *input = (const int8_t *)a->input;
    int8_t *output = nn_pad_fill(a, (int8_t *)a->output, a->lead);
    int32_t ended;
    do {
        memcpy(output, input, (size_t)a->row);
        input += a->row;
        ended = 0;
        while (ended < a->rank && ++turns[a->rank - 1 - ended] == a->dims[a->rank - 1 - ended]) {
            turns[a->rank - 1 - ended] = 0;
            ended++;
        }
        output = nn_pad_fill(a, output + a->row, a->gaps[ended]);
    } while (ended < a->rank);
}

#endif
