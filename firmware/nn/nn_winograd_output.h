/* nn_winograd_output.h: from the sums of a Winograd tile to outputs. */
#ifndef NN_WINOGRAD_OUTPUT_H
#define NN_WINOGRAD_OUTPUT_H

#include "nn_winograd.h"

typedef void (*nn_winograd_output_function)(const nn_winograd_target *target, uint32_t *m);

/* x, of which the compiler forgets how it came about: it would undo the order of sums that is cheapest. */
NN_INLINE uint32_t nn_winograd_opaque(uint32_t x)
{
#if NN_DSP
    __asm__("" : "+r"(x));
#endif
    return x;
}

NN_INLINE int32_t nn_winograd_larger(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/* The output for twice a sum without its bias. */
NN_INLINE int8_t nn_winograd_output(nn_channel channel, int32_t form, int32_t doubled, int32_t low, int32_t high)
{
    if (form == NN_EXACT) { /* which wraps like TFLM */
        return nn_output(channel, form, (int32_t)((uint32_t)(doubled >> 1) + (uint32_t)channel.bias), low, high);
    }
    return nn_output_doubled(channel, form, doubled + channel.bias, low, high);
}

/* `output` for what the literals of a layer ask for; `output`_for picks. Layers that ask for the same share a copy. */
#if NN_DSP
#define NN_WINOGRAD_OUTPUT(output, name, form, pool, low, high) \
    NN_SHARED void output##_##name(const nn_winograd_target *t, uint32_t *m) \
    { \
        output(t, m, form, pool, low, high); \
    }
#define NN_WINOGRAD_OUTPUTS_POOLED(output, name, pool) \
    NN_WINOGRAD_OUTPUT(output, name##_exact, NN_EXACT, pool, t->output_min, t->output_max) \
    NN_WINOGRAD_OUTPUT(output, name##_short, NN_SHORT, pool, t->output_min, t->output_max) \
    NN_WINOGRAD_OUTPUT(output, name##_relu, NN_SHORT_RELU, pool, t->output_min, t->output_max) \
    NN_WINOGRAD_OUTPUT(output, name##_short_s8, NN_SHORT, pool, -128, 127) \
    NN_WINOGRAD_OUTPUT(output, name##_relu_s8, NN_SHORT_RELU, pool, -128, 127) \
    NN_INLINE nn_winograd_output_function output##_##name##_for(const nn_conv3x3_args *a) \
    { \
        int saturates = a->output_min == -128 && a->output_max == 127; \
        if (a->requantize == NN_EXACT) { \
            return output##_##name##_exact; \
        } \
        if (a->requantize == NN_SHORT) { \
            return saturates ? output##_##name##_short_s8 : output##_##name##_short; \
        } \
        return saturates ? output##_##name##_relu_s8 : output##_##name##_relu; \
    }
#define NN_WINOGRAD_OUTPUTS(output) \
    NN_WINOGRAD_OUTPUTS_POOLED(output, each, NN_POOL_NONE) \
    NN_WINOGRAD_OUTPUTS_POOLED(output, 2x2, NN_POOL_TWO_BY_TWO) \
    NN_WINOGRAD_OUTPUT(output, global, NN_EXACT, NN_POOL_GLOBAL, -128, 127) \
    NN_INLINE nn_winograd_output_function output##_for(const nn_conv3x3_args *a) \
    { \
        return a->pool == NN_POOL_NONE         ? output##_each_for(a) \
               : a->pool == NN_POOL_TWO_BY_TWO ? output##_2x2_for(a) \
                                               : output##_global; \
    }
#else
#define NN_WINOGRAD_OUTPUTS(output) \
    NN_SHARED void output##_any(const nn_winograd_target *t, uint32_t *m) \
    { \
        output(t, m, t->requantize, t->pool, t->output_min, t->output_max); \
    } \
    NN_INLINE nn_winograd_output_function output##_for(const nn_conv3x3_args *a) \
    { \
        (void)a; \
        return output##_any; \
    }
#endif

#endif
