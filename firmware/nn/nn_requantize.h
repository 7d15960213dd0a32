/* nn_requantize.h: from an int32 sum to an int8 output, per output channel.
 *
 * TFLM rounds twice: to the doubling high product, then at the right shift, ties away from zero. The compiler proves
 * from the weights and the bias which form is allowed and passes it as a literal:
 *
 *   NN_EXACT       every multiplier and shift.
 *   NN_SHORT       |sum| < 2^30 and 1 <= right shift <= 22: SMMLAR gives the doubling high product and adds the
 *                  rounding and the output's offset at once. The correction for ties of negative values takes the
 *                  sign of the sum for that of the product: where a negative sum has the product zero, the one too
 *                  many is below the rounding.
 *   NN_SHORT_RELU  as NN_SHORT, where the clamp cuts off every negative result, so that their ties do not matter.
 */
#ifndef NN_REQUANTIZE_H
#define NN_REQUANTIZE_H

#include "nn_bytes.h"

#define NN_EXACT 0
#define NN_SHORT 1
#define NN_SHORT_RELU 2

/* The constants of one output channel, prepared once and used for many pixels. */
typedef struct {
    int32_t bias;
    int32_t multiplier;
    int32_t shift;  /* NN_EXACT: as TFLM has it; otherwise to the right */
    int32_t addend; /* half of 2^shift and the output's offset; unused in NN_EXACT */
} nn_channel;

NN_INLINE nn_channel nn_channel_of(int32_t form, int32_t bias, int32_t multiplier, int32_t shift, int32_t offset)
{
    if (form == NN_EXACT) {
        return (nn_channel){bias, multiplier, shift, offset};
    }
    return (nn_channel){bias, multiplier, -shift, (1 << (-shift - 1)) + offset * (1 << -shift)};
}

/* The output for twice the sum; not for NN_EXACT. */
NN_INLINE int8_t nn_output_doubled(nn_channel channel, int32_t form, int32_t doubled, int32_t low, int32_t high)
{
    int32_t result = nn_smmlar(doubled, channel.multiplier, channel.addend);
    result += form == NN_SHORT ? doubled >> 31 : 0;
    return (int8_t)nn_clamp_s8(result >> channel.shift, low, high);
}

/* What kernels may multiply weights and bias by, so that sums come out as nn_output_scaled wants them. */
NN_INLINE int32_t nn_scaling(int32_t form)
{
    return form == NN_EXACT ? 1 : 2;
}

/* The output for a sum that includes the bias. */
NN_INLINE int8_t nn_output(nn_channel channel, int32_t form, int32_t sum, int32_t low, int32_t high)
{
    if (form != NN_EXACT) {
        return nn_output_doubled(channel, form, sum * 2, low, high);
    }
    int32_t result = nn_wrapping_sum(nn_requantize(sum, channel.multiplier, channel.shift), channel.addend);
    return (int8_t)nn_clamp_s8(result, low, high);
}

/* The output for nn_scaling(form) times a sum that includes the bias. */
NN_INLINE int8_t nn_output_scaled(nn_channel channel, int32_t form, int32_t scaled, int32_t low, int32_t high)
{
    return form == NN_EXACT ? nn_output(channel, form, scaled, low, high)
                            : nn_output_doubled(channel, form, scaled, low, high);
}

#endif
