/* nn_depthwise_s16: depthwise convolution of int16 by int8 weights.
 *
 * nn_depthwise_x2_s16 computes two output channels at a time, one in each lane: a band of rows of their input channels is
 * spread out, with zeros around, so that every window is whole and two neighbouring outputs share what they load. Where
 * there is one input channel it is in both lanes. nn_depthwise_x1_s16 computes one output channel at a time straight from
 * the input and sums in 64 bits where the form wants it.
 *
 * Needs: zero points 0; scratch aligned to 4. Two channels at a time: sums that fit 32 bits but for the bias. Where the
 * number of channels is odd, the last two overlap those before.
 */
#ifndef NN_DEPTHWISE_S16_H
#define NN_DEPTHWISE_S16_H

#include "nn_requantize_s16.h"
#include "nn_window.h"

typedef struct {
    const void *input; /* int16 */
    void *output;      /* int16 */
    void *scratch;
    const int8_t *weights; /* [kernel_height][kernel_width][out_channels] */
    const int32_t *bias, *multiplier;
    const int8_t *shift;
    int32_t batches;
    int32_t input_height, input_width, in_channels;
    int32_t output_height, output_width, out_channels; /* in_channels x depth multiplier */
    int32_t kernel_height, kernel_width, stride_y, stride_x, dilation_y, dilation_x, pad_top, pad_left;
    int32_t output_min, output_max;
    int32_t requantize;                                /* NN_HIGH_S16, ... */
    int32_t first_row, rows, input_ring, output_ring; /* see nn_bands.h */
    int32_t row_words, band_rows;                      /* of a row spread out; output rows computed at a time */
} nn_depthwise_s16_args;

/* Output channel `channel` of row `y` of image number `batch`. */
NN_INLINE nn_half *nn_depthwise_s16_output(const nn_depthwise_s16_args *a, int32_t batch, int32_t y, int32_t channel)
{
    const int32_t row = batch * a->output_height + nn_ring_place(y, a->output_ring, a->output_height);
    return (nn_half *)a->output + row * a->output_width * a->out_channels + channel;
}

/* Input channel `channel` of row `y`. */
NN_INLINE const nn_half *nn_depthwise_s16_input(const nn_depthwise_s16_args *a, int32_t batch, int32_t y, int32_t channel)
{
    const int32_t row = batch * a->input_height + nn_ring_place(y, a->input_ring, a->input_height);
    return (const nn_half *)a->input + row * a->input_width * a->in_channels + channel;
}

/* Spread out `rows` rows of two input channels, from row `top` on. */
NN_INLINE void nn_depthwise_x2_spread(const nn_depthwise_s16_args *a, uint32_t *words, int32_t batch, int32_t top,
                                      int32_t rows, int32_t channel)
{
    const int32_t end = nn_smaller(a->pad_left + a->input_width, a->row_words);
    for (int32_t y = top; y < top + rows; y++, words += a->row_words) {
        memset(words, 0, (size_t)a->row_words * sizeof *words);
        if (y >= 0 && y < a->input_height) {
            const nn_half *pixels = nn_depthwise_s16_input(a, batch, y, channel);
            NN_UNROLL(4)
            for (int32_t i = a->pad_left; i < end; i++, pixels += a->in_channels) {
                words[i] = a->in_channels > 1 ? nn_load32(pixels) : nn_lanes(pixels[0], pixels[0]);
            }
        }
    }
}

/* Two output channels: where they are, their constants and weights. */
typedef struct {
    int32_t first, second;
    nn_channel_s16 c0, c1;
    const uint32_t *w;
} nn_depthwise_x2_pair;

NN_INLINE nn_depthwise_x2_pair nn_depthwise_x2_pair_of(const nn_depthwise_s16_args *a, uint32_t *w, int32_t first,
                                                       int32_t second)
{
    for (int32_t tap = 0; tap < a->kernel_height * a->kernel_width; tap++) {
        const int8_t *weights = a->weights + tap * a->out_channels;
        w[tap] = nn_lanes(weights[first], weights[second]);
    }
    return (nn_depthwise_x2_pair){
        .first = first,
        .second = second,
        .c0 = nn_channel_s16_of(a->requantize, a->bias, a->multiplier, a->shift, first),
        .c1 = nn_channel_s16_of(a->requantize, a->bias, a->multiplier, a->shift, second),
        .w = w,
    };
}

/* `count` neighbouring outputs, up to two; `words` is what the first tap of the first one sees. */
NN_INLINE void nn_depthwise_x2_outputs(const nn_depthwise_s16_args *a, const nn_depthwise_x2_pair *pair,
                                       const uint32_t *words, nn_half *output, int32_t count)
{
    const int32_t start0 = nn_start_s16(pair->c0, a->requantize), start1 = nn_start_s16(pair->c1, a->requantize);
    int32_t sums[4] = {start0, start1, start0, start1};
    NN_UNROLL(5)
    for (int32_t i = 0; i < a->kernel_height; i++) {
        NN_UNROLL(5)
        for (int32_t j = 0; j < a->kernel_width; j++) {
            const uint32_t weights = pair->w[i * a->kernel_width + j];
            NN_UNROLL(2)
            for (int32_t p = 0; p < count; p++) {
                const uint32_t pixel = words[i * a->dilation_y * a->row_words + j * a->dilation_x + p * a->stride_x];
                sums[2 * p] = nn_smlabb(pixel, weights, sums[2 * p]);
                sums[2 * p + 1] = nn_smlatt(pixel, weights, sums[2 * p + 1]);
            }
        }
        nn_in_order();
    }
    NN_UNROLL(2)
    for (int32_t p = 0; p < count; p++, output += a->out_channels) {
        const int32_t low = a->output_min, high = a->output_max;
        output[pair->first] = nn_output_s16(pair->c0, a->requantize, sums[2 * p], low, high);
        output[pair->second] = nn_output_s16(pair->c1, a->requantize, sums[2 * p + 1], low, high);
    }
}

