/* nn_conv_vector_s8: int8 convolution with hardly any output pixels, each as a matrix times a vector: its taps are
 * gathered and go through the kernel of the fully connected layer.
 *
 * Needs: weights' zero point 0, in the blocks of nn_fully_connected_s8; groups 1; scratch aligned to 4.
 */
#ifndef NN_CONV_VECTOR_S8_H
#define NN_CONV_VECTOR_S8_H

#include "nn_conv.h"
#include "nn_fully_connected_s8.h"

NN_INLINE void nn_conv_vector_s8(const nn_conv_args *a)
{
    const int32_t depth = nn_conv_depth(a);
    const int32_t image_bytes = a->input_height * a->input_width * a->in_channels;
    int8_t *taps = (int8_t *)a->scratch + (depth + 3) / 4 * 8;
    nn_fully_connected_args pixel = {
        .input = taps,
        .output = a->output,
        .scratch = a->scratch,
        .weights = a->weights,
        .bias = a->bias,
        .multiplier = a->multiplier,
        .shift = a->shift,
        .batches = 1,
        .in_channels = depth,
        .out_channels = a->out_channels,
        .output_offset = a->output_offset,
        .output_min = a->output_min,
        .output_max = a->output_max,
        .requantize = a->requantize,
    };
    for (int32_t batch = 0; batch < a->batches; batch++) {
        for (int32_t y = 0; y < a->output_height; y++) {
            for (int32_t x = 0; x < a->output_width; x++) {
                nn_conv_gather(a, taps, a->input + batch * image_bytes, y, x);
                nn_fully_connected_s8(&pixel);
                pixel.output += a->out_channels;
            }
        }
    }
}

#endif
