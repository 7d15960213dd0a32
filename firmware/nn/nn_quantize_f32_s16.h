/* nn_quantize_f32_s16: float to int16, ties away from zero, cut off at the ends; NaN becomes the lowest value. */
#ifndef NN_QUANTIZE_F32_S16_H
#define NN_QUANTIZE_F32_S16_H

#include "nn.h"

typedef struct {
    const float *input;
    void *output; /* int16 */
    int32_t count;
    float scale;
    int32_t zero_point;
} nn_quantize_f32_s16_args;

NN_INLINE void nn_quantize_f32_s16(const nn_quantize_f32_s16_args *a)
{
    const float low = (float)(-32768 - a->zero_point);
    const float high = (float)(32767 - a->zero_point);
    for (int32_t i = 0; i < a->count; i++) {
        float steps = a->input[i] / a->scale;
        float inside = steps > low ? (steps < high ? steps : high) : low;
        ((nn_half *)a->output)[i] = (int16_t)((int32_t)__builtin_roundf(inside) + a->zero_point);
    }
}

#endif
