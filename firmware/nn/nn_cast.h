/* nn_cast: numbers as another type; what does not fit wraps, truth values are 0 and 1. */
#ifndef NN_CAST_H
#define NN_CAST_H

#include "nn.h"

#define NN_CAST_S8 0
#define NN_CAST_BOOL 1
#define NN_CAST_S32 2

typedef struct {
    const void *input;
    void *output;
    int32_t count;
    int32_t from, to;
} nn_cast_args;

NN_INLINE int32_t nn_cast_load(const nn_cast_args *a, int32_t i)
{
    switch (a->from) {
    case NN_CAST_S8:
        return ((const int8_t *)a->input)[i];
    case NN_CAST_BOOL:
        return ((const uint8_t *)a->input)[i];
    default:
        return ((const int32_t *)a->input)[i];
    }
}

NN_INLINE void nn_cast(const nn_cast_args *a)
{
    for (int32_t i = 0; i < a->count; i++) {
        int32_t x = nn_cast_load(a, i);
        switch (a->to) {
        case NN_CAST_S8:
            ((int8_t *)a->output)[i] = (int8_t)x;
            break;
        case NN_CAST_BOOL:
            ((uint8_t *)a->output)[i] = x != 0;
            break;
        default:
            ((int32_t *)a->output)[i] = x;
        }
    }
}

#endif
