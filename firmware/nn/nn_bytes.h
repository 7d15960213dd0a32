/* nn_bytes.h: four int8 lanes in one word, and the rescaling to int8 that elementwise kernels share. */
#ifndef NN_BYTES_H
#define NN_BYTES_H

#include "nn.h"

/* The larger of each pair of signed bytes. SSUB8 leaves a >= b per byte in the GE flags, SEL picks by them. */
NN_INLINE uint32_t nn_max_s8x4(uint32_t a, uint32_t b)
{
#if NN_DSP
    uint32_t r;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(r) : "r"(a), "r"(b));
    return r;
#else
    uint32_t r = 0;
    for (uint32_t i = 0; i < 32; i += 8) {
        int8_t x = (int8_t)(a >> i);
        int8_t y = (int8_t)(b >> i);
        r |= (uint32_t)(uint8_t)(x >= y ? x : y) << i;
    }
    return r;
#endif
}

/* The smaller of each pair of signed bytes. */
NN_INLINE uint32_t nn_min_s8x4(uint32_t a, uint32_t b)
{
#if NN_DSP
    uint32_t r;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %2, %1" : "=&r"(r) : "r"(a), "r"(b));
    return r;
#else
    uint32_t r = 0;
    for (uint32_t i = 0; i < 32; i += 8) {
        int8_t x = (int8_t)(a >> i);
        int8_t y = (int8_t)(b >> i);
        r |= (uint32_t)(uint8_t)(x >= y ? y : x) << i;
    }
    return r;
#endif
}

/* yes where the signed byte of a is less than that of b, else no. */
NN_INLINE uint32_t nn_pick_less_s8x4(uint32_t a, uint32_t b, uint32_t yes, uint32_t no)
{
#if NN_DSP
    uint32_t r;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %3, %4" : "=&r"(r) : "r"(a), "r"(b), "r"(no), "r"(yes));
    return r;
#else
    uint32_t r = 0;
    for (uint32_t i = 0; i < 32; i += 8) {
        r |= ((int8_t)(a >> i) < (int8_t)(b >> i) ? yes : no) & 0xffu << i;
    }
    return r;
#endif
}

/* yes where the byte of x is zero, else no. USUB8 from 0 leaves "no borrow" in the GE flags for zeros only. */
NN_INLINE uint32_t nn_pick_zero_u8x4(uint32_t x, uint32_t yes, uint32_t no)
{
#if NN_DSP
    uint32_t r;
    __asm__("usub8 %0, %1, %2\n\tsel %0, %3, %4" : "=&r"(r) : "r"(0), "r"(x), "r"(yes), "r"(no));
    return r;
#else
    uint32_t r = 0;
    for (uint32_t i = 0; i < 32; i += 8) {
        r |= ((x >> i & 0xffu) == 0 ? yes : no) & 0xffu << i;
    }
    return r;
#endif
}

/* A signed byte in all four lanes. */
NN_INLINE uint32_t nn_splat_s8x4(int32_t x)
{
    return (uint32_t)(uint8_t)x * 0x01010101u;
}

/* Clamp four signed bytes; a bound that is the type's own costs nothing. */
NN_INLINE uint32_t nn_clamp_s8x4(uint32_t x, int32_t low, int32_t high)
{
    if (low > -128) {
        x = nn_max_s8x4(x, nn_splat_s8x4(low));
    }
    if (high < 127) {
        x = nn_min_s8x4(x, nn_splat_s8x4(high));
    }
    return x;
}

/* The low bytes of four values, first in the lowest. */
NN_INLINE uint32_t nn_pack_s8x4(int32_t x0, int32_t x1, int32_t x2, int32_t x3)
{
    return (uint32_t)(uint8_t)x0 | (uint32_t)(uint8_t)x1 << 8 | (uint32_t)(uint8_t)x2 << 16 | (uint32_t)x3 << 24;
}

/* round(x / 2^exponent), ties away from zero, for |x| + 2^(exponent - 1) < 2^31: three instructions. */
NN_INLINE int32_t nn_round_shift(int32_t x, int32_t exponent)
{
    return exponent > 0 ? (x + (x >> 31) + (1 << (exponent - 1))) >> exponent : x;
}

/* Clamp to [low, high] within int8: one SSAT where that is the whole type, and three instructions more for another high. */
NN_INLINE int32_t nn_clamp_s8(int32_t x, int32_t low, int32_t high)
{
#if NN_DSP
    if (low == -128) {
        int32_t r;
        __asm__("ssat %0, #8, %1" : "=r"(r) : "r"(x));
        return high < 127 && r > high ? high : r;
    }
#endif
    return nn_clamp(x, low, high);
}

/* x, where the compiler must hold it in a register: so that it becomes an operand of a shift-and-add. */
NN_INLINE int32_t nn_in_register(int32_t x)
{
#if NN_DSP
    __asm__("" : "+r"(x));
#endif
    return x;
}

/* accumulator + round(a * b / 2^32), ties towards plus infinity. */
NN_INLINE int32_t nn_smmlar(int32_t a, int32_t b, int32_t accumulator)
{
#if NN_DSP
    int32_t r;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(accumulator));
    return r;
#else
    return accumulator + (int32_t)(((int64_t)a * b + ((int64_t)1 << 31)) >> 32);
#endif
}

/* TFLM's rescaling of a small x, given 2 * x: round(round(x * multiplier / 2^31) / 2^exponent) + offset.
 *
 * Three instructions: SMMLAR multiplies, rounds and adds half of 2^exponent and the offset; the sign is then added,
 * because ties go away from zero. The sign of x serves for that of the product: where a negative x rounds to zero, the
 * one too many is below the rounding. For |x| < 2^30, 0 <= exponent <= 31 and |offset| <= 128.
 */
NN_INLINE int32_t nn_rescale_doubled(int32_t doubled, int32_t multiplier, int32_t exponent, int32_t offset)
{
    if (exponent == 0) {
        return nn_smmlar(doubled, multiplier, offset);
    }
    if (exponent <= 22) { /* half and offset fit beside the product */
        int32_t addend = (1 << (exponent - 1)) + offset * (1 << exponent);
        return (nn_smmlar(doubled, multiplier, addend) + (doubled >> 31)) >> exponent;
    }
    return ((nn_smmlar(doubled, multiplier, 1 << (exponent - 1)) + (doubled >> 31)) >> exponent) + offset;
}

/* TFLM's rescaling of |x| < 2^bits by a multiplier and a shift, to the left where positive; 1 <= bits <= 30. */
NN_INLINE int32_t nn_rescale(int32_t x, int32_t bits, int32_t multiplier, int32_t shift, int32_t offset)
{
    if (shift > 30 - bits) { /* too far for the doubled product; wraps as TFLM does */
        return nn_wrapping_sum(nn_requantize(x, multiplier, shift), offset);
    }
    int32_t left = shift > 0 ? shift : 0;
    int32_t right = shift > 0 ? 0 : -shift;
    return nn_rescale_doubled(x * (2 << left), multiplier, right, offset);
}

#endif
