/* nn_conv_rows_s8: int8 convolution with three or four taps per row, stride 1, by packed 64-bit products (nn_rows.h).
 *
 * A band of output rows is computed at a time. The input rows it sees are packed once into the panels (nn_conv_rows.h),
 * so that the taps of an output row are one run of steps. Then every output channel packs
 * its weights and runs over the band.
 *
 * Needs: weights' zero point 0; stride_x, dilation_x, dilation_y and groups 1; with `closing` three taps, an even width
 * of the output and padding on the left; scratch aligned to 4.
 */
#ifndef NN_CONV_ROWS_S8_H
#define NN_CONV_ROWS_S8_H

#include "nn_conv_rows.h"

/* Input rows that `rows` output rows see. */
NN_INLINE int32_t nn_conv_rows_band_input(const nn_conv_rows_args *a, int32_t rows)
{
    return (rows - 1) * a->stride_y + a->kernel_height;
}

/* Pack an input row (NULL: zeros) into row `slot` of every panel; `rows` are the rows of a panel. */
NN_INLINE void nn_conv_rows_pack_row(const nn_conv_rows_args *a, uint32_t *panels, const int8_t *row, int32_t slot,
                                     int32_t rows)
{
    for (int32_t i = 0; i < a->quads + a->triples; i++) {
        nn_conv_rows_tile tile = nn_conv_rows_tile_at(a, i);
        uint32_t *to = panels + nn_conv_rows_before(a, i) * rows + slot * a->in_channels * tile.words;
        for (int32_t word = 0; word < tile.words; word++) {
            nn_conv_rows_pack(a, to + word, tile.words, row, nn_conv_rows_column(a, tile, word),
                              nn_conv_rows_offset(a, tile, word));
        }
    }
}

/* Move the last `keep` rows that the band above left in each panel to the front. */
NN_INLINE void nn_conv_rows_keep(const nn_conv_rows_args *a, uint32_t *panels, int32_t keep, int32_t rows)
{
    for (int32_t i = 0; i < a->quads + a->triples; i++) {
        int32_t row_words = nn_conv_rows_tile_at(a, i).words * a->in_channels;
        uint32_t *to = panels + nn_conv_rows_before(a, i) * rows;
        const uint32_t *from = to + (rows - keep) * row_words;
        NN_UNROLL(4)
        for (int32_t word = 0; word < keep * row_words; word++) {
            to[word] = from[word];
        }
    }
}

NN_INLINE void nn_conv_rows_pack_weights(const nn_conv_rows_args *a, uint32_t *w, const int8_t *weights)
{
    const int32_t depth = a->in_channels;
    for (int32_t y = 0; y < a->kernel_height; y++, weights += a->kernel_width * depth) {
        NN_UNROLL(2)
        for (int32_t c = 0; c < depth; c++, w += 2) {
            uint32_t first = nn_rows_pack(weights[depth + c], weights[c]);
            uint32_t second = nn_rows_pack(a->kernel_width == 4 ? weights[3 * depth + c] : 0, weights[2 * depth + c]);
            w[0] = first;
            w[1] = second;
        }
    }
    for (int32_t i = 2 * a->kernel_height * depth; i < nn_conv_rows_weights(a, 0); i++) {
        *w++ = 0;
    }
}

/* One output channel of the band of `count` rows from `top` on; `image` is the output's. */
NN_INLINE void nn_conv_rows_channel(const nn_conv_rows_args *a, const uint32_t *panels, const uint32_t *w, int32_t *sums,
                                    int8_t *image, int32_t channel, int32_t top, int32_t count)
{
    const int32_t rows = nn_conv_rows_band_input(a, a->band_rows);
    const nn_rows_span span = nn_rows_span_of(a->chunks[0], a->chunk_steps[0]);
    nn_channel c = nn_channel_of(a->requantize, a->bias[channel], a->multiplier[channel], a->shift[channel],
                                 a->output_offset);
    for (int32_t y = 0; y < count; y++) {
        nn_conv_rows_run(a, panels, rows, y * a->stride_y, w, &span, sums, nn_conv_rows_start(a, 0, c.bias));
        int8_t *output = nn_conv_rows_output(a, image, top + y) + channel;
        NN_UNROLL(2)
        for (int32_t x = 1; x <= a->output_width; x++, output += a->out_channels) {
            *output = nn_output(c, a->requantize, sums[x], a->output_min, a->output_max);
        }
    }
}

NN_INLINE void nn_conv_rows_s8(const nn_conv_rows_args *a)
{
    const int32_t rows = nn_conv_rows_band_input(a, a->band_rows);
    const int32_t keep = a->kernel_height > a->stride_y ? a->kernel_height - a->stride_y : 0;
    const int32_t weights_per_channel = a->kernel_height * a->kernel_width * a->in_channels;
    int32_t *sums = (int32_t *)a->scratch;
    uint32_t *w = (uint32_t *)a->scratch + nn_conv_rows_sums(a);
    uint32_t *panels = w + nn_conv_rows_weights(a, 0);
    for (int32_t batch = 0; batch < a->batches; batch++) {
        const int8_t *image = a->input + batch * a->input_height * a->input_width * a->in_channels;
        int8_t *output = a->output + batch * a->output_height * a->output_width * a->out_channels;
        for (int32_t top = a->first_row; top < a->first_row + a->rows; top += a->band_rows) {
            int32_t count = nn_smaller(a->first_row + a->rows - top, a->band_rows);
            int32_t kept = top == a->first_row ? 0 : keep;
            nn_conv_rows_keep(a, panels, kept, rows);
            for (int32_t slot = kept; slot < nn_conv_rows_band_input(a, count); slot++) {
                const int8_t *row = nn_conv_rows_input(a, image, top * a->stride_y - a->pad_top + slot);
                nn_conv_rows_pack_row(a, panels, row, slot, rows);
            }
            for (int32_t channel = 0; channel < a->out_channels; channel++) {
                nn_conv_rows_pack_weights(a, w, a->weights + channel * weights_per_channel);
                nn_conv_rows_channel(a, panels, w, sums, output, channel, top, count);
            }
        }
    }
}

#endif
