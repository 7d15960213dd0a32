/* nn_gemmlowp.h: functions in gemmlowp's fixed point, bit for bit as TFLM computes them. A value in Qm has m integer
 * bits and 31 - m fractional bits.
 */
#ifndef NN_GEMMLOWP_H
#define NN_GEMMLOWP_H

#include "nn.h"

NN_INLINE int32_t nn_saturate(int64_t x)
{
    return x > INT32_MAX ? INT32_MAX : x < INT32_MIN ? INT32_MIN : (int32_t)x;
}

/* 1 / (1 + x) in Q0 for x in [0, 1] in Q0: three Newton-Raphson steps. */
NN_INLINE int32_t nn_one_over_one_plus(int32_t x)
{
    int32_t half_denominator = (int32_t)(((int64_t)x + INT32_MAX + 1) / 2);
    int32_t y = 1515870810 + nn_doubling_high_mul(half_denominator, -1010580540); /* 48/17 - 32/17 d, 29 bits */
    for (int i = 0; i < 3; i++) {
        int32_t error = (1 << 29) - nn_doubling_high_mul(half_denominator, y);
        y += nn_doubling_high_mul(y, error) * 4;
    }
    return y > INT32_MAX / 2 ? INT32_MAX : y * 2;
}

/* log(x) in Q5 for x >= 1 in Q12: with x = r * 2^k, k * log(2) and a Pade approximation of log(r). */
NN_INLINE int32_t nn_log_q12(int32_t x)
{
    const int32_t sqrt_half = 1518500250, sqrt_sqrt_half = 1805811301, log_2 = 1488522236;
    int32_t zeros = __builtin_clz((uint32_t)x);
    int32_t headroom = __builtin_clz((uint32_t)nn_doubling_high_mul(x, sqrt_half)) - 1;
    int32_t first = nn_saturate(2 * (int64_t)nn_doubling_high_mul((int32_t)((uint32_t)x << (zeros - 1)), sqrt_half));
    int32_t second = nn_saturate((int64_t)x << headroom);
    int32_t power1 = (12 - zeros) * (1 << 25) + (1 << 23);
    int32_t power2 = (12 - headroom) * (1 << 25) - (1 << 23);
    int32_t r = first < second ? first : second;
    int32_t power = power1 > power2 ? power1 : power2;
    int32_t q = 2 * (r - sqrt_sqrt_half);
    int32_t square = nn_doubling_high_mul(q, q);
    int32_t numerator = nn_doubling_high_mul(q, r) + nn_doubling_high_mul(nn_doubling_high_mul(q, square), 117049297);
    int32_t half_sum = (int32_t)(((int64_t)r + sqrt_sqrt_half + 1) / 2);
    int32_t factor = 1057819769 + q + nn_doubling_high_mul(127690142, square);
    int32_t denominator = nn_doubling_high_mul(half_sum, factor) + nn_doubling_high_mul(638450708, q);
    int32_t ratio = nn_doubling_high_mul(nn_rounding_divide_by_pot(numerator, 6), nn_one_over_one_plus(denominator));
    return nn_saturate(2 * ((int64_t)nn_doubling_high_mul(power, log_2) + ratio));
}

/* 1 / sqrt(x) for x >= 1 as multiplier / 2^31 * 2^shift: five Newton-Raphson steps in Q3. */
NN_INLINE int32_t nn_inverse_square_root(int32_t x, int32_t *shift)
{
    if (x <= 1) {
        *shift = 0;
        return INT32_MAX;
    }
    int32_t right = 11;
    while (x >= 1 << 29) {
        x /= 4;
        right++;
    }
    int32_t pairs = (__builtin_clz((uint32_t)x) - 1) / 2 - 1;
    right -= pairs;
    int32_t value = (x << (2 * pairs)) >> 1;
    int32_t half = (value + 1) >> 1;
    int32_t root = 1 << 28;
    for (int i = 0; i < 5; i++) {
        int64_t cube = nn_doubling_high_mul(nn_doubling_high_mul(root, root), root);
        int64_t next = (int64_t)nn_doubling_high_mul((1 << 28) + (1 << 27), root) -
                       nn_doubling_high_mul(half, nn_saturate(cube * 64));
        root = nn_saturate(next * 8);
    }
    root = nn_doubling_high_mul(root, 1518500250);
    *shift = right > 0 ? -right : 0;
    return right < 0 ? (int32_t)((uint32_t)root << -right) : root;
}

#endif
