/* nn_lookup_s8: any function of one int8 value as a table of 256 bytes, indexed by the value's bits. */
#ifndef NN_LOOKUP_S8_H
#define NN_LOOKUP_S8_H

#include "nn.h"

typedef struct {
    const int8_t *input;
    int8_t *output;
    const int8_t *table;
    int32_t count;
} nn_lookup_s8_args;

NN_INLINE void nn_lookup_s8(const nn_lookup_s8_args *a)
{
    const int8_t *input = a->input;
    int8_t *output = a->output;
    int32_t left = a->count;
    for (; left >= 8; left -= 8, input += 8, output += 8) {
#pragma GCC unroll 8
        for (int32_t i = 0; i < 8; i++) {
            output[i] = a->table[(uint8_t)input[i]];
        }
    }
    for (; left > 0; left--) {
        *output++ = a->table[(uint8_t)*input++];
    }
}

#endif
