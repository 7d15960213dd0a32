/* nn_requantize_s16.h: from a sum of int16 times int8 to an int16 output, per output channel.
 *
 * TFLM has two ways. With an int32 bias sums are int32, wrap, and are rescaled with two roundings as for int8. Otherwise
 * they are int64 and are rescaled with one rounding by a multiplier of 16 bits. The compiler proves from the weights and
 * the bias which form is allowed and passes it as a literal:
 *
 *   NN_HIGH_S16   int64 sums that fit 32 bits, -17 <= shift <= -1: the multiplier, shifted to the left beforehand, makes
 *                 one SMMULR of everything.
 *   NN_WIDE_S16   every int64 sum; the bias is two words per channel, the low one first.
 *   NN_SHORT_S16  int32 sums as in NN_SHORT of nn_requantize.h.
 *   NN_EXACT_S16  every int32 sum.
 */
#ifndef NN_REQUANTIZE_S16_H
#define NN_REQUANTIZE_S16_H

#include "nn_bytes.h"

#define NN_HIGH_S16 0
#define NN_WIDE_S16 1
#define NN_SHORT_S16 2
#define NN_EXACT_S16 3

/* The constants of one output channel. */
typedef struct {
    int64_t bias;
    int32_t multiplier;
    int32_t shift; /* NN_EXACT_S16: as TFLM has it; otherwise to the right */
    int32_t half;  /* NN_SHORT_S16: of 2^shift */
} nn_channel_s16;

/* Those of channel `c`; NN_HIGH_S16 has no shifts. */
NN_INLINE nn_channel_s16 nn_channel_s16_of(int32_t form, const int32_t *bias, const int32_t *multiplier,
                                           const int8_t *shift, int32_t c)
{
    if (form == NN_HIGH_S16) {
        return (nn_channel_s16){bias[c], multiplier[c], 0, 0};
    }
    if (form == NN_WIDE_S16) {
        const uint64_t wide = (uint64_t)(uint32_t)bias[2 * c + 1] << 32 | (uint32_t)bias[2 * c];
        return (nn_channel_s16){(int64_t)wide, multiplier[c], shift[c], 0};
    }
    if (form == NN_EXACT_S16) {
        return (nn_channel_s16){bias[c], multiplier[c], shift[c], 0};
    }
    return (nn_channel_s16){bias[c], multiplier[c], -shift[c], 1 << (-shift[c] - 1)};
}

/* What a sum of 32 bits begins with: the bias, which NN_WIDE_S16 adds at the end. */
NN_INLINE int32_t nn_start_s16(nn_channel_s16 channel, int32_t form)
{
    return form == NN_WIDE_S16 ? 0 : (int32_t)channel.bias;
}

/* round(a * b / 2^32), ties towards plus infinity. */
NN_INLINE int32_t nn_smmulr(int32_t a, int32_t b)
{
#if NN_DSP
    int32_t r;
    __asm__("smmulr %0, %1, %2" : "=r"(r) : "r"(a), "r"(b));
    return r;
#else
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 31)) >> 32);
#endif
}

/* Clamp to [low, high] within int16: one SSAT where that is the whole type, and three instructions more for another high. */
NN_INLINE int16_t nn_clamp_s16(int32_t x, int32_t low, int32_t high)
{
#if NN_DSP
    if (low == -32768) {
        int32_t r;
        __asm__("ssat %0, #16, %1" : "=r"(r) : "r"(x));
        return (int16_t)(high < 32767 && r > high ? high : r);
    }
#endif
    return (int16_t)nn_clamp(x, low, high);
}

/* The output for a sum of 64 bits that includes the bias; |sum| < 2^47. */
NN_INLINE int16_t nn_output_wide_s16(nn_channel_s16 channel, int64_t sum, int32_t low, int32_t high)
{
    const int64_t scaled = sum * channel.multiplier + ((int64_t)1 << (channel.shift - 1));
    return nn_clamp_s16((int32_t)(uint32_t)(uint64_t)(scaled >> channel.shift), low, high);
}

/* The output for a sum of 32 bits that began with nn_start_s16. */
NN_INLINE int16_t nn_output_s16(nn_channel_s16 channel, int32_t form, int32_t sum, int32_t low, int32_t high)
{
    if (form == NN_WIDE_S16) {
        return nn_output_wide_s16(channel, sum + channel.bias, low, high);
    }
    if (form == NN_EXACT_S16) {
        return nn_clamp_s16(nn_requantize(sum, channel.multiplier, channel.shift), low, high);
    }
    if (form == NN_SHORT_S16) {
        const int32_t doubled = sum * 2, result = nn_smmlar(doubled, channel.multiplier, channel.half);
        return nn_clamp_s16((result + (doubled >> 31)) >> channel.shift, low, high);
    }
    return nn_clamp_s16(nn_smmulr(sum, channel.multiplier), low, high);
}

#endif
