/* nn_l2_normalization_s8: int8 rows divided by the root of the sum of their squares, in steps of 1/128. */
#ifndef NN_L2_NORMALIZATION_S8_H
#define NN_L2_NORMALIZATION_S8_H

#include "nn_bytes.h"
#include "nn_gemmlowp.h"

typedef struct {
    const int8_t *input;
    int8_t *output;
    int32_t rows, depth;
    int32_t input_offset;
} nn_l2_normalization_s8_args;

NN_INLINE void nn_l2_normalization_s8(const nn_l2_normalization_s8_args *a)
{
    const int8_t *input = a->input;
    int8_t *output = a->output;
    for (int32_t row = 0; row < a->rows; row++, input += a->depth, output += a->depth) {
        int32_t squares = 0;
        int32_t shift;
        for (int32_t i = 0; i < a->depth; i++) {
            int32_t x = input[i] + a->input_offset;
            squares += x * x;
        }
        int32_t multiplier = nn_inverse_square_root(squares, &shift);
        shift += 7;
        for (int32_t i = 0; i < a->depth; i++) {
            int32_t y = nn_requantize(input[i] + a->input_offset, multiplier, shift);
            output[i] = (int8_t)nn_clamp_s8(y, -128, 127);
        }
    }
}

#endif
