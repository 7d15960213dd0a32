/* nn_bytes.h: four int8 lanes in one word, and the narrowing to int8 that elementwise kernels share. */
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

/* Clamp to [low, high] within int8: one SSAT where that is the whole type. */
NN_INLINE int32_t nn_clamp_s8(int32_t x, int32_t low, int32_t high)
{
#if NN_DSP
    if (low == -128 && high == 127) {
        int32_t r;
        __asm__("ssat %0, #8, %1" : "=r"(r) : "r"(x));
        return r;
    }
#endif
    return nn_clamp(x, low, high);
}

#endif
