/* nn_div_s8: int8 quotients with rescaling and broadcasting.
 *
 * TFLM multiplies the dividend, shifted up as far as it goes, by a normalised reciprocal, and shifts all back at the
 * end. That shift may exceed 31 places, which C leaves undefined; it then counts modulo 32 as on x86, TFLM's host.
 */
#ifndef NN_DIV_S8_H
#define NN_DIV_S8_H

#include "nn_bytes.h"
#include "nn_walk.h"

typedef struct {
    const int8_t *input1, *input2;
    int8_t *output;
    const int32_t *reciprocals; /* of 0 to 255, normalised, 31 fractional bits */
    int32_t rank, dims[NN_WALK_DIMS], steps1[NN_WALK_DIMS], steps2[NN_WALK_DIMS]; /* outer loops */
    int32_t run, run_step1, run_step2;                                            /* innermost loop; steps 0 or 1 */
    int32_t input1_offset, input2_offset;
    int32_t output_offset, output_multiplier, output_shift, output_min, output_max;
} nn_div_s8_args;

/* round(x / 2^exponent), ties away from zero. */
NN_INLINE int32_t nn_div_shift(int32_t x, int32_t exponent)
{
    int32_t mask = exponent < 32 ? (int32_t)(((uint32_t)1 << (exponent & 31)) - 1u) : -1;
    return (x >> (exponent & 31)) + ((x & mask) > (mask >> 1) + (x < 0));
}

NN_INLINE int8_t nn_div_one(const nn_div_s8_args *a, int32_t x1, int32_t x2)
{
    int32_t dividend = x1 + a->input1_offset;
    int32_t divisor = x2 + a->input2_offset;
    dividend = divisor < 0 ? -dividend : dividend;
    divisor = divisor < 0 ? -divisor : divisor;
    int32_t places = 31 - __builtin_clz((uint32_t)divisor | 1u); /* of the divisor's highest bit */
    uint32_t magnitude = (uint32_t)(dividend < 0 ? -dividend - 1 : dividend);
    int32_t headroom = magnitude == 0 ? 31 : __builtin_clz(magnitude) - 1;
    int32_t shifted = (int32_t)((uint32_t)dividend << headroom);
    int32_t scaled = nn_doubling_high_mul(nn_doubling_high_mul(shifted, a->reciprocals[divisor]), a->output_multiplier);
    int32_t y = nn_div_shift(scaled, places + headroom - a->output_shift) + a->output_offset;
    return (int8_t)nn_clamp_s8(y, a->output_min, a->output_max);
}

NN_INLINE void nn_div_s8(const nn_div_s8_args *a)
{
    nn_walk w = {{0}, 0, 0};
    int8_t *output = a->output;
    for (int32_t turn = nn_walk_turns(a->rank, a->dims); turn > 0; turn--) {
        const int8_t *input1 = a->input1 + w.offset1;
        const int8_t *input2 = a->input2 + w.offset2;
        for (int32_t left = a->run; left > 0; left--) {
            *output++ = nn_div_one(a, *input1, *input2);
            input1 += a->run_step1;
            input2 += a->run_step2;
        }
        nn_walk_next(&w, a->rank, a->dims, a->steps1, a->steps2);
    }
}

#endif
