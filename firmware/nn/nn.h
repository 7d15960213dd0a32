/* nn.h: what every kernel shares: inlining, DSP instructions with portable twins, requantization.
 *
 * Kernels are always inlined into the generated function of their layer, with a struct of literals, so the compiler
 * folds every size, stride and clamp. Nothing here allocates or keeps state.
 *
 * The DSP helpers work on two int16 lanes in one word (low half first). On a core without the DSP extension, and on
 * the host, the portable form computes the same bits.
 */
#ifndef NN_H
#define NN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define NN_INLINE static inline __attribute__((always_inline, unused))
#else
#define NN_INLINE static inline
#endif

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP && !defined(NN_PORTABLE)
#define NN_DSP 1
#else
#define NN_DSP 0
#endif

/* Unroll the loop that follows `count` times. */
#define NN_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define NN_UNROLL(count) NN_PRAGMA(unroll count)
#else
#define NN_UNROLL(count) NN_PRAGMA(GCC unroll count)
#endif

/* A function that runs from memory without wait states. The linker scripts of generated projects place the section and
 * the start-up code copies it; elsewhere define this as nothing, or do the same. A call over more than 16 MB goes
 * through a veneer of the linker's. */
#ifndef NN_FAST_CODE
#if defined(__arm__)
#define NN_FAST_CODE __attribute__((section(".itcm.text")))
#else
#define NN_FAST_CODE
#endif
#endif

/* Where functions go that several layers call: NN_FAST_CODE, or with the other code. */
#ifndef NN_SHARED_CODE
#define NN_SHARED_CODE
#endif

/* A function written wholly in assembly; one copy serves all layers. Its arguments are in r0 to r3. */
#define NN_ASSEMBLY NN_SHARED_CODE __attribute__((naked, noinline, unused)) static
#define NN_UNUSED __attribute__((unused))

/* Half-words in memory that other code knows as bytes or words. */
#if defined(__GNUC__)
typedef int16_t __attribute__((may_alias)) nn_half;
#else
typedef int16_t nn_half;
#endif

/* Unaligned word access through memcpy: one LDR or STR on the M7, no aliasing surprises. */
NN_INLINE uint32_t nn_load32(const void *p)
{
    uint32_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

NN_INLINE void nn_store32(void *p, uint32_t word)
{
    memcpy(p, &word, sizeof word);
}

/* Nothing is loaded ahead of this point: the compiler would do so for a whole unrolled loop and run out of registers. */
NN_INLINE void nn_in_order(void)
{
#if NN_DSP
    __asm__ volatile("" ::: "memory");
#endif
}

/* Sign-extend bytes 0 and 2 of a word to two int16 lanes. */
NN_INLINE uint32_t nn_sxtb16(uint32_t x)
{
#if NN_DSP
    uint32_t r;
    __asm__("sxtb16 %0, %1" : "=r"(r) : "r"(x));
    return r;
#else
    uint32_t low = (uint32_t)(int32_t)(int8_t)(x & 0xff) & 0xffffu;
    uint32_t high = (uint32_t)(int32_t)(int8_t)((x >> 16) & 0xff) << 16;
    return low | high;
#endif
}

/* Sign-extend bytes 1 and 3 of a word to two int16 lanes. */
NN_INLINE uint32_t nn_sxtb16_ror8(uint32_t x)
{
#if NN_DSP
    uint32_t r;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(r) : "r"(x));
    return r;
#else
    return nn_sxtb16(x >> 8 | x << 24);
#endif
}

/* The low lane of x, then the low lane of y. */
NN_INLINE uint32_t nn_low_lanes(uint32_t x, uint32_t y)
{
#if NN_DSP
    uint32_t r;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(r) : "r"(x), "r"(y));
    return r;
#else
    return (x & 0xffffu) | y << 16;
#endif
}

/* The high lane of x, then the high lane of y. */
NN_INLINE uint32_t nn_high_lanes(uint32_t x, uint32_t y)
{
#if NN_DSP
    uint32_t r;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(r) : "r"(y), "r"(x));
    return r;
#else
    return x >> 16 | (y & 0xffff0000u);
#endif
}

/* Two int16 lanes. */
NN_INLINE uint32_t nn_lanes(int32_t low, int32_t high)
{
    return nn_low_lanes((uint32_t)low, (uint32_t)high);
}

