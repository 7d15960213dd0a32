/* nn_conv_rows_s8: int8 convolution with three or four taps per row, stride 1, by packed 64-bit products (nn_rows.h).
 *
 * A band of output rows is computed at a time. The input rows it sees are packed once into panels, one per tile of
 * pixel pairs: a panel has, row by row and channel by channel, the words that nn_rows.h reads, so that the taps of an
 * output row are one run of steps. The offset is added on the way; padding is zero. Then every output channel packs its
 * weights and runs over the band.
 *
 * Needs: weights' zero point 0; stride_x, dilation_x, dilation_y and groups 1; with `closing` three taps, an even width
 * of the output and padding on the left; scratch aligned to 4.
 */
#ifndef NN_CONV_ROWS_S8_H
#define NN_CONV_ROWS_S8_H

#include "nn_requantize.h"
#include "nn_rows.h"

typedef struct {
    const int8_t *input;
    int8_t *output;
    void *scratch;
    const int8_t *weights; /* [out_channels][kernel_height][kernel_width][in_channels] */
    const int32_t *bias, *multiplier;
    const int8_t *shift;
    int32_t batches;
    int32_t input_height, input_width, in_channels;
    int32_t output_height, output_width, out_channels;
    int32_t kernel_height, kernel_width, stride_y, pad_top, pad_left;
    int32_t input_offset, output_offset, output_min, output_max;
    int32_t requantize;           /* NN_EXACT, ... */
    int32_t quads, triples;       /* tiles of four and of three pairs in a row of the output */
    int32_t closing;              /* whether the first tile computes what the last output lacks */
    int32_t band_rows;            /* output rows computed at a time */
    int32_t chunks, chunk_steps;  /* steps = kernel rows x channels, rounded up to whole chunks */
} nn_conv_rows_args;

/* One tile of a row. */
typedef struct {
    int32_t first; /* its first pair */
    int32_t pairs;
    int32_t words; /* of one step */
} nn_rows_tile_shape;

NN_INLINE nn_rows_tile_shape nn_conv_rows_tile(const nn_conv_rows_args *a, int32_t tile)
{
    int32_t pairs = tile < a->quads ? 4 : 3;
    int32_t first = tile < a->quads ? tile * 4 : a->quads * 4 + (tile - a->quads) * 3;
    return (nn_rows_tile_shape){first, pairs, pairs + 1 + (tile == 0 && a->closing)};
}

/* Words of one row of the input in all panels before `tile`. */
NN_INLINE int32_t nn_conv_rows_before(const nn_conv_rows_args *a, int32_t tile)
{
    nn_rows_tile_shape shape = nn_conv_rows_tile(a, tile);
    return (shape.first + tile + (tile > 0 && a->closing)) * a->in_channels;
}

NN_INLINE int32_t nn_conv_rows_band_input(const nn_conv_rows_args *a, int32_t rows)
{
    return (rows - 1) * a->stride_y + a->kernel_height;
}

/* Columns `left` and `left + 1` of an input row, all channels, every `step` words; NULL and columns outside are 0. */
NN_INLINE void nn_conv_rows_pack_pair(const nn_conv_rows_args *a, uint32_t *to, int32_t step, const int8_t *row,
                                      int32_t left)
{
    const int32_t depth = a->in_channels;
    const int32_t offset = a->input_offset;
    const int has_low = row != NULL && left >= 0 && left < a->input_width;
    const int has_high = row != NULL && left + 1 >= 0 && left + 1 < a->input_width;
    const int8_t *low = has_low ? row + left * depth : NULL;
    const int8_t *high = has_high ? row + (left + 1) * depth : NULL;
    if (has_low && has_high) {
#pragma GCC unroll 4
        for (int32_t c = 0; c < depth; c++) {
            to[c * step] = nn_rows_pack(low[c], high[c]) + nn_rows_pack(offset, offset);
        }
    } else {
        for (int32_t c = 0; c < depth; c++) {
            to[c * step] = nn_rows_pack(has_low ? low[c] + offset : 0, has_high ? high[c] + offset : 0);
        }
    }
}

/* Pack input row `y` (zeros if outside) into row `slot` of every panel; `rows` are the rows of a panel. */
NN_INLINE void nn_conv_rows_pack_row(const nn_conv_rows_args *a, uint32_t *panels, const int8_t *image, int32_t y,
                                     int32_t slot, int32_t rows)
{
    const int8_t *row = y >= 0 && y < a->input_height ? image + y * a->input_width * a->in_channels : NULL;
    for (int32_t tile = 0; tile < a->quads + a->triples; tile++) {
        nn_rows_tile_shape shape = nn_conv_rows_tile(a, tile);
        uint32_t *to = panels + nn_conv_rows_before(a, tile) * rows + slot * a->in_channels * shape.words;
        for (int32_t i = 0; i < shape.words; i++) {
            int32_t pair = i <= shape.pairs ? shape.first + i : a->output_width / 2;
            nn_conv_rows_pack_pair(a, to + i, shape.words, row, 2 * pair - a->pad_left);
        }
    }
}

