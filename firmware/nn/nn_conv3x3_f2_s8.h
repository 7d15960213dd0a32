/* nn_conv3x3_f2_s8: 3x3 convolution with stride 1 by exact Winograd F(2x2, 3x3).
 *
 * 16 products make 4 outputs, which directly are 36. With G doubled all is integer, and 4 times the sum results:
 *
 *   B^T  1  0 -1  0     G  2  0  0     A^T  1  1  1  0
 *        0  1  1  0        1  1  1          0  1 -1 -1
 *        0 -1  1  0        1 -1  1
 *        0  1  0 -1        0  0  2
 *
 * That is exact modulo 2^32, hence for sums in [-2^29, 2^29). It saves less than F(4x4, 3x3), but allows far larger
 * sums, needs less scratch memory and loses less on small images.
 */
#ifndef NN_CONV3X3_F2_S8_H
#define NN_CONV3X3_F2_S8_H

#include "nn_winograd_f2_weights.h"
#include "nn_winograd_strips.h"

/* B^T d, on int16 lanes */
NN_INLINE void nn_f2_b(uint32_t d0, uint32_t d1, uint32_t d2, uint32_t d3, uint32_t *to, int32_t stride)
{
    to[0] = nn_sub16(d0, d2);
    to[stride] = nn_add16(d1, d2);
    to[2 * stride] = nn_sub16(d2, d1);
    to[3 * stride] = nn_sub16(d1, d3);
}

/* Eight words per column: four rows of channels 0 and 2, then of channels 1 and 3. */
NN_SHARED void nn_f2_columns(const int8_t *const *rows, int32_t pixel_bytes, int32_t count, uint32_t *columns)
{
    const uint32_t *end = columns + 8 * count;
    const int8_t *row0 = rows[0], *row1 = rows[1], *row2 = rows[2], *row3 = rows[3];
    for (int32_t at = 0; columns != end; at += pixel_bytes, columns += 8) {
        uint32_t w0 = nn_load32(row0 + at), w1 = nn_load32(row1 + at);
        uint32_t w2 = nn_load32(row2 + at), w3 = nn_load32(row3 + at);
        nn_f2_b(nn_excess128(w0), nn_excess128(w1), nn_excess128(w2), nn_excess128(w3), columns, 1);
        nn_f2_b(nn_excess128_ror8(w0), nn_excess128_ror8(w1), nn_excess128_ror8(w2), nn_excess128_ror8(w3), columns + 4,
                1);
    }
}

NN_INLINE void nn_f2_tile(const uint32_t *columns, uint32_t *v, int32_t stride)
{
    for (const uint32_t *end = columns + 4; columns != end; columns++, v += 4 * stride) {
        nn_f2_b(columns[0], columns[8], columns[16], columns[24], v, stride);
    }
}

NN_SHARED void nn_f2_tiles(const uint32_t *columns, int32_t count, uint32_t *v, int32_t first, int32_t steps)
{
    const int32_t end = first + count;
    for (int32_t tile = first; tile < end; tile++, columns += 16) {
        uint32_t *pair = v + tile / 2 * 16 * steps * 2;
        nn_f2_tile(columns, pair + tile % 2, steps * 2);
        nn_f2_tile(columns + 4, pair + 3 - tile % 2, steps * 2);
    }
}

/* A^T m */
NN_INLINE void nn_f2_a(uint32_t m0, uint32_t m1, uint32_t m2, uint32_t m3, uint32_t *y0, uint32_t *y1)
{
    *y0 = m0 + m1 + m2;
    *y1 = m1 - m2 - m3;
}

/* One channel of a tile. `rows` and `columns` of it count. */
NN_INLINE void nn_f2_channel(const nn_winograd_target *t, const uint32_t *m, int32_t c, int32_t form, int32_t pool,
                             int32_t low, int32_t high, int32_t rows, int32_t columns)
{
    const nn_channel channel = t->channel[c];
    const int32_t pixel_bytes = t->pixel_bytes;
    int32_t largest = pool == NN_POOL_GLOBAL ? t->maximum[c] : INT32_MIN;
    uint32_t y[2][4];
    NN_UNROLL(4)
    for (int32_t i = 0; i < 4; i++, m += 8) {
        nn_f2_a(m[0], m[32], m[64], m[96], &y[0][i], &y[1][i]);
    }
    NN_UNROLL(2)
    for (int32_t i = 0; i < 2; i++) {
        if (i >= rows) {
            break;
        }
        uint32_t z[2];
        nn_f2_a(y[i][0], y[i][1], y[i][2], y[i][3], &z[0], &z[1]);
        int8_t *to = t->row[pool == NN_POOL_NONE ? i : 0] + c;
        NN_UNROLL(2)
        for (int32_t j = 0; j < 2; j++) {
            if (j >= columns) {
                break;
            }
            if (pool == NN_POOL_NONE) {
                to[j * pixel_bytes] = nn_winograd_output(channel, form, (int32_t)z[j] >> 1, low, high);
            } else {
                largest = nn_winograd_larger(largest, (int32_t)z[j] >> 1);
            }
        }
    }
    if (pool == NN_POOL_TWO_BY_TWO) {
        t->row[0][c] = nn_winograd_output(channel, form, largest, low, high);
    } else if (pool == NN_POOL_GLOBAL) {
        t->maximum[c] = largest;
    }
}

NN_INLINE void nn_f2_output(const nn_winograd_target *t, uint32_t *m, int32_t form, int32_t pool, int32_t low,
                            int32_t high)
{
    for (int32_t c = 0; c < t->channels; c++, m++) {
        if (t->rows == 2 && t->columns == 2) {
            nn_f2_channel(t, m, c, form, pool, low, high, 2, 2);
        } else {
            nn_f2_channel(t, m, c, form, pool, low, high, t->rows, t->columns);
        }
    }
}

NN_WINOGRAD_OUTPUTS(nn_f2_output)

NN_INLINE void nn_conv3x3_f2_s8(const nn_conv3x3_args *a)
{
    const nn_winograd_form form = {2, 4, 16, nn_f2_columns, nn_f2_tiles, nn_f2_weights, nn_f2_output_for(a)};
    nn_winograd(a, &form);
}

NN_INLINE void nn_conv3x3_f2_weights(const nn_conv3x3_weights_args *a)
{
    const nn_winograd_form form = {2, 4, 16, nn_f2_columns, nn_f2_tiles, nn_f2_weights, NULL};
    nn_winograd_transform(a, &form);
}

#endif