/* Lane by lane sum, modulo 2^16. */
NN_INLINE uint32_t nn_add16(uint32_t x, uint32_t y)
{
#if NN_DSP
    uint32_t r;
    __asm__("sadd16 %0, %1, %2" : "=r"(r) : "r"(x), "r"(y));
    return r;
#else
    return ((x + y) & 0xffffu) | ((x & 0xffff0000u) + (y & 0xffff0000u));
#endif
}

/* accumulator + low * low + high * high, modulo 2^32. */
NN_INLINE int32_t nn_smlad(uint32_t x, uint32_t y, int32_t accumulator)
{
#if NN_DSP
    int32_t r;
    __asm__("smlad %0, %1, %2, %3" : "=r"(r) : "r"(x), "r"(y), "r"(accumulator));
    return r;
#else
    int32_t low = (int32_t)(int16_t)(x & 0xffff) * (int16_t)(y & 0xffff);
    int32_t high = (int32_t)(int16_t)(x >> 16) * (int16_t)(y >> 16);
    return (int32_t)((uint32_t)accumulator + (uint32_t)low + (uint32_t)high);
#endif
}

/* accumulator + low lane of x * low lane of y, modulo 2^32. */
NN_INLINE int32_t nn_smlabb(uint32_t x, uint32_t y, int32_t accumulator)
{
#if NN_DSP
    int32_t r;
    __asm__("smlabb %0, %1, %2, %3" : "=r"(r) : "r"(x), "r"(y), "r"(accumulator));
    return r;
#else
    return nn_smlad(x & 0xffffu, y & 0xffffu, accumulator);
#endif
}

/* accumulator + high lane of x * high lane of y, modulo 2^32. */
NN_INLINE int32_t nn_smlatt(uint32_t x, uint32_t y, int32_t accumulator)
{
#if NN_DSP
    int32_t r;
    __asm__("smlatt %0, %1, %2, %3" : "=r"(r) : "r"(x), "r"(y), "r"(accumulator));
    return r;
#else
    return nn_smlabb(x >> 16, y >> 16, accumulator);
#endif
}

/* accumulator + low lane of x * high lane of y, modulo 2^32. */
NN_INLINE int32_t nn_smlabt(uint32_t x, uint32_t y, int32_t accumulator)
{
#if NN_DSP
    int32_t r;
    __asm__("smlabt %0, %1, %2, %3" : "=r"(r) : "r"(x), "r"(y), "r"(accumulator));
    return r;
#else
    return nn_smlad(x & 0xffffu, y >> 16, accumulator);
#endif
}

/* accumulator + high lane of x * low lane of y, modulo 2^32. */
NN_INLINE int32_t nn_smlatb(uint32_t x, uint32_t y, int32_t accumulator)
{
    return nn_smlabt(y, x, accumulator);
}

NN_INLINE int32_t nn_clamp(int32_t x, int32_t low, int32_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* a + b modulo 2^32: what rescaling by absurd factors leaves may be any int32. */
NN_INLINE int32_t nn_wrapping_sum(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

/* round(a * b / 2^31), ties towards plus infinity. TFLM's SaturatingRoundingDoublingHighMul for b >= 0. */
NN_INLINE int32_t nn_doubling_high_mul(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
}

/* round(x / 2^exponent), ties away from zero; 0 <= exponent <= 31. TFLM's RoundingDivideByPOT. */
NN_INLINE int32_t nn_rounding_divide_by_pot(int32_t x, int32_t exponent)
{
    int32_t mask = (int32_t)((1u << exponent) - 1u);
    int32_t remainder = x & mask;
    int32_t threshold = (mask >> 1) + (x < 0);
    return (x >> exponent) + (remainder > threshold);
}

/* x * multiplier / 2^31 * 2^shift with TFLM's two roundings; shift > 0 is to the left and wraps. */
NN_INLINE int32_t nn_requantize(int32_t x, int32_t multiplier, int32_t shift)
{
    int32_t left = shift > 0 ? shift : 0;
    int32_t right = shift > 0 ? 0 : -shift;
    int32_t shifted = (int32_t)((uint32_t)x << left);
    return nn_rounding_divide_by_pot(nn_doubling_high_mul(shifted, multiplier), right);
}

#endif
