/* nn_lookup_s8: any function of one int8 value to bytes as a table of 256, indexed by the value's bits. */
#ifndef NN_LOOKUP_S8_H
#define NN_LOOKUP_S8_H

#include "nn.h"

typedef struct {
    const int8_t *input;
    void *output; /* int8, or truth values */
    const void *table;
    int32_t count;
} nn_lookup_s8_args;

NN_INLINE void nn_lookup_s8(const nn_lookup_s8_args *a)
{
    const int8_t *input = a->input;
    uint8_t *output = a->output;
    const uint8_t *table = a->table;
    int32_t left = a->count;
    for (; left >= 8; left -= 8, input += 8, output += 8) {
        NN_UNROLL(8)
        for (int32_t i = 0; i < 8; i++) {
            output[i] = table[(uint8_t)input[i]];
        }
    }
    for (; left > 0; left--) {
        *output++ = table[(uint8_t)*input++];
    }
}

#endif
