/* nn_conv_vector_s16: convolution of int16 by int8 weights with hardly any output pixels, each as a matrix times a vector:
 * its taps are gathered and go through the kernel of the fully connected layer.
 *
 * Needs: zero points 0; weights in the blocks of nn_fully_connected_s16; groups 1; scratch aligned to 4.
 */
#ifndef NN_CONV_VECTOR_S16_H
#define NN_CONV_VECTOR_S16_H

#include "nn_conv_s16.h"
#include "nn_fully_connected_s16.h"

NN_INLINE void nn_conv_vector_s16(const nn_conv_s16_args *a)
{
    const nn_conv_args bytes = nn_conv_s16_bytes(a);
    const int32_t image_bytes = a->input_height * a->input_width * bytes.in_channels;
    int8_t *taps = (int8_t *)a->scratch;
    nn_half *output = (nn_half *)a->output;
    memset(taps, 0, (size_t)nn_conv_s16_words(a) * 8);
    for (int32_t batch = 0; batch < a->batches; batch++) {
        for (int32_t y = 0; y < a->output_height; y++) {
            for (int32_t x = 0; x < a->output_width; x++, output += a->out_channels) {
                nn_conv_gather(&bytes, taps, (const int8_t *)a->input + batch * image_bytes, y, x);
                nn_fully_connected_s16(&(nn_fully_connected_s16_args){
                    .input = taps,
                    .output = output,
                    .weights = a->weights,
                    .bias = a->bias,
                    .multiplier = a->multiplier,
                    .shift = a->shift,
                    .batches = 1,
                    .in_channels = 4 * nn_conv_s16_words(a), /* filled up with zeros */
                    .out_channels = a->out_channels,
                    .output_min = a->output_min,
                    .output_max = a->output_max,
                    .requantize = a->requantize,
                    .chunk_words = a->chunk_words,
                });
            }
        }
    }
}

#endif
