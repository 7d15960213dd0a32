/* nn_cumsum_s8: rescaled int8 sums of all values so far along an axis. As in TFLM, they start with the offset. */
#ifndef NN_CUMSUM_S8_H
#define NN_CUMSUM_S8_H

#include <stdbool.h>

#include "nn_bytes.h"

typedef struct {
    const int8_t *input;
    int8_t *output;
    int32_t outer, size, inner; /* elements around, along and inside the axis */
    bool exclusive, reverse;
    int32_t input_offset, output_offset, output_multiplier, output_shift;
} nn_cumsum_s8_args;

/* One line along the axis; `first` is the element where it starts. */
NN_INLINE void nn_cumsum_line(const nn_cumsum_s8_args *a, int32_t first)
{
    const int32_t step = a->reverse ? -a->inner : a->inner;
    uint32_t sum = (uint32_t)a->input_offset;
    int32_t at = a->reverse ? first + (a->size - 1) * a->inner : first;
    for (int32_t i = 0; i < a->size; i++, at += step) {
        uint32_t next = sum + (uint32_t)(a->input[at] + a->input_offset);
        uint32_t total = a->exclusive ? sum : next;
        int32_t y = nn_requantize((int32_t)(total << 19), a->output_multiplier, a->output_shift);
        a->output[at] = (int8_t)nn_clamp_s8(y + a->output_offset, -128, 127);
        sum = next;
    }
}

NN_INLINE void nn_cumsum_s8(const nn_cumsum_s8_args *a)
{
    for (int32_t outer = 0; outer < a->outer; outer++) {
        for (int32_t inner = 0; inner < a->inner; inner++) {
            nn_cumsum_line(a, outer * a->size * a->inner + inner);
        }
    }
}

#endif