/* Move the last `keep` rows that the band above left in each panel to the front. */
NN_INLINE void nn_conv_rows_keep(const nn_conv_rows_args *a, uint32_t *panels, int32_t keep, int32_t rows)
{
    for (int32_t tile = 0; tile < a->quads + a->triples; tile++) {
        int32_t row_words = nn_conv_rows_tile(a, tile).words * a->in_channels;
        uint32_t *to = panels + nn_conv_rows_before(a, tile) * rows;
        const uint32_t *from = to + (rows - keep) * row_words;
#pragma GCC unroll 4
        for (int32_t i = 0; i < keep * row_words; i++) {
            to[i] = from[i];
        }
    }
}

NN_INLINE void nn_conv_rows_pack_weights(const nn_conv_rows_args *a, uint32_t *w, const int8_t *weights)
{
    const int32_t depth = a->in_channels;
    const int32_t steps = a->kernel_height * depth;
    for (int32_t y = 0; y < a->kernel_height; y++, weights += a->kernel_width * depth) {
#pragma GCC unroll 2
        for (int32_t c = 0; c < depth; c++, w += 2) {
            uint32_t first = nn_rows_pack(weights[depth + c], weights[c]);
            uint32_t second = nn_rows_pack(a->kernel_width == 4 ? weights[3 * depth + c] : 0, weights[2 * depth + c]);
            w[0] = first;
            w[1] = second;
        }
    }
    for (int32_t i = 2 * steps; i < 2 * a->chunks * a->chunk_steps; i++) {
        *w++ = 0;
    }
}

/* Sums of one output row; `top` is its first input row in the panels. sums[1] is the first output. */
NN_INLINE void nn_conv_rows_sum(const nn_conv_rows_args *a, const uint32_t *panels, const uint32_t *w, int32_t *sums,
                                int32_t bias, int32_t top, int32_t rows)
{
    const nn_rows_span span = {(uint32_t)a->chunk_steps * 8u, (uint32_t)(a->chunks * a->chunk_steps) * 8u};
    const int32_t start = (int32_t)((uint32_t)bias - (uint32_t)(a->chunks * NN_ROWS_EXCESS));
    sums[0] = 0;
#pragma GCC unroll 8
    for (int32_t i = 1; i <= 8 * a->quads + 6 * a->triples; i++) {
        sums[i] = start;
    }
    const int32_t quads = a->quads - (a->closing && a->quads > 0);
    const int32_t triples = a->triples - (a->closing && a->quads == 0);
    const int32_t depth = a->in_channels;
    int32_t *at = sums;
    if (a->closing && a->quads > 0) {
        nn_rows_4_closing(panels + top * depth * 6, w, at, &span);
        panels += rows * depth * 6;
        at += 8;
    } else if (a->closing) {
        nn_rows_3_closing(panels + top * depth * 5, w, at, &span);
        panels += rows * depth * 5;
        at += 6;
    }
    for (int32_t i = 0; i < quads; i++, panels += rows * depth * 5, at += 8) {
        nn_rows_4(panels + top * depth * 5, w, at, &span);
    }
    for (int32_t i = 0; i < triples; i++, panels += rows * depth * 4, at += 6) {
        nn_rows_3(panels + top * depth * 4, w, at, &span);
    }
    if (a->closing) {
        sums[a->output_width] = (int32_t)((uint32_t)sums[a->output_width] + (uint32_t)sums[0]);
    }
}

/* One output channel of a band of `count` rows. */
NN_INLINE void nn_conv_rows_channel(const nn_conv_rows_args *a, const uint32_t *panels, const uint32_t *w, int32_t *sums,
                                    int8_t *output, int32_t channel, int32_t count)
{
    nn_channel c = nn_channel_of(a->requantize, a->bias[channel], a->multiplier[channel], a->shift[channel],
                                 a->output_offset);
    for (int32_t y = 0; y < count; y++) {
        nn_conv_rows_sum(a, panels, w, sums, c.bias, y * a->stride_y, nn_conv_rows_band_input(a, a->band_rows));
#pragma GCC unroll 2
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
    uint32_t *w = (uint32_t *)a->scratch + 8 * a->quads + 6 * a->triples + 1;
    uint32_t *panels = w + 2 * a->chunks * a->chunk_steps;
    for (int32_t batch = 0; batch < a->batches; batch++) {
        const int8_t *image = a->input + batch * a->input_height * a->input_width * a->in_channels;
        for (int32_t top = 0; top < a->output_height; top += a->band_rows) {
            int32_t count = a->output_height - top < a->band_rows ? a->output_height - top : a->band_rows;
            int32_t kept = top == 0 ? 0 : keep;
            nn_conv_rows_keep(a, panels, kept, rows);
            for (int32_t slot = kept; slot < nn_conv_rows_band_input(a, count); slot++) {
                nn_conv_rows_pack_row(a, panels, image, top * a->stride_y - a->pad_top + slot, slot, rows);
            }
            int8_t *output = a->output + (batch * a->output_height + top) * a->output_width * a->out_channels;
            for (int32_t channel = 0; channel < a->out_channels; channel++) {
                nn_conv_rows_pack_weights(a, w, a->weights + channel * weights_per_channel);
                nn_conv_rows_channel(a, panels, w, sums, output + channel, channel, count);
            }
        }
    }
}

#endif
