/* nn_depthwise_s8: int8 depthwise convolution of any shape, two taps of a row per SMLAD.
 *
 * A block of channels and a band of output rows at a time, the input is spread out channel by channel: word i of a row
 * holds, with the offset added, the pixels at column i * word_step - pad_left and dilation_x further on, as int16 lanes.
 * Padding is zero. word_step is the greatest common divisor of stride_x and 2 * dilation_x, so that every pair of taps of
 * every output is one of these words. The weights of small kernels stay in registers while their channel is computed.
 *
 * Needs: weights' zero point 0; scratch aligned to 4.
 */
#ifndef NN_DEPTHWISE_S8_H
#define NN_DEPTHWISE_S8_H

#include "nn_requantize.h"

/* Pairs of taps that are kept in registers. */
#define NN_DEPTHWISE_PAIRS 6

typedef struct {
    const int8_t *input;
    int8_t *output;
    void *scratch;
    const int8_t *weights; /* [kernel_height][kernel_width][out_channels] */
    const int32_t *bias, *multiplier;
    const int8_t *shift;
    int32_t batches;
    int32_t input_height, input_width, in_channels;
    int32_t output_height, output_width, out_channels; /* in_channels x depth multiplier */
    int32_t kernel_height, kernel_width, stride_y, stride_x, dilation_y, dilation_x, pad_top, pad_left;
    int32_t input_offset, output_offset, output_min, output_max;
    int32_t requantize;                 /* NN_EXACT, ... */
    int32_t word_step, row_words;       /* see above; words of a row */
    int32_t band_rows, block_channels;  /* output rows and input channels computed at a time */
} nn_depthwise_args;

/* Pairs of taps in a row of the kernel. */
NN_INLINE int32_t nn_depthwise_row_pairs(const nn_depthwise_args *a)
{
    return (a->kernel_width + 1) / 2;
}

/* Rows of the input that `rows` output rows see. */
NN_INLINE int32_t nn_depthwise_band_input(const nn_depthwise_args *a, int32_t rows)
{
    return (rows - 1) * a->stride_y + (a->kernel_height - 1) * a->dilation_y + 1;
}

/* Four neighbouring channels of a pixel with the offset added: channels 0 and 2, 1 and 3. */
typedef struct {
    uint32_t even, odd;
} nn_depthwise_pixel;

/* The pixel in `column` of a row; NULL and columns outside are 0. */
NN_INLINE nn_depthwise_pixel nn_depthwise_pixel_at(const nn_depthwise_args *a, const int8_t *row, int32_t column)
{
    if (row == NULL || column < 0 || column >= a->input_width) {
        return (nn_depthwise_pixel){0, 0};
    }
    const uint32_t offsets = nn_lanes(a->input_offset, a->input_offset);
    uint32_t bytes = nn_load32(row + column * a->in_channels);
    return (nn_depthwise_pixel){nn_add16(nn_sxtb16(bytes), offsets), nn_add16(nn_sxtb16_ror8(bytes), offsets)};
}

/* Spread four channels of an input row; the words of the next channel are `step` further. */
NN_INLINE void nn_depthwise_spread4(const nn_depthwise_args *a, uint32_t *to, int32_t step, const int8_t *row)
{
    nn_depthwise_pixel high = nn_depthwise_pixel_at(a, row, -a->pad_left);
    for (int32_t i = 0; i < a->row_words; i++) {
        int32_t column = i * a->word_step - a->pad_left;
        nn_depthwise_pixel low = a->word_step == a->dilation_x ? high : nn_depthwise_pixel_at(a, row, column);
        high = nn_depthwise_pixel_at(a, row, column + a->dilation_x);
        to[i] = nn_low_lanes(low.even, high.even);
        to[i + step] = nn_low_lanes(low.odd, high.odd);
        to[i + 2 * step] = nn_high_lanes(low.even, high.even);
        to[i + 3 * step] = nn_high_lanes(low.odd, high.odd);
    }
}

/* Spread one channel of an input row. */
NN_INLINE void nn_depthwise_spread1(const nn_depthwise_args *a, uint32_t *to, const int8_t *row)
{
    for (int32_t i = 0; i < a->row_words; i++) {
        int32_t low = i * a->word_step - a->pad_left;
        int32_t high = low + a->dilation_x;
        int has_low = row != NULL && low >= 0 && low < a->input_width;
        int has_high = row != NULL && high >= 0 && high < a->input_width;
        to[i] = nn_lanes(has_low ? row[low * a->in_channels] + a->input_offset : 0,
                         has_high ? row[high * a->in_channels] + a->input_offset : 0);
    }
}

