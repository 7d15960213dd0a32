/* nn_conv_gemm_s8: int8 convolution of any shape as a matrix product of int16 pairs.
 *
 * A panel holds the taps of some output pixels, widened to int16, in the order of
 * nn_gemm.h. For every two output channels their weights are widened once and meet the whole panel. Four bytes
 * b0 b1 b2 b3 become the lanes (b0, b2) and (b1, b3) on both sides, which is what SXTB16 gives.
 *
 * Needs: weights' zero point 0; rows of weights padded with zeros to whole words; weights and scratch aligned to 4.
 */
#ifndef NN_CONV_GEMM_S8_H
#define NN_CONV_GEMM_S8_H

#include "nn_conv.h"
#include "nn_gemm.h"

/* Two steps of one pixel from four of its taps. */
NN_INLINE void nn_conv_widen(uint32_t *panel, const int8_t *taps, int32_t words)
{
    NN_UNROLL(4)
    for (int32_t i = 0; i < words; i++) {
        uint32_t bytes = nn_load32(taps + 4 * i);
        panel[8 * i] = nn_sxtb16(bytes);
        panel[8 * i + 4] = nn_sxtb16_ror8(bytes);
    }
}

/* Fill the panel with the taps of `count` pixels of this call from number `first` on, counted over batches, rows and
 * columns. */
NN_INLINE void nn_conv_fill(const nn_conv_args *a, uint32_t *panel, int8_t *taps, int32_t group, int32_t first,
                            int32_t count)
{
    const int32_t words = (nn_conv_depth(a) + 3) / 4;
    const int32_t image_bytes = a->input_height * a->input_width * a->in_channels;
    int32_t x = first % a->output_width;
    int32_t y = a->first_row + first / a->output_width % a->rows;
    const int8_t *image = a->input + first / (a->output_width * a->rows) * image_bytes +
                          group * (a->in_channels / a->groups);
    for (int32_t i = 0; i < count; i++) {
        uint32_t *column = panel + (i / 4) * words * 8 + i % 4;
        if (nn_conv_is_pointwise(a)) {
            int32_t place = nn_ring_place(y * a->stride_y, a->input_ring, a->input_height);
            int32_t pixel = place * a->input_width + x * a->stride_x;
            nn_conv_widen(column, image + pixel * a->in_channels, words);
        } else {
            nn_conv_gather(a, taps, image, y, x);
            nn_conv_widen(column, taps, words);
        }
        if (++x == a->output_width) {
            x = 0;
            if (++y == a->first_row + a->rows) {
                y = a->first_row;
                image += image_bytes;
            }
        }
    }
}

/* The weights of two output channels, step by step. */
NN_INLINE void nn_conv_widen_weights(uint32_t *w, const int8_t *row0, const int8_t *row1, int32_t words)
{
    NN_UNROLL(2)
    for (int32_t i = 0; i < words; i++) {
        uint32_t bytes0 = nn_load32(row0 + 4 * i);
        uint32_t bytes1 = nn_load32(row1 + 4 * i);
        w[4 * i] = nn_sxtb16(bytes0);
        w[4 * i + 1] = nn_sxtb16(bytes1);
        w[4 * i + 2] = nn_sxtb16_ror8(bytes0);
        w[4 * i + 3] = nn_sxtb16_ror8(bytes1);
    }
}

/* Output channels `channel` and, if `both`, the next one, for the panel's `count` pixels. */
NN_INLINE void nn_conv_gemm_channels(const nn_conv_args *a, const uint32_t *panel, const uint32_t *w, int8_t *output,
                                     int32_t channel, int both, int32_t count)
{
    const int32_t words = (nn_conv_depth(a) + 3) / 4;
    const int32_t last = channel + both;
    nn_channel c0 = nn_channel_of(a->requantize, a->bias[channel], a->multiplier[channel], a->shift[channel],
                                  a->output_offset);
    nn_channel c1 = nn_channel_of(a->requantize, a->bias[last], a->multiplier[last], a->shift[last], a->output_offset);
    for (int32_t i = 0; i < count; i += 4, panel += words * 8) {
        int32_t sums[8] = {c0.bias, c0.bias, c0.bias, c0.bias, c1.bias, c1.bias, c1.bias, c1.bias};
        nn_gemm_2x4(panel, w, w + words * 4, sums);
        int32_t pixels = count - i < 4 ? count - i : 4;
        NN_UNROLL(4)
        for (int32_t p = 0; p < pixels; p++, output += a->out_channels) {
            output[0] = nn_output(c0, a->requantize, sums[p], a->output_min, a->output_max);
            if (both) {
                output[1] = nn_output(c1, a->requantize, sums[4 + p], a->output_min, a->output_max);
            }
        }
    }
}

/* Where pixel `pixel` of this call goes. */
NN_INLINE int32_t nn_conv_gemm_place(const nn_conv_args *a, int32_t pixel)
{
    const int32_t row = nn_ring_place(a->first_row + pixel / a->output_width, a->output_ring, a->output_height);
    return row * a->output_width + pixel % a->output_width;
}

/* Pixels of the panel that begins with pixel `first` of `pixels`: they lie side by side in the output. */
NN_INLINE int32_t nn_conv_gemm_count(const nn_conv_args *a, int32_t first, int32_t pixels)
{
    int32_t count = nn_smaller(a->panel_pixels, pixels - first);
    if (a->output_ring < a->output_height) {
        count = nn_smaller(count, a->output_ring * a->output_width - nn_conv_gemm_place(a, first));
    }
    return count;
}

NN_INLINE void nn_conv_gemm_s8(const nn_conv_args *a)
{
    const int32_t words = (nn_conv_depth(a) + 3) / 4;
    const int32_t group_channels = a->out_channels / a->groups;
    const int32_t pixels = a->batches * a->rows * a->output_width;
    uint32_t *w = (uint32_t *)a->scratch;
    uint32_t *panel = w + words * 4 + NN_GEMM_OVERREAD;
    int8_t *taps = (int8_t *)(panel + a->panel_pixels * words * 2 + NN_GEMM_OVERREAD);
    memset(taps, 0, (size_t)words * 4);
    for (int32_t group = 0; group < a->groups; group++) {
        for (int32_t first = 0, count; first < pixels; first += count) {
            count = nn_conv_gemm_count(a, first, pixels);
            nn_conv_fill(a, panel, taps, group, first, count);
            int8_t *output = a->output + nn_conv_gemm_place(a, first) * a->out_channels;
            for (int32_t i = 0; i < group_channels; i += 2) {
                int32_t channel = group * group_channels + i;
                int both = i + 1 < group_channels;
                const int8_t *row = a->weights + channel * words * 4;
                nn_conv_widen_weights(w, row, both ? row + words * 4 : row, words);
                nn_conv_gemm_channels(a, panel, w, output + channel, channel, both, count);
            }
        }
    }
}

#endif
