/* nn_fill_s8: an int8 tensor full of one value. */
#ifndef NN_FILL_S8_H
#define NN_FILL_S8_H

#include "nn.h"

typedef struct {
    const int8_t *value;
    int8_t *output;
    int32_t count;
} nn_fill_s8_args;

NN_INLINE void nn_fill_s8(const nn_fill_s8_args *a)
{
    memset(a->output, *a->value, (size_t)a->count);
}

#endif
