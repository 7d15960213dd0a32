/* nn_quantize_f32_s8: float to int8, ties away from zero, cut off at the ends; NaN becomes the lowest value. */
#ifndef NN_QUANTIZE_F32_S8_H
#define NN_QUANTIZE_F32_S8_H

#include "nn.h"

typedef struct {
    const float *input;
    int8_t *output;
    int32_t count;
    float scale;
    int32_t zero_point;
} nn_quantize_f32_s8_args;

NN_INLINE void nn_quantize_f32_s8(const nn_quantize_f32_s8_args *a)
{
    const float low = (float)(-128 - a->zero_point);
    const float high = (float)(127 - a->zero_point);
    for (int32_t i = 0; i < a->count; i++) {
        float steps = a->input[i] / a->scale;
        float inside = steps > low ? (steps < high ? steps : high) : low;
        a->output[i] = (int8_t)((int32_t)__builtin_roundf(inside) + a->zero_point);
    }
}

#endif
