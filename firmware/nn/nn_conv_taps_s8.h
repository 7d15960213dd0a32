/* nn_conv_taps_s8: int8 convolution with so few taps that an output channel's weights stay in registers: for first layers.
 *
 * For every row of the output, the input rows that it sees are widened to int16 with their padding. The taps of each pixel
 * become words of two lanes, and every output channel goes over all pixels of the row: an output takes a load and an
 * SMLAD per two taps.
 *
 * Needs: weights' zero point 0; up to NN_CONV_TAPS taps; dilation_x and groups 1; scratch aligned to 4.
 */
#ifndef NN_CONV_TAPS_S8_H
#define NN_CONV_TAPS_S8_H

#include "nn_bands.h"
#include "nn_requantize.h"

#define NN_CONV_TAPS 10

typedef struct {
    const int8_t *input;
    int8_t *output;
    void *scratch;
    const uint32_t *lanes; /* [out_channels][taps / 2]: weights times nn_scaling in the order of the taps */
    const int32_t *bias, *multiplier; /* the bias includes the input's offset times the sum of the weights */
    const int8_t *shift;
    int32_t batches, input_height, input_width, in_channels;
    int32_t output_height, output_width, out_channels;
    int32_t kernel_height, kernel_width, stride_y, stride_x, dilation_y, pad_top, pad_left;
    int32_t input_offset, output_offset, output_min, output_max;
    int32_t requantize;                               /* NN_EXACT, ... */
    int32_t first_row, rows, input_ring, output_ring; /* see nn_bands.h */
} nn_conv_taps_args;

/* Taps in a row of the kernel. */
NN_INLINE int32_t nn_conv_taps_run(const nn_conv_taps_args *a)
{
    return a->kernel_width * a->in_channels;
}

/* Words of the taps of a pixel. */
NN_INLINE int32_t nn_conv_taps_words(const nn_conv_taps_args *a)
{
    return (a->kernel_height * nn_conv_taps_run(a) + 1) / 2;
}

/* Values of a widened row. */
NN_INLINE int32_t nn_conv_taps_width(const nn_conv_taps_args *a)
{
    return ((a->output_width - 1) * a->stride_x + a->kernel_width) * a->in_channels;
}

NN_INLINE nn_half *nn_conv_taps_pad(nn_half *to, int32_t value, int32_t count)
{
    for (; count > 0; count--) {
        *to++ = (int16_t)value;
    }
    return to;
}

/* Input row `y` with the padding beside it, or instead of it where it lies outside. */
NN_INLINE void nn_conv_taps_widen(const nn_conv_taps_args *a, nn_half *to, const int8_t *image, int32_t y)
{
    const int32_t width = nn_conv_taps_width(a), padding = -a->input_offset;
    if (y < 0 || y >= a->input_height) {
        nn_conv_taps_pad(to, padding, width);
        return;
    }
    const int32_t left = nn_smaller(a->pad_left * a->in_channels, width);
    const int32_t inside = nn_smaller(a->input_width * a->in_channels, width - left);
    const int8_t *row = image + nn_ring_place(y, a->input_ring, a->input_height) * a->input_width * a->in_channels;
    to = nn_conv_taps_pad(to, padding, left);
    NN_UNROLL(4)
    for (int32_t i = 0; i < inside; i++) {
        *to++ = row[i];
    }
    nn_conv_taps_pad(to, padding, width - left - inside);
}

/* Taps 2 * word and the next one of the pixel whose window begins at `at`; behind the last tap anything. */
NN_INLINE uint32_t nn_conv_taps_pair(const nn_conv_taps_args *a, const nn_half *at, int32_t word)
{
    const int32_t run = nn_conv_taps_run(a), width = nn_conv_taps_width(a);
    const int32_t row = 2 * word / run, column = 2 * word % run;
    const nn_half *low = at + row * width + column;
    if (column + 1 < run) {
        return nn_load32(low);
    }
    return nn_lanes(*low, row + 1 < a->kernel_height ? at[(row + 1) * width] : 0);
}

/* The words of all pixels of an output row. */
NN_INLINE void nn_conv_taps_fill(const nn_conv_taps_args *a, uint32_t *to, const nn_half *rows)
{
    for (int32_t x = 0; x < a->output_width; x++, rows += a->stride_x * a->in_channels) {
        NN_UNROLL(5)
        for (int32_t word = 0; word < nn_conv_taps_words(a); word++) {
            *to++ = nn_conv_taps_pair(a, rows, word);
        }
    }
}

/* One output channel of all pixels of a row. */
NN_INLINE void nn_conv_taps_channel(const nn_conv_taps_args *a, int8_t *output, const uint32_t *x, int32_t c)
{
    const int32_t words = nn_conv_taps_words(a);
    nn_channel channel = nn_channel_of(a->requantize, a->bias[c], a->multiplier[c], a->shift[c], a->output_offset);
    uint32_t w[NN_CONV_TAPS / 2] = {0};
    NN_UNROLL(5)
    for (int32_t i = 0; i < words; i++) {
        w[i] = a->lanes[c * words + i];
    }
    for (const uint32_t *end = x + a->output_width * words; x != end; x += words, output += a->out_channels) {
        int32_t sum = channel.bias * nn_scaling(a->requantize);
        NN_UNROLL(5)
        for (int32_t i = 0; i < words; i++) {
            sum = nn_smlad(x[i], w[i], sum);
        }
        *output = nn_output_scaled(channel, a->requantize, sum, a->output_min, a->output_max);
    }
}

NN_INLINE void nn_conv_taps_s8(const nn_conv_taps_args *a)
{
    uint32_t *words = (uint32_t *)a->scratch;
    nn_half *rows = (nn_half *)(words + a->output_width * nn_conv_taps_words(a));
    for (int32_t batch = 0; batch < a->batches; batch++) {
        const int8_t *image = a->input + batch * a->input_height * a->input_width * a->in_channels;
        int8_t *output = a->output + batch * a->output_height * a->output_width * a->out_channels;
        for (int32_t y = a->first_row; y < a->first_row + a->rows; y++) {
            for (int32_t i = 0; i < a->kernel_height; i++) {
                const int32_t top = y * a->stride_y - a->pad_top;
                nn_conv_taps_widen(a, rows + i * nn_conv_taps_width(a), image, top + i * a->dilation_y);
            }
            nn_conv_taps_fill(a, words, rows);
            const int32_t place = nn_ring_place(y, a->output_ring, a->output_height);
            for (int32_t c = 0; c < a->out_channels; c++) {
                nn_conv_taps_channel(a, output + place * a->output_width * a->out_channels + c, words, c);
            }
        }
    }
}

#endif
