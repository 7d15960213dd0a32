/* nn_softmax_s16: int16 softmax over rows. exp and the reciprocal of the sum are read from tables of 513 values, with
 * straight lines between them, as TFLM does it.
 */
#ifndef NN_SOFTMAX_S16_H
#define NN_SOFTMAX_S16_H

#include "nn_requantize_s16.h"

typedef struct {
    const void *input; /* int16 */
    void *output;      /* int16 */
    const int16_t *exponentials; /* exp(x) for x from -10 to 0, 15 fractional bits */
    const int16_t *reciprocals;  /* 1 / (1 + x) for x from 0 to 1, 15 fractional bits */
    int32_t multiplier, shift;   /* from a distance of inputs to 65536 steps of the first table */
    int32_t rows, depth;
} nn_softmax_s16_args;

/* The value of a table at x, which is an int16. */
NN_INLINE int32_t nn_softmax_s16_look_up(const int16_t *table, int32_t x)
{
    const int16_t *at = table + 256 + (x >> 7);
    const int32_t slope = at[1] - at[0];
    return at[0] + ((slope * (x & 0x7f) + 64) >> 7);
}

NN_INLINE void nn_softmax_s16(const nn_softmax_s16_args *a)
{
    const nn_half *input = (const nn_half *)a->input;
    nn_half *output = (nn_half *)a->output;
    for (int32_t row = 0; row < a->rows; row++, input += a->depth, output += a->depth) {
        int32_t max = -32768, sum = 0;
        for (int32_t i = 0; i < a->depth; i++) {
            max = input[i] > max ? input[i] : max;
        }
        for (int32_t i = 0; i < a->depth; i++) {
            int32_t x = nn_requantize(input[i] - max, a->multiplier, a->shift) + 32767;
            output[i] = (int16_t)nn_softmax_s16_look_up(a->exponentials, nn_clamp_s16(x, -32768, 32767));
            sum += output[i];
        }
        int32_t zeros = __builtin_clz((uint32_t)sum), right = 31 - zeros;
        int32_t fraction = (int32_t)((((int64_t)sum << (zeros - 1)) + (1 << 13)) >> 14) - (1 << 15) - (1 << 16);
        int32_t scale = nn_softmax_s16_look_up(a->reciprocals, nn_clamp_s16(fraction, -32768, 32767));
        for (int32_t i = 0; i < a->depth; i++) {
            output[i] = (int16_t)nn_clamp((output[i] * scale + (1 << (right - 1))) >> right, 0, 32767);
        }
    }
}

#endif