/* Spread `count` channels of the `rows` input rows from `top` on. */
NN_INLINE void nn_depthwise_spread(const nn_depthwise_args *a, uint32_t *words, const int8_t *image, int32_t top,
                                   int32_t rows, int32_t count)
{
    const int32_t step = nn_depthwise_band_input(a, a->band_rows) * a->row_words;
    for (int32_t y = 0; y < rows; y++, top++, words += a->row_words) {
        const int8_t *row = top >= 0 && top < a->input_height ? image + top * a->input_width * a->in_channels : NULL;
        int32_t c = 0;
        for (; c + 4 <= count; c += 4) {
            nn_depthwise_spread4(a, words + c * step, step, row == NULL ? NULL : row + c);
        }
        for (; c < count; c++) {
            nn_depthwise_spread1(a, words + c * step, row == NULL ? NULL : row + c);
        }
    }
}

/* The weights of an output channel in the lanes that nn_depthwise_spread_word makes. */
NN_INLINE void nn_depthwise_pack_weights(const nn_depthwise_args *a, uint32_t *w, const int8_t *weights)
{
    NN_UNROLL(4)
    for (int32_t y = 0; y < a->kernel_height; y++) {
        NN_UNROLL(4)
        for (int32_t x = 0; x < a->kernel_width; x += 2) {
            const int8_t *tap = weights + (y * a->kernel_width + x) * a->out_channels;
            *w++ = nn_lanes(tap[0], x + 1 < a->kernel_width ? tap[a->out_channels] : 0);
        }
    }
}

/* One output channel of a band of `count` rows; `words` are those of its input channel. */
NN_INLINE void nn_depthwise_channel(const nn_depthwise_args *a, const uint32_t *words, const uint32_t *w,
                                    int8_t *output, nn_channel channel, int32_t count)
{
    const int32_t pairs = nn_depthwise_row_pairs(a);
    for (int32_t y = 0; y < count; y++, words += a->stride_y * a->row_words) {
        const uint32_t *at = words;
        for (int32_t x = 0; x < a->output_width; x++, at += a->stride_x / a->word_step, output += a->out_channels) {
            int32_t sum = channel.bias;
            NN_UNROLL(4)
            for (int32_t i = 0; i < a->kernel_height; i++) {
                NN_UNROLL(4)
                for (int32_t j = 0; j < pairs; j++) {
                    int32_t tap = i * a->dilation_y * a->row_words + j * 2 * a->dilation_x / a->word_step;
                    sum = nn_smlad(at[tap], w[i * pairs + j], sum);
                }
            }
            *output = nn_output(channel, a->requantize, sum, a->output_min, a->output_max);
        }
    }
}

/* The output channels of the `count` input channels from `first` on, for `rows` output rows. */
NN_INLINE void nn_depthwise_band(const nn_depthwise_args *a, const uint32_t *words, uint32_t *w_memory, int8_t *output,
                                 int32_t first, int32_t count, int32_t rows)
{
    const int32_t depth_multiplier = a->out_channels / a->in_channels;
    const int32_t step = nn_depthwise_band_input(a, a->band_rows) * a->row_words;
    for (int32_t i = 0; i < count * depth_multiplier; i++) {
        int32_t c = first * depth_multiplier + i;
        const uint32_t *x = words + i / depth_multiplier * step;
        nn_channel channel = nn_channel_of(a->requantize, a->bias[c], a->multiplier[c], a->shift[c], a->output_offset);
        if (a->kernel_height * nn_depthwise_row_pairs(a) <= NN_DEPTHWISE_PAIRS) {
            uint32_t w[NN_DEPTHWISE_PAIRS];
            nn_depthwise_pack_weights(a, w, a->weights + c);
            nn_depthwise_channel(a, x, w, output + c, channel, rows);
        } else {
            nn_depthwise_pack_weights(a, w_memory, a->weights + c);
            nn_depthwise_channel(a, x, w_memory, output + c, channel, rows);
        }
    }
}

NN_INLINE void nn_depthwise_s8(const nn_depthwise_args *a)
{
    uint32_t *w = (uint32_t *)a->scratch;
    uint32_t *words = w + a->kernel_height * nn_depthwise_row_pairs(a);
    for (int32_t batch = 0; batch < a->batches; batch++) {
        const int8_t *image = a->input + batch * a->input_height * a->input_width * a->in_channels;
        for (int32_t top = 0; top < a->output_height; top += a->band_rows) {
            int32_t rows = a->output_height - top < a->band_rows ? a->output_height - top : a->band_rows;
            int8_t *output = a->output + (batch * a->output_height + top) * a->output_width * a->out_channels;
            for (int32_t first = 0; first < a->in_channels; first += a->block_channels) {
                int32_t left = a->in_channels - first;
                int32_t count = left < a->block_channels ? left : a->block_channels;
                nn_depthwise_spread(a, words, image + first, top * a->stride_y - a->pad_top,
                                    nn_depthwise_band_input(a, rows), count);
                nn_depthwise_band(a, words, w, output, first, count, rows);
            }
        }
    }
}

#endif
