/* nn_conv_rows_f2_s8: as nn_conv_rows_s8 for kernels of three rows, computing two output rows from four products instead
 * of six: Winograd's F(2, 3) down the columns, exact in integers, combined with the packed products along the rows.
 *
 * With the input rows d0 to d3 that two output rows see and the kernel rows g0 to g2 (each product a row convolution):
 *
 *     m0 = (d0 - d2) g0    m1 = (d1 + d2) (g0 + g1 + g2)    m2 = (d2 - d1) (g0 - g1 + g2)    m3 = (d1 - d3) g2
 *     2 * upper = 2 m0 + m1 + m2          2 * lower = m1 - m2 - 2 m3
 *
 * Packed words are sums, so the combinations are made on packed words. The doubled outputs are what SMMLAR wants.
 *
 * Needs: what nn_conv_rows_s8 needs, and kernel_height 3, stride_y 1, band_rows even, requantize not NN_EXACT.
 */
#ifndef NN_CONV_ROWS_F2_S8_H
#define NN_CONV_ROWS_F2_S8_H

#include "nn_conv_rows.h"

/* The four products of two output rows are the panel rows 4 * pair + 0 to 3. */
#define NN_CONV_ROWS_F2_PRODUCTS 4

/* Combine four packed input rows of one column pair: `to` is its word in the first of the four panel rows. */
NN_INLINE void nn_conv_rows_f2_combine(uint32_t *to, int32_t words, int32_t depth, const uint32_t *upper,
                                       const uint32_t *lower)
{
    NN_UNROLL(2)
    for (int32_t c = 0; c < depth; c++) {
        uint32_t d0 = upper[c];
        uint32_t d1 = upper[depth + c];
        uint32_t d2 = lower[c];
        uint32_t d3 = lower[depth + c];
        to[c * words] = d0 - d2;
        to[(depth + c) * words] = d1 + d2;
        to[(2 * depth + c) * words] = d2 - d1;
        to[(3 * depth + c) * words] = d1 - d3;
    }
}

/* Input rows `y` and `y + 1` of one column pair. */
NN_INLINE void nn_conv_rows_f2_pack(const nn_conv_rows_args *a, uint32_t *to, const int8_t *image, int32_t y, int32_t left,
                                    int32_t offset)
{
    nn_conv_rows_pack(a, to, 1, nn_conv_rows_input(a, image, y), left, offset);
    nn_conv_rows_pack(a, to + a->in_channels, 1, nn_conv_rows_input(a, image, y + 1), left, offset);
}

/* Fill the panels for `pairs` pairs of output rows that see the input from row `top` on; `raw` holds four input rows of
 * one column pair. */
NN_INLINE void nn_conv_rows_f2_fill(const nn_conv_rows_args *a, uint32_t *panels, uint32_t *raw, const int8_t *image,
                                    int32_t top, int32_t pairs)
{
    const int32_t depth = a->in_channels;
    const int32_t rows = a->band_rows / 2 * NN_CONV_ROWS_F2_PRODUCTS;
    for (int32_t i = 0; i < a->quads + a->triples; i++) {
        nn_conv_rows_tile tile = nn_conv_rows_tile_at(a, i);
        for (int32_t word = 0; word < tile.words; word++) {
            int32_t left = nn_conv_rows_column(a, tile, word);
            int32_t offset = nn_conv_rows_offset(a, tile, word);
            uint32_t *upper = raw;
            uint32_t *lower = raw + 2 * depth;
            nn_conv_rows_f2_pack(a, upper, image, top, left, offset);
            uint32_t *to = panels + nn_conv_rows_before(a, i) * rows + word;
            for (int32_t pair = 0; pair < pairs; pair++, to += NN_CONV_ROWS_F2_PRODUCTS * depth * tile.words) {
                nn_conv_rows_f2_pack(a, lower, image, top + 2 * pair + 2, left, offset);
                nn_conv_rows_f2_combine(to, tile.words, depth, upper, lower);
                uint32_t *swap = upper;
                upper = lower;
                lower = swap;
            }
        }
    }
}

NN_INLINE void nn_conv_rows_f2_store(uint32_t *w, uint32_t first, uint32_t second)
{
    w[0] = first;
    w[1] = second;
}

/* The combined weights of an output channel, run after run. */
NN_INLINE void nn_conv_rows_f2_pack_weights(const nn_conv_rows_args *a, uint32_t *w0, const int8_t *weights)
{
    const int32_t depth = a->in_channels;
    const int32_t row = a->kernel_width * depth;
    uint32_t *w1 = w0 + nn_conv_rows_weights(a, 0);
    uint32_t *w2 = w1 + nn_conv_rows_weights(a, 1);
    uint32_t *w3 = w2 + nn_conv_rows_weights(a, 2);
    for (int32_t c = 0; c < depth; c++, weights++, w0 += 2, w1 += 2, w2 += 2, w3 += 2) {
        uint32_t first[3];
        uint32_t second[3];
        NN_UNROLL(3)
        for (int32_t y = 0; y < 3; y++) {
            const int8_t *taps = weights + y * row;
            first[y] = nn_rows_pack(taps[depth], taps[0]);
            second[y] = nn_rows_pack(a->kernel_width == 4 ? taps[3 * depth] : 0, taps[2 * depth]);
        }
        nn_conv_rows_f2_store(w0, first[0], second[0]);
        nn_conv_rows_f2_store(w3, first[2], second[2]);
        first[0] += first[2];
        second[0] += second[2];
        nn_conv_rows_f2_store(w1, first[0] + first[1], second[0] + second[1]);
        nn_conv_rows_f2_store(w2, first[0] - first[1], second[0] - second[1]);
    }
    uint32_t *ends[NN_CONV_ROWS_F2_PRODUCTS] = {w0, w1, w2, w3};
    NN_UNROLL(4)
    for (int32_t run = 0; run < NN_CONV_ROWS_F2_PRODUCTS; run++) {
        for (int32_t i = 2 * depth; i < nn_conv_rows_weights(a, run); i++) {
            *ends[run]++ = 0;
        }
    }
}

