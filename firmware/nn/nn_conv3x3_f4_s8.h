/* nn_conv3x3_f4_s8: 3x3 convolution with stride 1 by exact Winograd F(4x4, 3x3).
 *
 * 36 products make 16 outputs, which directly are 144. The transforms' rows are scaled so that all is integer:
 *
 *   B^T  4  0 -5  0  1  0     G  1  0  0     A^T  6 -4 -4  1  1  0     scale 24
 *        0 -4 -4  1  1  0        1  1  1          0 -2  2  1 -1  0           12
 *        0  4 -4 -1  1  0        1 -1  1          0 -1 -1  1  1  0            6
 *        0 -2 -1  2  1  0        1  2  4          0 -1  1  2 -2  6            6
 *        0  2 -1 -2  1  0        1 -2  4
 *        0  4  0 -5  0  1        0  0  1
 *
 * Output (i, j) of A^T M A is scale_i * scale_j = 9 * 2^k times the sum, modulo 2^32, with k from 6 down to 2. A
 * product with 1/9 modulo 2^32 and a shift give the sum, if it lies in [-2^25, 2^25); the compiler proves that it does.
 */
#ifndef NN_CONV3X3_F4_S8_H
#define NN_CONV3X3_F4_S8_H

#include "nn_winograd_f4_input.h"
#include "nn_winograd_f4_weights.h"
#include "nn_winograd_strips.h"

/* One ninth, modulo 2^32. */
#define NN_F4_NINTH 954437177u

typedef struct {
    uint32_t x0, x1, x2, x3;
} nn_f4_four;

/* A^T m */
NN_INLINE nn_f4_four nn_f4_a(const uint32_t *m, int32_t stride)
{
    const uint32_t six = nn_winograd_opaque(6); /* for MLA */
    uint32_t a = m[stride] + m[2 * stride];
    uint32_t b = nn_winograd_opaque(m[stride] - m[2 * stride]);
    uint32_t c = m[3 * stride] + m[4 * stride];
    uint32_t d = m[3 * stride] - m[4 * stride];
    return (nn_f4_four){m[0] * six + (c - (a << 2)), d - (b << 1), c - a,
                        m[5 * stride] * six + nn_winograd_opaque((d << 1) - b)};
}

/* Twice the sums of a row of outputs, from row i of A^T M. */
NN_INLINE void nn_f4_sums(const uint32_t *row, int32_t i, int32_t *sums)
{
    const int32_t k = i == 0 ? 3 : i == 1 ? 2 : 1;
    nn_f4_four z = nn_f4_a(row, 8);
    sums[0] = (int32_t)(z.x0 * NN_F4_NINTH) >> (k + 2);
    sums[1] = (int32_t)(z.x1 * NN_F4_NINTH) >> (k + 1);
    sums[2] = (int32_t)(z.x2 * NN_F4_NINTH) >> k;
    sums[3] = (int32_t)(z.x3 * NN_F4_NINTH) >> k;
}

/* One channel of a tile. `rows` and `columns` of it count. */
NN_INLINE void nn_f4_channel(const nn_winograd_target *t, const uint32_t *m, int32_t c, int32_t form, int32_t pool,
                             int32_t low, int32_t high, int32_t rows, int32_t columns)
{
    const nn_channel channel = t->channel[c];
    const int32_t pixel_bytes = t->pixel_bytes;
    int32_t left = 0, right = 0; /* 2x2: of the row above; global, left: so far */
    if (pool == NN_POOL_GLOBAL) {
        left = t->maximum[c];
    }
    NN_UNROLL(4)
    for (int32_t i = 0; i < 4; i++, m += 48) {
        if (i >= rows) {
            return;
        }
        int32_t sums[4];
        nn_f4_sums(m, i, sums);
        if (pool == NN_POOL_NONE) {
            int8_t *to = t->row[i] + c;
            NN_UNROLL(4)
            for (int32_t j = 0; j < 4; j++) {
                if (j < columns) {
                    to[j * pixel_bytes] = nn_winograd_output(channel, form, sums[j], low, high);
                }
            }
        } else if (pool == NN_POOL_GLOBAL) {
            NN_UNROLL(4)
            for (int32_t j = 0; j < 4; j++) {
                left = j < columns ? nn_winograd_larger(left, sums[j]) : left;
            }
            t->maximum[c] = left;
        } else if (i % 2 == 0) {
            left = nn_winograd_larger(sums[0], sums[1]);
            right = nn_winograd_larger(sums[2], sums[3]);
        } else {
            int8_t *to = t->row[i / 2] + c;
            left = nn_winograd_larger(left, nn_winograd_larger(sums[0], sums[1]));
            to[0] = nn_winograd_output(channel, form, left, low, high);
            if (columns > 2) {
                right = nn_winograd_larger(right, nn_winograd_larger(sums[2], sums[3]));
                to[pixel_bytes] = nn_winograd_output(channel, form, right, low, high);
            }
        }
        nn_in_order();
    }
}

NN_INLINE void nn_f4_output(const nn_winograd_target *t, uint32_t *m, int32_t form, int32_t pool, int32_t low,
                            int32_t high)
{
    for (int32_t c = 0; c < t->channels; c++, m++) {
        NN_UNROLL(6)
        for (int32_t i = 0; i < 6; i++) {
            uint32_t *column = m + 8 * i;
            nn_f4_four y = nn_f4_a(column, 48);
            column[0] = y.x0;
            column[48] = y.x1;
            column[96] = y.x2;
            column[144] = y.x3;
            nn_in_order();
        }
        if (t->rows == 4 && t->columns == 4) {
            nn_f4_channel(t, m, c, form, pool, low, high, 4, 4);
        } else {
            nn_f4_channel(t, m, c, form, pool, low, high, t->rows, t->columns);
        }
    }
}

NN_WINOGRAD_OUTPUTS(nn_f4_output)

NN_INLINE void nn_conv3x3_f4_s8(const nn_conv3x3_args *a)
{
    const nn_winograd_form form = {4, 6, 36, nn_f4_columns, nn_f4_tiles, nn_f4_weights, nn_f4_output_for(a)};
    nn_winograd(a, &form);
}

NN_INLINE void nn_conv3x3_f4_weights(const nn_conv3x3_weights_args *a)
{
    const nn_winograd_form form = {4, 6, 36, nn_f4_columns, nn_f4_tiles, nn_f4_weights, NULL};
    nn_winograd_transform(a, &form);
}

#endif
