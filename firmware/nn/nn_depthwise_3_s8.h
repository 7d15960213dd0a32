/* nn_depthwise_3_s8: int8 depthwise convolution with three taps per row, stride 1: two outputs at a time.
 *
 * With word_step 2 the words p0 = (x0, x1) and p1 = (x2, x3) hold all that the outputs 0 and 1 see of a row. With the
 * taps as (w0, w1) and (w1, w2), each output takes one SMLAD and one multiplication of single lanes.
 *
 * Needs: weights' zero point 0; kernel_width 3, kernel_height up to 3, stride_x 1, dilation_x 1; scratch aligned to 4.
 */
#ifndef NN_DEPTHWISE_3_S8_H
#define NN_DEPTHWISE_3_S8_H

#include "nn_depthwise.h"

#define NN_DEPTHWISE_3_ROWS 3

typedef struct {
    uint32_t first[NN_DEPTHWISE_3_ROWS], second[NN_DEPTHWISE_3_ROWS]; /* (w0, w1) and (w1, w2) of each row */
} nn_depthwise_3_taps;

NN_INLINE nn_depthwise_3_taps nn_depthwise_3_taps_of(const nn_depthwise_args *a, const int8_t *weights)
{
    nn_depthwise_3_taps taps = {{0}, {0}};
    NN_UNROLL(3)
    for (int32_t y = 0; y < a->kernel_height; y++) {
        const int8_t *row = weights + y * 3 * a->out_channels;
        taps.first[y] = nn_depthwise_weights(a, row[0], row[a->out_channels]);
        taps.second[y] = nn_depthwise_weights(a, row[a->out_channels], row[2 * a->out_channels]);
    }
    return taps;
}

NN_INLINE int32_t nn_depthwise_3_left(const nn_depthwise_args *a, const uint32_t *at, const nn_depthwise_3_taps *taps,
                                      int32_t sum)
{
    NN_UNROLL(3)
    for (int32_t y = 0; y < a->kernel_height; y++) {
        const uint32_t *p = at + y * a->dilation_y * a->row_words;
        sum = nn_smlad(p[0], taps->first[y], sum);
        sum = nn_smlabt(p[1], taps->second[y], sum);
    }
    return sum;
}

NN_INLINE int32_t nn_depthwise_3_right(const nn_depthwise_args *a, const uint32_t *at, const nn_depthwise_3_taps *taps,
                                       int32_t sum)
{
    NN_UNROLL(3)
    for (int32_t y = 0; y < a->kernel_height; y++) {
        const uint32_t *p = at + y * a->dilation_y * a->row_words;
        sum = nn_smlatb(p[0], taps->first[y], sum);
        sum = nn_smlad(p[1], taps->second[y], sum);
    }
    return sum;
}

NN_INLINE void nn_depthwise_3_channel(const nn_depthwise_args *a, const uint32_t *words, NN_UNUSED uint32_t *w,
                                      int8_t *image, int32_t c, int32_t top, int32_t rows)
{
    nn_channel channel = nn_depthwise_channel_of(a, c);
    nn_depthwise_3_taps taps = nn_depthwise_3_taps_of(a, a->weights + c);
    for (int32_t y = 0; y < rows; y++, words += a->stride_y * a->row_words) {
        const uint32_t *at = words;
        int8_t *output = nn_depthwise_output(a, image, top + y) + c;
        for (int32_t x = 0; x < a->output_width / 2; x++, at++, output += 2 * a->out_channels) {
            int32_t left = nn_depthwise_3_left(a, at, &taps, channel.bias);
            int32_t right = nn_depthwise_3_right(a, at, &taps, channel.bias);
            output[0] = nn_output_scaled(channel, a->requantize, left, a->output_min, a->output_max);
            output[a->out_channels] = nn_output_scaled(channel, a->requantize, right, a->output_min, a->output_max);
        }
        if (a->output_width % 2 != 0) {
            int32_t left = nn_depthwise_3_left(a, at, &taps, channel.bias);
            *output = nn_output_scaled(channel, a->requantize, left, a->output_min, a->output_max);
        }
    }
}

NN_INLINE void nn_depthwise_3_s8(const nn_depthwise_args *a)
{
    nn_depthwise_run(a, 0, nn_depthwise_3_channel);
}

#endif
