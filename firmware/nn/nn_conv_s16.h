/* nn_conv_s16: convolution of int16 by int8 weights, of any shape, as a matrix product of int16 pairs.
 *
 * As nn_conv_gemm_s8.h: a panel holds the taps of some output pixels in the order of nn_gemm.h, and for every two output
 * channels their widened weights meet the whole panel. The middle two of every four weights are exchanged, so that SXTB16
 * gives the lanes (w0, w1) and (w2, w3), which meet the input as it lies in memory. Sums of chunk_words words of four taps
 * fit 32 bits; NN_WIDE_S16 adds them up in 64.
 *
 * Needs: zero points 0; rows of weights padded with zeros to whole words; weights and scratch aligned to 4. chunk_words is
 * all of them unless the form is NN_WIDE_S16.
 */
#ifndef NN_CONV_S16_H
#define NN_CONV_S16_H

#include "nn_conv_gemm_s8.h"
#include "nn_requantize_s16.h"

typedef struct {
    const void *input; /* int16 */
    void *output;      /* int16 */
    void *scratch;
    const int8_t *weights; /* a row of kernel_height x kernel_width x in_channels / groups per output channel */
    const int32_t *bias, *multiplier;
    const int8_t *shift;
    int32_t batches, groups;
    int32_t input_height, input_width, in_channels;
    int32_t output_height, output_width, out_channels;
    int32_t kernel_height, kernel_width, stride_y, stride_x, dilation_y, dilation_x, pad_top, pad_left;
    int32_t output_min, output_max;
    int32_t requantize;                                /* NN_HIGH_S16, ... */
    int32_t first_row, rows, input_ring, output_ring; /* see nn_bands.h */
    int32_t panel_pixels;                              /* output pixels computed at a time, a multiple of 4 */
    int32_t chunk_words;
} nn_conv_s16_args;

/* The same convolution's geometry on an input of bytes, for gathering. */
NN_INLINE nn_conv_args nn_conv_s16_bytes(const nn_conv_s16_args *a)
{
    return (nn_conv_args){
        .groups = a->groups,
        .input_height = a->input_height,
        .input_width = a->input_width,
        .in_channels = 2 * a->in_channels,
        .output_height = a->output_height,
        .output_width = a->output_width,
        .kernel_height = a->kernel_height,
        .kernel_width = a->kernel_width,
        .stride_y = a->stride_y,
        .stride_x = a->stride_x,
        .dilation_y = a->dilation_y,
        .dilation_x = a->dilation_x,
        .pad_top = a->pad_top,
        .pad_left = a->pad_left,
        .first_row = a->first_row,
        .rows = a->rows,
        .input_ring = a->input_ring,
        .output_ring = a->output_ring,
        .panel_pixels = a->panel_pixels,
    };
}

/* Words of four taps of one output value. */
NN_INLINE int32_t nn_conv_s16_words(const nn_conv_s16_args *a)
{
    return (a->kernel_height * a->kernel_width * (a->in_channels / a->groups) + 3) / 4;
}

/* Whether the taps of every output pixel lie side by side inside the input, whole words of them. */
NN_INLINE int nn_conv_s16_is_pointwise(const nn_conv_s16_args *a)
{
    return a->kernel_height == 1 && a->kernel_width == 1 && a->in_channels % 4 == 0 && a->groups == 1 &&
           (a->output_height - 1) * a->stride_y < a->input_height &&
           (a->output_width - 1) * a->stride_x < a->input_width;
}

/* Fill the panel with the taps of `count` pixels of this call from number `first` on, counted over batches, rows and
 * columns. */
NN_INLINE void nn_conv_s16_fill(const nn_conv_s16_args *a, uint32_t *panel, int8_t *taps, int32_t group, int32_t first,
                                int32_t count)
{
    const nn_conv_args bytes = nn_conv_s16_bytes(a);
    const int32_t words = nn_conv_s16_words(a);
    const int32_t image_bytes = a->input_height * a->input_width * bytes.in_channels;
    const int8_t *input = (const int8_t *)a->input + group * (bytes.in_channels / a->groups);
    for (int32_t i = 0; i < count; i++) {
        const int32_t row = (first + i) / a->output_width, x = (first + i) % a->output_width;
        const int32_t y = a->first_row + row % a->rows;
        const int8_t *image = input + row / a->rows * image_bytes, *from = taps;
        if (nn_conv_s16_is_pointwise(a)) {
            const int32_t place = nn_ring_place(y * a->stride_y, a->input_ring, a->input_height);
            from = image + (place * a->input_width + x * a->stride_x) * bytes.in_channels;
        } else {
            nn_conv_gather(&bytes, taps, image, y, x);
        }
        uint32_t *column = panel + i / 4 * words * 8 + i % 4;
        NN_UNROLL(4)
        for (int32_t word = 0; word < 2 * words; word++) {
            column[4 * word] = nn_load32(from + 4 * word);
        }
    }
}