/* Requantize two output rows (the second only if `both`) from the sums of the four products. */
NN_INLINE void nn_conv_rows_f2_finish(const nn_conv_rows_args *a, nn_channel c, const int32_t *sums, int8_t *first,
                                      int8_t *second, int both)
{
    const int32_t count = nn_conv_rows_sums(a);
    for (int32_t x = 1; x <= a->output_width; x++, first += a->out_channels, second += a->out_channels) {
        uint32_t m0 = (uint32_t)sums[x];
        uint32_t m1 = (uint32_t)sums[count + x];
        uint32_t m2 = (uint32_t)sums[2 * count + x];
        uint32_t m3 = (uint32_t)sums[3 * count + x];
        int32_t upper = (int32_t)(2 * m0 + m1 + m2);
        *first = nn_output_doubled(c, a->requantize, upper, a->output_min, a->output_max);
        if (both) {
            int32_t lower = (int32_t)(m1 - m2 - 2 * m3);
            *second = nn_output_doubled(c, a->requantize, lower, a->output_min, a->output_max);
        }
    }
}

/* One output channel of the band of `count` rows from `top` on; `image` is the output's. */
NN_INLINE void nn_conv_rows_f2_channel(const nn_conv_rows_args *a, const uint32_t *panels, const uint32_t *w,
                                       int32_t *sums, int8_t *image, int32_t channel, int32_t top, int32_t count)
{
    const int32_t rows = a->band_rows / 2 * NN_CONV_ROWS_F2_PRODUCTS;
    nn_channel c = nn_channel_of(a->requantize, a->bias[channel], a->multiplier[channel], a->shift[channel],
                                 a->output_offset);
    for (int32_t y = 0; y < count; y += 2) {
        const uint32_t *run_w = w;
        NN_UNROLL(1) /* four copies of the loops over tiles would gain nothing */
        for (int32_t run = 0; run < NN_CONV_ROWS_F2_PRODUCTS; run++) {
            const nn_rows_span span = nn_rows_span_of(a->chunks[run], a->chunk_steps[run]);
            /* m0 counts in the upper output, -m3 in the lower one. */
            int32_t bias = run == 0 ? c.bias : run == 3 ? (int32_t)(0u - (uint32_t)c.bias) : 0;
            nn_conv_rows_run(a, panels, rows, 2 * y + run, run_w, &span, sums + run * nn_conv_rows_sums(a),
                             nn_conv_rows_start(a, run, bias));
            run_w += nn_conv_rows_weights(a, run);
        }
        const int32_t second = nn_smaller(y + 1, count - 1);
        nn_conv_rows_f2_finish(a, c, sums, nn_conv_rows_output(a, image, top + y) + channel,
                               nn_conv_rows_output(a, image, top + second) + channel, y < second);
    }
}

NN_INLINE void nn_conv_rows_f2_s8(const nn_conv_rows_args *a)
{
    const int32_t weights_per_channel = 3 * a->kernel_width * a->in_channels;
    int32_t *sums = (int32_t *)a->scratch;
    uint32_t *raw = (uint32_t *)a->scratch + NN_CONV_ROWS_F2_PRODUCTS * nn_conv_rows_sums(a);
    uint32_t *w = raw + 4 * a->in_channels;
    uint32_t *panels = w;
    for (int32_t run = 0; run < NN_CONV_ROWS_F2_PRODUCTS; run++) {
        panels += nn_conv_rows_weights(a, run);
    }
    for (int32_t batch = 0; batch < a->batches; batch++) {
        const int8_t *image = a->input + batch * a->input_height * a->input_width * a->in_channels;
        int8_t *output = a->output + batch * a->output_height * a->output_width * a->out_channels;
        for (int32_t top = a->first_row; top < a->first_row + a->rows; top += a->band_rows) {
            int32_t count = nn_smaller(a->first_row + a->rows - top, a->band_rows);
            nn_conv_rows_f2_fill(a, panels, raw, image, top - a->pad_top, (count + 1) / 2);
            for (int32_t channel = 0; channel < a->out_channels; channel++) {
                nn_conv_rows_f2_pack_weights(a, w, a->weights + channel * weights_per_channel);
                nn_conv_rows_f2_channel(a, panels, w, sums, output, channel, top, count);
            }
        }
    }
}

#endif
