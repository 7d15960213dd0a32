/* nn_transpose_conv_s16: transposed convolution of int16 by int8 weights, by phases as in nn_transpose_conv_s8.h, each
 * computed as in nn_conv_s16.h.
 *
 * Needs: zero points 0; per phase (rows of phases, then columns) a row of weights per output channel, padded with zeros to
 * whole words, the middle two of every four exchanged; weights and scratch aligned to 4.
 */
#ifndef NN_TRANSPOSE_CONV_S16_H
#define NN_TRANSPOSE_CONV_S16_H

#include "nn_conv_s16.h"
#include "nn_phase.h"

typedef struct {
    const void *input; /* int16 */
    void *output;      /* int16 */
    void *scratch;
    const int8_t *weights;
    const int32_t *bias, *multiplier;
    const int8_t *shift;
    int32_t batches, input_height, input_width, in_channels;
    int32_t output_height, output_width, out_channels;
    int32_t kernel_height, kernel_width, stride_y, stride_x, pad_top, pad_left;
    int32_t output_min, output_max;
    int32_t requantize;                /* NN_HIGH_S16, ... */
    int32_t panel_rows, panel_columns; /* of a phase, computed at a time; columns are a multiple of 4 */
    int32_t chunk_words;               /* of every phase, see nn_conv_s16.h */
} nn_transpose_conv_s16_args;

/* A phase as a convolution; its output's pixels are `stride_x` pixels apart. */
NN_INLINE nn_conv_s16_args nn_phase_conv_s16(const nn_transpose_conv_s16_args *a, nn_phase y, nn_phase x)
{
    return (nn_conv_s16_args){
        .input = a->input,
        .bias = a->bias,
        .multiplier = a->multiplier,
        .shift = a->shift,
        .groups = 1,
        .input_height = a->input_height,
        .input_width = a->input_width,
        .in_channels = a->in_channels,
        .output_height = y.count,
        .output_width = x.count,
        .out_channels = a->out_channels * a->stride_x,
        .kernel_height = y.taps,
        .kernel_width = x.taps,
        .stride_y = 1,
        .stride_x = 1,
        .dilation_y = 1,
        .dilation_x = 1,
        .pad_top = y.before,
        .pad_left = x.before,
        .output_min = a->output_min,
        .output_max = a->output_max,
        .requantize = a->requantize,
        .rows = y.count,
        .input_ring = a->input_height,
        .chunk_words = a->chunk_words,
    };
}

/* `rows` x `columns` pixels of a phase in all output channels; a row of the panel has panel_columns. */
NN_INLINE void nn_phase_block_s16(const nn_transpose_conv_s16_args *a, const nn_conv_s16_args *c, const uint32_t *panel,
                                  uint32_t *w, nn_half *output, int32_t rows, int32_t columns)
{
    const int32_t words = nn_conv_s16_words(c);
    for (int32_t channel = 0; channel < a->out_channels; channel += 2) {
        const int both = channel + 1 < a->out_channels;
        const int8_t *row = c->weights + channel * words * 4;
        nn_conv_widen_weights(w, row, both ? row + words * 4 : row, words);
        for (int32_t y = 0; y < rows; y++) {
            nn_half *place = output + y * a->stride_y * a->output_width * a->out_channels + channel;
            nn_conv_s16_channels(c, panel + y * a->panel_columns * words * 2, w, place, channel, both, columns);
        }
    }
}

NN_INLINE void nn_phase_run_s16(const nn_transpose_conv_s16_args *a, const nn_conv_s16_args *c, nn_phase y, nn_phase x)
{
    const int32_t words = nn_conv_s16_words(c);
    uint32_t *w = (uint32_t *)a->scratch;
    uint32_t *panel = w + words * 4 + NN_GEMM_OVERREAD;
    int8_t *taps = (int8_t *)(panel + a->panel_rows * a->panel_columns * words * 2 + NN_GEMM_OVERREAD);
    memset(taps, 0, (size_t)words * 8);
    for (int32_t batch = 0; batch < a->batches; batch++) {
        nn_half *image = (nn_half *)a->output + batch * a->output_height * a->output_width * a->out_channels;
        for (int32_t row = 0; row < y.count; row += a->panel_rows) {
            const int32_t rows = nn_smaller(a->panel_rows, y.count - row);
            for (int32_t column = 0; column < x.count; column += a->panel_columns) {
                const int32_t columns = nn_smaller(a->panel_columns, x.count - column);
                for (int32_t i = 0; i < rows; i++) {
                    nn_conv_s16_fill(c, panel + i * a->panel_columns * words * 2, taps, 0,
                                     (batch * y.count + row + i) * x.count + column, columns);
                }
                const int32_t place = (y.first + row * a->stride_y) * a->output_width + x.first + column * a->stride_x;
                nn_phase_block_s16(a, c, panel, w, image + place * a->out_channels, rows, columns);
            }
        }
    }
}

NN_INLINE void nn_transpose_conv_s16(const nn_transpose_conv_s16_args *a)
{
    const int8_t *weights = a->weights;
    for (int32_t phase = 0; phase < a->stride_y * a->stride_x; phase++) {
        const nn_phase y = nn_phase_of(phase / a->stride_x, a->output_height, a->kernel_height, a->stride_y, a->pad_top);
        const nn_phase x = nn_phase_of(phase % a->stride_x, a->output_width, a->kernel_width, a->stride_x, a->pad_left);
        nn_conv_s16_args c = nn_phase_conv_s16(a, y, x);
        c.weights = weights;
        nn_phase_run_s16(a, &c, y, x);
        weights += a->out_channels * nn_conv_s16_words(&c) * 4;
    }
}

#endif