/* Two output channels of a band of `rows` output rows from `top` on. */
NN_INLINE void nn_depthwise_x2_rows(const nn_depthwise_s16_args *a, const nn_depthwise_x2_pair *pair,
                                    const uint32_t *words, int32_t batch, int32_t top, int32_t rows)
{
    for (int32_t y = top; y < top + rows; y++, words += a->stride_y * a->row_words) {
        nn_half *output = nn_depthwise_s16_output(a, batch, y, 0);
        const uint32_t *at = words;
        for (int32_t x = 0; x + 1 < a->output_width; x += 2, at += 2 * a->stride_x, output += 2 * a->out_channels) {
            nn_depthwise_x2_outputs(a, pair, at, output, 2);
        }
        if (a->output_width % 2 != 0) {
            nn_depthwise_x2_outputs(a, pair, at, output, 1);
        }
    }
}

/* All output channels of the input channels that are spread out, of which `channel` is the first. */
NN_INLINE void nn_depthwise_x2_band(const nn_depthwise_s16_args *a, uint32_t *w, const uint32_t *words, int32_t channel,
                                    int32_t batch, int32_t top, int32_t rows)
{
    const int32_t multiplier = a->out_channels / a->in_channels, is_alone = a->in_channels == 1;
    for (int32_t i = 0; i < multiplier; i += 1 + is_alone) {
        const int32_t first = is_alone ? nn_smaller(i, multiplier > 1 ? multiplier - 2 : 0) : channel * multiplier + i;
        const int32_t second = is_alone ? nn_smaller(first + 1, multiplier - 1) : first + multiplier;
        const nn_depthwise_x2_pair pair = nn_depthwise_x2_pair_of(a, w, first, second);
        nn_depthwise_x2_rows(a, &pair, words, batch, top, rows);
    }
}

NN_INLINE void nn_depthwise_x2_s16(const nn_depthwise_s16_args *a)
{
    uint32_t *w = (uint32_t *)a->scratch, *words = w + a->kernel_height * a->kernel_width;
    const int32_t last = a->in_channels > 1 ? a->in_channels - 2 : 0;
    for (int32_t batch = 0; batch < a->batches; batch++) {
        for (int32_t i = 0; i < a->in_channels; i += 2) {
            for (int32_t top = a->first_row; top < a->first_row + a->rows; top += a->band_rows) {
                const int32_t rows = nn_smaller(a->first_row + a->rows - top, a->band_rows);
                const int32_t seen = (rows - 1) * a->stride_y + (a->kernel_height - 1) * a->dilation_y + 1;
                const int32_t channel = nn_smaller(i, last);
                nn_depthwise_x2_spread(a, words, batch, top * a->stride_y - a->pad_top, seen, channel);
                nn_depthwise_x2_band(a, w, words, channel, batch, top, rows);
            }
        }
    }
}

/* Column x of one output channel of row y. */
NN_INLINE void nn_depthwise_x1_output(const nn_depthwise_s16_args *a, nn_channel_s16 c, int32_t channel, int32_t batch,
                                      int32_t y, int32_t x)
{
    const int32_t multiplier = a->out_channels / a->in_channels;
    const int32_t top = y * a->stride_y - a->pad_top, left = x * a->stride_x - a->pad_left;
    const nn_range rows = nn_window_taps(top, a->input_height, a->kernel_height, a->dilation_y);
    const nn_range columns = nn_window_taps(left, a->input_width, a->kernel_width, a->dilation_x);
    int32_t sum = nn_start_s16(c, a->requantize);
    int64_t total = c.bias;
    for (int32_t i = rows.first; i < rows.end; i++) {
        const nn_half *pixels = nn_depthwise_s16_input(a, batch, top + i * a->dilation_y, channel / multiplier);
        for (int32_t j = columns.first; j < columns.end; j++) {
            const int32_t weight = a->weights[(i * a->kernel_width + j) * a->out_channels + channel];
            const int32_t product = weight * pixels[(left + j * a->dilation_x) * a->in_channels];
            if (a->requantize == NN_WIDE_S16) {
                total += product;
            } else {
                sum += product;
            }
        }
    }
    nn_half *output = nn_depthwise_s16_output(a, batch, y, channel) + x * a->out_channels;
    *output = a->requantize == NN_WIDE_S16 ? nn_output_wide_s16(c, total, a->output_min, a->output_max)
                                           : nn_output_s16(c, a->requantize, sum, a->output_min, a->output_max);
}

NN_INLINE void nn_depthwise_x1_s16(const nn_depthwise_s16_args *a)
{
    for (int32_t channel = 0; channel < a->out_channels; channel++) {
        const nn_channel_s16 c = nn_channel_s16_of(a->requantize, a->bias, a->multiplier, a->shift, channel);
        for (int32_t batch = 0; batch < a->batches; batch++) {
            for (int32_t y = a->first_row; y < a->first_row + a->rows; y++) {
                for (int32_t x = 0; x < a->output_width; x++) {
                    nn_depthwise_x1_output(a, c, channel, batch, y, x);
                }
            }
        }
    }
}

#endif
