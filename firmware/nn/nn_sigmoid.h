/* nn_sigmoid.h: sigmoid and tanh on int16 as TFLM has them, interpolated between the values of one table.
 *
 * The table is that of kernels/sigmoid.py: sigmoid(i / 24) in units of 2^-16, 257 values, the last two equal.
 */
#ifndef NN_SIGMOID_H
#define NN_SIGMOID_H

#include "nn_bytes.h"

/* Clamp to int16. */
NN_INLINE int32_t nn_saturate_s16(int32_t x)
{
#if NN_DSP
    int32_t r;
    __asm__("ssat %0, #16, %1" : "=r"(r) : "r"(x));
    return r;
#else
    return nn_clamp(x, INT16_MIN, INT16_MAX);
#endif
}

/* The table at x / 2^bits, times 2^bits; x < 2^bits * 256. */
NN_INLINE int32_t nn_sigmoid_between(const uint16_t *table, int32_t x, int32_t bits)
{
    const uint32_t pair = nn_load32(table + (x >> bits));
    const int32_t low = (int32_t)(pair & 0xFFFF), step = (int32_t)(pair >> 16) - low;
    return (low << bits) + (x & ((1 << bits) - 1)) * step;
}

/* x * multiplier / 2^shift to the nearest integer. */
NN_INLINE int32_t nn_sigmoid_scale(int32_t x, int32_t multiplier, int32_t shift)
{
    const int32_t half = shift > 0 ? 1 << (shift - 1) : 0;
    return (x * multiplier + half) >> shift;
}

/* sigmoid(x / 2^9 / 24) in units of 2^-15. */
NN_INLINE int32_t nn_sigmoid_scaled_s16(const uint16_t *table, int32_t x)
{
    const int32_t sign = x >> 31, magnitude = (x ^ sign) - sign, most = (255 << 9) - 1;
    const int32_t value = nn_sigmoid_between(table, magnitude < most ? magnitude : most, 9);
    return ((value ^ (sign & 0x1FFFFFF)) + (1 << 9)) >> 10; /* sigmoid(-x) = 1 - sigmoid(x) */
}

/* sigmoid(x / 2^12) in units of 2^-15; x is int16. */
NN_INLINE int32_t nn_sigmoid_s16(const uint16_t *table, int32_t x)
{
    return nn_sigmoid_scaled_s16(table, 3 * x);
}

/* tanh of x * multiplier / 2^(shift + 8) / 48 in units of 2^-15. */
NN_INLINE int32_t nn_tanh_s16(const uint16_t *table, int32_t x, int32_t multiplier, int32_t shift)
{
    const int32_t scaled = nn_sigmoid_scale(x, multiplier, shift), sign = scaled >> 31;
    const int32_t magnitude = (scaled ^ sign) - sign;
    const int32_t value = nn_sigmoid_between(table, magnitude < 255 << 8 ? magnitude : 255 << 8, 8) - (1 << 23);
    return ((value ^ sign) + (1 << 7)) >> 8;
}

#endif
