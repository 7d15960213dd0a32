/* nn_depthwise_s8: int8 depthwise convolution of any shape, two taps of a row per SMLAD.
 *
 * word_step is the greatest common divisor of stride_x and 2 * dilation_x, so that every pair of taps of every output is
 * a word of nn_depthwise.h. The weights of small kernels stay in registers while their channel is computed.
 *
 * Needs: weights' zero point 0; scratch aligned to 4.
 */
#ifndef NN_DEPTHWISE_S8_H
#define NN_DEPTHWISE_S8_H

#include "nn_depthwise.h"

/* Pairs of taps that are kept in registers. */
#define NN_DEPTHWISE_PAIRS 6

/* Pairs of taps of the kernel. */
NN_INLINE int32_t nn_depthwise_pairs(const nn_depthwise_args *a)
{
    return a->kernel_height * ((a->kernel_width + 1) / 2);
}

/* The weights of an output channel in the lanes of the words. */
NN_INLINE void nn_depthwise_pack_weights(const nn_depthwise_args *a, uint32_t *w, const int8_t *weights)
{
    NN_UNROLL(4)
    for (int32_t y = 0; y < a->kernel_height; y++) {
        NN_UNROLL(4)
        for (int32_t x = 0; x < a->kernel_width; x += 2) {
            const int8_t *tap = weights + (y * a->kernel_width + x) * a->out_channels;
            *w++ = nn_depthwise_weights(a, tap[0], x + 1 < a->kernel_width ? tap[a->out_channels] : 0);
        }
    }
}

NN_INLINE void nn_depthwise_rows(const nn_depthwise_args *a, const uint32_t *words, const uint32_t *w, int8_t *image,
                                 int32_t c, int32_t top, int32_t rows)
{
    const nn_channel channel = nn_depthwise_channel_of(a, c);
    const int32_t pairs = (a->kernel_width + 1) / 2;
    for (int32_t y = 0; y < rows; y++, words += a->stride_y * a->row_words) {
        const uint32_t *at = words;
        int8_t *output = nn_depthwise_output(a, image, top + y) + c;
        for (int32_t x = 0; x < a->output_width; x++, at += a->stride_x / a->word_step, output += a->out_channels) {
            int32_t sum = channel.bias;
            NN_UNROLL(8)
            for (int32_t i = 0; i < a->kernel_height; i++) {
                NN_UNROLL(8)
                for (int32_t j = 0; j < pairs; j++) {
                    int32_t tap = i * a->dilation_y * a->row_words + j * 2 * a->dilation_x / a->word_step;
                    sum = nn_smlad(at[tap], w[i * pairs + j], sum);
                }
            }
            *output = nn_output_scaled(channel, a->requantize, sum, a->output_min, a->output_max);
        }
    }
}

NN_INLINE void nn_depthwise_channel(const nn_depthwise_args *a, const uint32_t *words, uint32_t *w, int8_t *image,
                                    int32_t c, int32_t top, int32_t rows)
{
    if (nn_depthwise_pairs(a) <= NN_DEPTHWISE_PAIRS) {
        uint32_t registers[NN_DEPTHWISE_PAIRS] = {0};
        nn_depthwise_pack_weights(a, registers, a->weights + c);
        nn_depthwise_rows(a, words, registers, image, c, top, rows);
    } else {
        nn_depthwise_pack_weights(a, w, a->weights + c);
        nn_depthwise_rows(a, words, w, image, c, top, rows);
    }
}

NN_INLINE void nn_depthwise_s8(const nn_depthwise_args *a)
{
    nn_depthwise_run(a, nn_depthwise_pairs(a), nn_depthwise_channel);
}

#endif