/* The outputs of one channel for `pixels` pixels from their sums of 32 bits, or of 64 in NN_WIDE_S16. */
NN_INLINE void nn_conv_s16_store(const nn_conv_s16_args *a, nn_channel_s16 c, nn_half *output, int32_t pixels,
                                 const int32_t *sums, const int64_t *totals)
{
    NN_UNROLL(4)
    for (int32_t p = 0; p < pixels; p++) {
        output[p * a->out_channels] =
            a->requantize == NN_WIDE_S16 ? nn_output_wide_s16(c, totals[p], a->output_min, a->output_max)
                                         : nn_output_s16(c, a->requantize, sums[p], a->output_min, a->output_max);
    }
}

/* Output channels `channel` and, if `both`, the next one, for the panel's `count` pixels. */
NN_INLINE void nn_conv_s16_channels(const nn_conv_s16_args *a, const uint32_t *panel, const uint32_t *w, nn_half *output,
                                    int32_t channel, int both, int32_t count)
{
    const int32_t words = nn_conv_s16_words(a), form = a->requantize;
    const nn_channel_s16 c0 = nn_channel_s16_of(form, a->bias, a->multiplier, a->shift, channel);
    const nn_channel_s16 c1 = nn_channel_s16_of(form, a->bias, a->multiplier, a->shift, channel + both);
    const int32_t start0 = nn_start_s16(c0, form), start1 = nn_start_s16(c1, form);
    for (int32_t i = 0; i < count; i += 4, panel += words * 8, output += 4 * a->out_channels) {
        int64_t totals[8] = {c0.bias, c0.bias, c0.bias, c0.bias, c1.bias, c1.bias, c1.bias, c1.bias};
        int32_t sums[8] = {start0, start0, start0, start0, start1, start1, start1, start1};
        for (int32_t begin = 0; begin < words; begin += a->chunk_words) {
            nn_gemm_2x4(panel + 8 * begin, w + 4 * begin, w + 4 * nn_smaller(begin + a->chunk_words, words), sums);
            NN_UNROLL(8)
            for (int32_t j = 0; j < 8; j++) {
                totals[j] += sums[j];
                sums[j] = form == NN_WIDE_S16 ? 0 : sums[j];
            }
        }
        const int32_t pixels = nn_smaller(count - i, 4);
        nn_conv_s16_store(a, c0, output, pixels, sums, totals);
        if (both) {
            nn_conv_s16_store(a, c1, output + 1, pixels, sums + 4, totals + 4);
        }
    }
}

NN_INLINE void nn_conv_s16(const nn_conv_s16_args *a)
{
    const nn_conv_args bytes = nn_conv_s16_bytes(a);
    const int32_t words = nn_conv_s16_words(a), group_channels = a->out_channels / a->groups;
    const int32_t pixels = a->batches * a->rows * a->output_width;
    uint32_t *w = (uint32_t *)a->scratch;
    uint32_t *panel = w + words * 4 + NN_GEMM_OVERREAD;
    int8_t *taps = (int8_t *)(panel + a->panel_pixels * words * 2 + NN_GEMM_OVERREAD);
    memset(taps, 0, (size_t)words * 8);
    for (int32_t group = 0; group < a->groups; group++) {
        for (int32_t first = 0, count; first < pixels; first += count) {
            count = nn_conv_gemm_count(&bytes, first, pixels);
            nn_conv_s16_fill(a, panel, taps, group, first, count);
            nn_half *output = (nn_half *)a->output + nn_conv_gemm_place(&bytes, first) * a->out_channels;
            for (int32_t i = 0; i < group_channels; i += 2) {
                const int32_t channel = group * group_channels + i;
                const int both = i + 1 < group_channels;
                const int8_t *row = a->weights + channel * words * 4;
                nn_conv_widen_weights(w, row, both ? row + words * 4 : row, words);
                nn_conv_s16_channels(a, panel, w, output + channel, channel, both, count);
            }
        }
    }
}

#endif
