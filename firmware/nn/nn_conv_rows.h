/* nn_conv_rows.h: what the convolutions by packed rows (nn_rows.h) share: arguments, tiles of a row, panels.
 *
 * A row of the output is cut into tiles of four pixel pairs (first) and of three. Each tile has a panel: rows of steps,
 * each step the words of one input channel that nn_rows.h reads. What a panel row is, an input row or a combination of
 * some, is the kernel's business; consecutive panel rows make one run of steps. The bias includes the input's offset
 * times the sum of the channel's weights, so that inputs are used as they are and padding is the zero point.
 */
#ifndef NN_CONV_ROWS_H
#define NN_CONV_ROWS_H

#include "nn_bands.h"
#include "nn_requantize.h"
#include "nn_rows.h"

/* Kernel rows with weights of their own: one run for all, or four combinations. */
#define NN_CONV_ROWS_RUNS 4

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
    int32_t requantize;     /* NN_EXACT, ... */
    int32_t first_row, rows, input_ring, output_ring; /* see nn_bands.h */
    int32_t quads, triples; /* tiles of four and of three pairs in a row of the output */
    int32_t closing;        /* whether the first tile computes what the last output lacks */
    int32_t band_rows;      /* output rows computed at a time */
    int32_t chunks[NN_CONV_ROWS_RUNS], chunk_steps[NN_CONV_ROWS_RUNS]; /* of each run, rounded up to whole chunks */
} nn_conv_rows_args;

/* One tile of a row. */
typedef struct {
    int32_t first; /* its first pair */
    int32_t pairs;
    int32_t words; /* of one step */
} nn_conv_rows_tile;

NN_INLINE nn_conv_rows_tile nn_conv_rows_tile_at(const nn_conv_rows_args *a, int32_t tile)
{
    int32_t pairs = tile < a->quads ? 4 : 3;
    int32_t first = tile < a->quads ? tile * 4 : a->quads * 4 + (tile - a->quads) * 3;
    return (nn_conv_rows_tile){first, pairs, pairs + 1 + (tile == 0 && a->closing)};
}

/* Words of one panel row in all panels before `tile`; of all panels for the tile behind the last. */
NN_INLINE int32_t nn_conv_rows_before(const nn_conv_rows_args *a, int32_t tile)
{
    return (nn_conv_rows_tile_at(a, tile).first + tile + (tile > 0 && a->closing)) * a->in_channels;
}

/* The first of the two columns in word `index` of a step. */
NN_INLINE int32_t nn_conv_rows_column(const nn_conv_rows_args *a, nn_conv_rows_tile tile, int32_t index)
{
    int32_t pair = index <= tile.pairs ? tile.first + index : a->output_width / 2;
    return 2 * pair - a->pad_left;
}

/* Sums of one row of the output. */
NN_INLINE int32_t nn_conv_rows_sums(const nn_conv_rows_args *a)
{
    return 8 * a->quads + 6 * a->triples + 1;
}

NN_INLINE const int8_t *nn_conv_rows_input(const nn_conv_rows_args *a, const int8_t *image, int32_t y)
{
    const int32_t row_bytes = a->input_width * a->in_channels;
    return y >= 0 && y < a->input_height ? image + nn_ring_place(y, a->input_ring, a->input_height) * row_bytes : NULL;
}

NN_INLINE int8_t *nn_conv_rows_output(const nn_conv_rows_args *a, int8_t *image, int32_t y)
{
    return image + nn_ring_place(y, a->output_ring, a->output_height) * a->output_width * a->out_channels;
}

/* What is added to the values in word `index` of a step: the input's offset if it is the closing word, otherwise nothing.
 * Field 0 of the first accumulator takes w1 times the padding before the row and w1 times the closing value, so that the
 * paddings' zero points cancel. */
NN_INLINE int32_t nn_conv_rows_offset(const nn_conv_rows_args *a, nn_conv_rows_tile tile, int32_t index)
{
    return index > tile.pairs ? a->input_offset : 0;
}

/* Columns `left` and `left + 1` of an input row, all channels, plus `offset`, every `step` words. NULL and columns outside
 * are padding. */
NN_INLINE void nn_conv_rows_pack(const nn_conv_rows_args *a, uint32_t *to, int32_t step, const int8_t *row, int32_t left,
                                 int32_t offset)
{
    const int32_t depth = a->in_channels;
    const int32_t padding = -a->input_offset;
    const int has_low = row != NULL && left >= 0 && left < a->input_width;
    const int has_high = row != NULL && left + 1 >= 0 && left + 1 < a->input_width;
    const int8_t *low = has_low ? row + left * depth : NULL;
    const int8_t *high = has_high ? row + (left + 1) * depth : NULL;
    if (has_low && has_high && offset == 0) {
        NN_UNROLL(4)
        for (int32_t c = 0; c < depth; c++) {
            to[c * step] = nn_rows_pack(low[c], high[c]);
        }
    } else {
        for (int32_t c = 0; c < depth; c++) {
            to[c * step] = nn_rows_pack((has_low ? low[c] : padding) + offset, (has_high ? high[c] : padding) + offset);
        }
    }
}

/* One run over all tiles of a row: sums[1] is the first output, each starting from `start`. The run begins at panel row
 * `row` of `rows`. */
NN_INLINE void nn_conv_rows_run(const nn_conv_rows_args *a, const uint32_t *panels, int32_t rows, int32_t row,
                                const uint32_t *w, const nn_rows_span *span, int32_t *sums, int32_t start)
{
    const int32_t depth = a->in_channels;
    const int32_t quads = a->quads - (a->closing && a->quads > 0);
    const int32_t triples = a->triples - (a->closing && a->quads == 0);
    int32_t *at = sums;
    sums[0] = 0;
    NN_UNROLL(8)
    for (int32_t i = 1; i < nn_conv_rows_sums(a); i++) {
        sums[i] = start;
    }
    if (a->closing && a->quads > 0) {
        nn_rows_4_closing(panels + row * depth * 6, w, at, span);
        panels += rows * depth * 6;
        at += 8;
    } else if (a->closing) {
        nn_rows_3_closing(panels + row * depth * 5, w, at, span);
        panels += rows * depth * 5;
        at += 6;
    }
    for (int32_t i = 0; i < quads; i++, panels += rows * depth * 5, at += 8) {
        nn_rows_4(panels + row * depth * 5, w, at, span);
    }
    for (int32_t i = 0; i < triples; i++, panels += rows * depth * 4, at += 6) {
        nn_rows_3(panels + row * depth * 4, w, at, span);
    }
    if (a->closing) {
        sums[a->output_width] = (int32_t)((uint32_t)sums[a->output_width] + (uint32_t)sums[0]);
    }
}

/* Words of the weights of run `run`. */
NN_INLINE int32_t nn_conv_rows_weights(const nn_conv_rows_args *a, int32_t run)
{
    return 2 * a->chunks[run] * a->chunk_steps[run];
}

/* `value` reduced by what the chunks of a run add to every sum. */
NN_INLINE int32_t nn_conv_rows_start(const nn_conv_rows_args *a, int32_t run, int32_t value)
{
    return (int32_t)((uint32_t)value - (uint32_t)a->chunks[run] * NN_ROWS_EXCESS);
}

#endif
