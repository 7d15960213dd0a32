/* nn_arg_extremum_s8: where along an axis the largest or smallest int8 value is; the first of equals. */
#ifndef NN_ARG_EXTREMUM_S8_H
#define NN_ARG_EXTREMUM_S8_H

#include <stdbool.h>

#include "nn.h"

typedef struct {
    const int8_t *input;
    int32_t *output;
    int32_t outer, size, inner; /* elements around, along and inside the axis */
    bool largest;
} nn_arg_extremum_s8_args;

NN_INLINE int32_t nn_arg_extremum_of(const nn_arg_extremum_s8_args *a, const int8_t *p)
{
    int32_t best = *p;
    int32_t place = 0;
    for (int32_t i = 1; i < a->size; i++) {
        int32_t value = p[i * a->inner];
        if (a->largest ? value > best : value < best) {
            best = value;
            place = i;
        }
    }
    return place;
}

NN_INLINE void nn_arg_extremum_s8(const nn_arg_extremum_s8_args *a)
{
    int32_t *output = a->output;
    for (int32_t outer = 0; outer < a->outer; outer++) {
        for (int32_t inner = 0; inner < a->inner; inner++) {
            *output++ = nn_arg_extremum_of(a, a->input + outer * a->size * a->inner + inner);
        }
    }
}

#endif
