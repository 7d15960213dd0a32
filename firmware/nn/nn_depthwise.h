/* nn_depthwise.h: arguments of the depthwise convolutions, and how they spread out their input.
 *
 * A block of channels and a band of output rows at a time, the input is spread out channel by channel: word i of a row
 * holds the pixels at column i * word_step - pad_left and dilation_x further on, as int16 lanes. The bias includes the
 * input's offset times the sum of the channel's weights, so padding is the zero point (-input_offset).
 */
#ifndef NN_DEPTHWISE_H
#define NN_DEPTHWISE_H

#include "nn_bands.h"
#include "nn_requantize.h"

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
    int32_t first_row, rows, input_ring, output_ring; /* see nn_bands.h */
    int32_t word_step, row_words;       /* see above; words of a row */
    int32_t band_rows, block_channels;  /* output rows and input channels computed at a time */
} nn_depthwise_args;

/* Rows of the input that `rows` output rows see. */
NN_INLINE int32_t nn_depthwise_band_input(const nn_depthwise_args *a, int32_t rows)
{
    return (rows - 1) * a->stride_y + (a->kernel_height - 1) * a->dilation_y + 1;
}

/* Four neighbouring channels of a pixel: channels 0 and 2, 1 and 3. */
typedef struct {
    uint32_t even, odd;
} nn_depthwise_pixel;

/* The pixel in `column` of a row; NULL and columns outside are padding. */
NN_INLINE nn_depthwise_pixel nn_depthwise_pixel_at(const nn_depthwise_args *a, const int8_t *row, int32_t column)
{
    if (row == NULL || column < 0 || column >= a->input_width) {
        const uint32_t padding = nn_lanes(-a->input_offset, -a->input_offset);
        return (nn_depthwise_pixel){padding, padding};
    }
    uint32_t bytes = nn_load32(row + column * a->in_channels);
    return (nn_depthwise_pixel){nn_sxtb16(bytes), nn_sxtb16_ror8(bytes)};
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
        to[i] = nn_lanes(has_low ? row[low * a->in_channels] : -a->input_offset,
                         has_high ? row[high * a->in_channels] : -a->input_offset);
    }
}

/* Spread `count` channels of the `rows` input rows from `top` on. */
NN_INLINE void nn_depthwise_spread(const nn_depthwise_args *a, uint32_t *words, const int8_t *image, int32_t top,
                                   int32_t rows, int32_t count)
{
    const int32_t step = nn_depthwise_band_input(a, a->band_rows) * a->row_words;
    for (int32_t y = 0; y < rows; y++, top++, words += a->row_words) {
        const int32_t place = nn_ring_place(top, a->input_ring, a->input_height);
        const int8_t *row =
            top >= 0 && top < a->input_height ? image + place * a->input_width * a->in_channels : NULL;
        int32_t c = 0;
        for (; c + 4 <= count; c += 4) {
            nn_depthwise_spread4(a, words + c * step, step, row == NULL ? NULL : row + c);
        }
        for (; c < count; c++) {
            nn_depthwise_spread1(a, words + c * step, row == NULL ? NULL : row + c);
        }
    }
}

/* The constants of output channel `c`, with the bias for sums times nn_scaling. */
NN_INLINE nn_channel nn_depthwise_channel_of(const nn_depthwise_args *a, int32_t c)
{
    nn_channel channel = nn_channel_of(a->requantize, a->bias[c], a->multiplier[c], a->shift[c], a->output_offset);
    channel.bias *= nn_scaling(a->requantize);
    return channel;
}

/* Lanes of two weights times nn_scaling. */
NN_INLINE uint32_t nn_depthwise_weights(const nn_depthwise_args *a, int32_t low, int32_t high)
{
    return nn_lanes(low * nn_scaling(a->requantize), high * nn_scaling(a->requantize));
}

/* Output row `y` of the image that begins at `image`. */
NN_INLINE int8_t *nn_depthwise_output(const nn_depthwise_args *a, int8_t *image, int32_t y)
{
    return image + nn_ring_place(y, a->output_ring, a->output_height) * a->output_width * a->out_channels;
}

/* Computes output channel `c` of the band of `rows` rows from `top` on, from the words of its input channel; `image` is the
 * output's, `w` is scratch for weights. */
typedef void (*nn_depthwise_kernel)(const nn_depthwise_args *a, const uint32_t *words, uint32_t *w, int8_t *image,
                                    int32_t c, int32_t top, int32_t rows);

/* Spread the input part by part and compute its output channels; the first `w_words` of the scratch are for weights. */
NN_INLINE void nn_depthwise_run(const nn_depthwise_args *a, int32_t w_words, nn_depthwise_kernel kernel)
{
    const int32_t multiplier = a->out_channels / a->in_channels;
    const int32_t step = nn_depthwise_band_input(a, a->band_rows) * a->row_words;
    uint32_t *w = (uint32_t *)a->scratch;
    uint32_t *words = w + w_words;
    for (int32_t batch = 0; batch < a->batches; batch++) {
        const int8_t *image = a->input + batch * a->input_height * a->input_width * a->in_channels;
        int8_t *output = a->output + batch * a->output_height * a->output_width * a->out_channels;
        for (int32_t top = a->first_row; top < a->first_row + a->rows; top += a->band_rows) {
            int32_t rows = nn_smaller(a->first_row + a->rows - top, a->band_rows);
            for (int32_t first = 0; first < a->in_channels; first += a->block_channels) {
                int32_t left = a->in_channels - first;
                int32_t count = left < a->block_channels ? left : a->block_channels;
                nn_depthwise_spread(a, words, image + first, top * a->stride_y - a->pad_top,
                                    nn_depthwise_band_input(a, rows), count);
                for (int32_t i = 0; i < count * multiplier; i++) {
                    int32_t c = first * multiplier + i;
                    kernel(a, words + i / multiplier * step, w, output, c, top, rows);
                }
            }
        }
    }
}

#endif
