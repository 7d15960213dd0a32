/* nn_transpose_conv_s8: int8 transposed convolution, by phases.
 *
 * Outputs whose places have one remainder modulo the stride see the same taps: they are a convolution with stride 1 by
 * these taps in reverse order, and are computed as in nn_conv_gemm_s8. Only where they are stored differs: a stride
 * apart.
 *
 * Needs: weights' zero point 0; per phase (rows of phases, then columns) a row of weights per output channel, padded
 * with zeros to whole words, and a bias per output channel; weights and scratch aligned to 4.
 */
#ifndef NN_TRANSPOSE_CONV_S8_H
#define NN_TRANSPOSE_CONV_S8_H

#include "nn_conv_gemm_s8.h"
#include "nn_phase.h"

typedef struct {
    const int8_t *input;
    int8_t *output;
    void *scratch;
    const int8_t *weights;
    const int32_t *bias, *multiplier;
    const int8_t *shift;
    int32_t batches, input_height, input_width, in_channels;
    int32_t output_height, output_width, out_channels;
    int32_t kernel_height, kernel_width, stride_y, stride_x, pad_top, pad_left;
    int32_t input_offset, output_offset, output_min, output_max;
    int32_t requantize;                /* NN_EXACT, ... */
    int32_t panel_rows, panel_columns; /* of a phase, computed at a time; columns are a multiple of 4 */
} nn_transpose_conv_args;

/* A phase as a convolution; its output's pixels are `stride_x` pixels apart. */
NN_INLINE nn_conv_args nn_phase_conv(const nn_transpose_conv_args *a, nn_phase y, nn_phase x)
{
    return (nn_conv_args){
        .input = a->input,
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
        .input_offset = a->input_offset,
        .output_offset = a->output_offset,
        .output_min = a->output_min,
        .output_max = a->output_max,
        .requantize = a->requantize,
        .rows = y.count,
        .input_ring = a->input_height,
    };
}

/* `rows` x `columns` pixels of a phase in all output channels; a row of the panel has panel_columns. */
NN_INLINE void nn_phase_block(const nn_transpose_conv_args *a, const nn_conv_args *c, const uint32_t *panel, uint32_t *w,
                              int8_t *output, int32_t rows, int32_t columns)
{
    const int32_t words = (nn_conv_depth(c) + 3) / 4;
    for (int32_t channel = 0; channel < a->out_channels; channel += 2) {
        int both = channel + 1 < a->out_channels;
        const int8_t *row = c->weights + channel * words * 4;
        nn_conv_widen_weights(w, row, both ? row + words * 4 : row, words);
        for (int32_t y = 0; y < rows; y++) {
            int8_t *place = output + y * a->stride_y * a->output_width * a->out_channels + channel;
            nn_conv_gemm_channels(c, panel + y * a->panel_columns * words * 2, w, place, channel, both, columns);
        }
    }
}

NN_INLINE void nn_phase_run(const nn_transpose_conv_args *a, const nn_conv_args *c, nn_phase y, nn_phase x)
{
    const int32_t words = (nn_conv_depth(c) + 3) / 4;
    uint32_t *w = (uint32_t *)a->scratch;
    uint32_t *panel = w + words * 4 + NN_GEMM_OVERREAD;
    int8_t *taps = (int8_t *)(panel + a->panel_rows * a->panel_columns * words * 2 + NN_GEMM_OVERREAD);
    memset(taps, 0, (size_t)words * 4);
    for (int32_t batch = 0; batch < a->batches; batch++) {
        int8_t *image = a->output + batch * a->output_height * a->output_width * a->out_channels;
        for (int32_t row = 0; row < y.count; row += a->panel_rows) {
            int32_t rows = nn_smaller(a->panel_rows, y.count - row);
            for (int32_t column = 0; column < x.count; column += a->panel_columns) {
                int32_t columns = nn_smaller(a->panel_columns, x.count - column);
                for (int32_t i = 0; i < rows; i++) {
                    nn_conv_fill(c, panel + i * a->panel_columns * words * 2, taps, 0,
                                 (batch * y.count + row + i) * x.count + column, columns);
                }
                int32_t place = (y.first + row * a->stride_y) * a->output_width + x.first + column * a->stride_x;
                nn_phase_block(a, c, panel, w, image + place * a->out_channels, rows, columns);
            }
        }
    }
}

NN_INLINE void nn_transpose_conv_s8(const nn_transpose_conv_args *a)
{
    const int8_t *weights = a->weights;
    const int32_t *bias = a->bias;
    for (int32_t phase = 0; phase < a->stride_y * a->stride_x; phase++) {
        nn_phase y = nn_phase_of(phase / a->stride_x, a->output_height, a->kernel_height, a->stride_y, a->pad_top);
        nn_phase x = nn_phase_of(phase % a->stride_x, a->output_width, a->kernel_width, a->stride_x, a->pad_left);
        nn_conv_args c = nn_phase_conv(a, y, x);
        c.weights = weights;
        c.bias = bias;
        nn_phase_run(a, &c, y, x);
        weights += a->out_channels * ((nn_conv_depth(&c) + 3) / 4 * 4);
        bias += a->out_channels;
    }
}

#endif
