/* nn_sums.h: sums of int8 values, four neighbouring columns at once.
 *
 * SXTAB16 adds two sign-extended bytes to two int16 lanes, so a word costs one load and two instructions. The lanes are
 * exact for 255 summands; longer sums are moved to 32 bits before that.
 */
#ifndef NN_SUMS_H
#define NN_SUMS_H

#include "nn.h"

#define NN_SUMS_LANE_LIMIT 255

typedef struct {
    int32_t lane[4];
} nn_sums;

/* accumulator + sign-extended bytes 0 and 2 of x, per int16 lane. */
NN_INLINE uint32_t nn_sxtab16(uint32_t accumulator, uint32_t x)
{
#if NN_DSP
    uint32_t r;
    __asm__("sxtab16 %0, %1, %2" : "=r"(r) : "r"(accumulator), "r"(x));
    return r;
#else
    uint32_t word = nn_sxtb16(x);
    return ((accumulator + word) & 0xffffu) | ((accumulator & 0xffff0000u) + (word & 0xffff0000u));
#endif
}

/* accumulator + sign-extended bytes 1 and 3 of x, per int16 lane. */
NN_INLINE uint32_t nn_sxtab16_ror8(uint32_t accumulator, uint32_t x)
{
#if NN_DSP
    uint32_t r;
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(r) : "r"(accumulator), "r"(x));
    return r;
#else
    return nn_sxtab16(accumulator, x >> 8 | x << 24);
#endif
}

/* The bytes at p, p + 1, p + 2, p + 3 added up over rows x columns places, at most NN_SUMS_LANE_LIMIT of them. */
NN_INLINE nn_sums nn_sum_block_s8x4(const int8_t *p, int32_t rows, int32_t columns, int32_t row_step,
                                    int32_t column_step)
{
    uint32_t even = 0;
    uint32_t odd = 0;
    NN_UNROLL(4)
    for (int32_t row = 0; row < rows; row++) {
        NN_UNROLL(8)
        for (int32_t column = 0; column < columns; column++) {
            uint32_t word = nn_load32(p + row * row_step + column * column_step);
            even = nn_sxtab16(even, word);
            odd = nn_sxtab16_ror8(odd, word);
        }
    }
    return (nn_sums){{(int16_t)(even & 0xffffu), (int16_t)(odd & 0xffffu), (int16_t)(even >> 16), (int16_t)(odd >> 16)}};
}

/* The same over any number of rows of up to NN_SUMS_LANE_LIMIT columns. */
NN_INLINE nn_sums nn_sum_s8x4(const int8_t *p, int32_t rows, int32_t columns, int32_t row_step, int32_t column_step)
{
    if (rows * columns <= NN_SUMS_LANE_LIMIT) {
        return nn_sum_block_s8x4(p, rows, columns, row_step, column_step);
    }
    const int32_t step = NN_SUMS_LANE_LIMIT / columns;
    nn_sums sums = {{0, 0, 0, 0}};
    for (int32_t row = 0; row < rows; row += step) {
        int32_t block = rows - row < step ? rows - row : step;
        nn_sums part = nn_sum_block_s8x4(p + row * row_step, block, columns, row_step, column_step);
        for (int32_t i = 0; i < 4; i++) {
            sums.lane[i] += part.lane[i];
        }
    }
    return sums;
}

#endif
