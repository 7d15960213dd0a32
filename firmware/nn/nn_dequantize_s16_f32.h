/* nn_dequantize_s16_f32: int16 to float; the product is exact before its one rounding, as in TFLM's double. */
#ifndef NN_DEQUANTIZE_S16_F32_H
#define NN_DEQUANTIZE_S16_F32_H

#include "nn.h"

typedef struct {
    const void *input; /* int16 */
    float *output;
    int32_t count;
    float scale;
    int32_t zero_point;
} nn_dequantize_s16_f32_args;

NN_INLINE void nn_dequantize_s16_f32(const nn_dequantize_s16_f32_args *a)
{
    for (int32_t i = 0; i < a->count; i++) {
        a->output[i] = a->scale * (float)(((const nn_half *)a->input)[i] - a->zero_point);
    }
}

#endif
