/* nn_conv.h: arguments of the general convolution, and how it gathers the pixels that one output sees. */
#ifndef NN_CONV_H
#define NN_CONV_H

#include "nn_bands.h"
#include "nn_requantize.h"

/* The bias of every kernel here includes the input's offset times the sum of the channel's weights, so that inputs are
 * used as they are and padding is the zero point (-input_offset). */
typedef struct {
    const int8_t *input;
    int8_t *output;
    void *scratch;
    const int8_t *weights; /* a row of kernel_height x kernel_width x in_channels / groups per output channel */
    const int32_t *bias, *multiplier;
    const int8_t *shift;
    int32_t batches, groups;
    int32_t input_height, input_width, in_channels;
    int32_t output_height, output_width, out_channels;
    int32_t kernel_height, kernel_width, stride_y, stride_x, dilation_y, dilation_x, pad_top, pad_left;
    int32_t input_offset, output_offset, output_min, output_max;
    int32_t requantize;                                /* NN_EXACT, ... */
    int32_t first_row, rows, input_ring, output_ring; /* see nn_bands.h */
    int32_t panel_pixels;                              /* output pixels computed at a time, a multiple of 4 */
} nn_conv_args;

/* Taps of one output value. */
NN_INLINE int32_t nn_conv_depth(const nn_conv_args *a)
{
    return a->kernel_height * a->kernel_width * (a->in_channels / a->groups);
}

/* Whether the taps of every output pixel lie side by side inside the input, whole words of them. */
NN_INLINE int nn_conv_is_pointwise(const nn_conv_args *a)
{
    return a->kernel_height == 1 && a->kernel_width == 1 && a->in_channels % 4 == 0 && a->groups == 1 &&
           (a->output_height - 1) * a->stride_y < a->input_height &&
           (a->output_width - 1) * a->stride_x < a->input_width;
}

/* Words first: a call of memcpy would cost more than most runs are long. */
NN_INLINE int8_t *nn_append(int8_t *to, const int8_t *from, int32_t count)
{
    for (; count >= 4; count -= 4) {
        nn_store32(to, nn_load32(from));
        to += 4;
        from += 4;
    }
    for (; count > 0; count--) {
        *to++ = *from++;
    }
    return to;
}

NN_INLINE int8_t *nn_append_value(int8_t *to, int32_t value, int32_t count)
{
    for (; count > 0; count--) {
        *to++ = (int8_t)value;
    }
    return to;
}

/* One row of taps, from input row `row` and column `left` on; outside stands the zero point. */
NN_INLINE int8_t *nn_conv_gather_row(const nn_conv_args *a, int8_t *taps, const int8_t *row, int32_t left)
{
    const int32_t depth = a->in_channels / a->groups;
    if (a->dilation_x == 1 && a->groups == 1 && left >= 0 && left + a->kernel_width <= a->input_width) {
        return nn_append(taps, row + left * depth, a->kernel_width * depth);
    }
    for (int32_t i = 0; i < a->kernel_width; i++, left += a->dilation_x) {
        taps = left >= 0 && left < a->input_width ? nn_append(taps, row + left * a->in_channels, depth)
                                                  : nn_append_value(taps, -a->input_offset, depth);
    }
    return taps;
}

/* All taps of output pixel (y, x), in the order of the weights; `image` starts at the group's first channel. */
NN_INLINE void nn_conv_gather(const nn_conv_args *a, int8_t *taps, const int8_t *image, int32_t y, int32_t x)
{
    const int32_t row_bytes = a->input_width * a->in_channels, left = x * a->stride_x - a->pad_left;
    int32_t top = y * a->stride_y - a->pad_top;
    for (int32_t i = 0; i < a->kernel_height; i++, top += a->dilation_y) {
        if (top >= 0 && top < a->input_height) {
            const int32_t place = nn_ring_place(top, a->input_ring, a->input_height);
            taps = nn_conv_gather_row(a, taps, image + place * row_bytes, left);
        } else {
            taps = nn_append_value(taps, -a->input_offset, a->kernel_width * (a->in_channels / a->groups));
        }
    }
}

#endif
