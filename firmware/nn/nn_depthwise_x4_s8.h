/* nn_depthwise_x4_s8: int8 depthwise convolution of any shape, four channels at a time straight from the input.
 *
 * Every product takes two instructions with its operands, more than in kernels that spread the input out first. But an
 * output costs the same however small the image is, however large the stride and however few rows are wanted at a time.
 * The weights of four channels are widened once and serve all pixels. The input's offset is added to the inputs, so that
 * padding is zero and takes no part, and not included in the bias.
 *
 * Needs: weights' zero point 0; as many output as input channels, at least four. Where their number is no multiple of
 * four, the last four overlap those before. Scratch aligned to 4.
 */
#ifndef NN_DEPTHWISE_X4_S8_H
#define NN_DEPTHWISE_X4_S8_H

#include "nn_depthwise.h"
#include "nn_sums.h"
#include "nn_window.h"

/* The columns of the output that see no column outside the image. */
NN_INLINE nn_range nn_depthwise_x4_inside(const nn_depthwise_args *a)
{
    const int32_t reach = (a->kernel_width - 1) * a->dilation_x + 1;
    return nn_window_inside(a->output_width, a->input_width, reach, a->stride_x, a->pad_left);
}

/* Four channels of a tap: to the sums of channels 0 and 2 from the even lanes, 1 and 3 from the odd ones. */
NN_INLINE void nn_depthwise_x4_add(int32_t *sums, uint32_t pixel, const uint32_t *w, uint32_t offset)
{
    const uint32_t even = nn_sxtab16(offset, pixel), odd = nn_sxtab16_ror8(offset, pixel);
    sums[0] = nn_smlabb(even, w[0], sums[0]);
    sums[1] = nn_smlabb(odd, w[1], sums[1]);
    sums[2] = nn_smlatt(even, w[0], sums[2]);
    sums[3] = nn_smlatt(odd, w[1], sums[3]);
    nn_in_order();
}

/* Four channels of an output row: the row of taps' first input row, widened weights and constants; and where they begin in
 * the output and in the input. */
typedef struct {
    int32_t top;
    nn_range taps; /* rows of taps inside the image */
    const uint32_t *w;
    const nn_channel *channels;
    int8_t *output;
    const int8_t *image;
} nn_depthwise_x4_row;

/* Byte of the image at which the input of tap (i, 0) of output column x would be. */
NN_INLINE int32_t nn_depthwise_x4_at(const nn_depthwise_args *a, const nn_depthwise_x4_row *row, int32_t x, int32_t i)
{
    const int32_t place = nn_ring_place(row->top + i * a->dilation_y, a->input_ring, a->input_height);
    return (place * a->input_width + x * a->stride_x - a->pad_left) * a->in_channels;
}

NN_INLINE void nn_depthwise_x4_store(const nn_depthwise_args *a, const nn_depthwise_x4_row *row, int32_t x,
                                     const int32_t *sums)
{
    int8_t *output = row->output + x * a->out_channels;
    NN_UNROLL(4)
    for (int32_t i = 0; i < 4; i++) {
        output[i] = nn_output_scaled(row->channels[i], a->requantize, sums[i], a->output_min, a->output_max);
        nn_in_order();
    }
}

/* Output column x, whose window reaches over an edge. */
NN_INLINE void nn_depthwise_x4_edge(const nn_depthwise_args *a, const nn_depthwise_x4_row *row, int32_t x)
{
    const uint32_t offset = nn_lanes(a->input_offset, a->input_offset);
    const nn_channel *c = row->channels;
    int32_t sums[4] = {c[0].bias, c[1].bias, c[2].bias, c[3].bias};
    const nn_range columns =
        nn_window_taps(x * a->stride_x - a->pad_left, a->input_width, a->kernel_width, a->dilation_x);
    for (int32_t i = row->taps.first; i < row->taps.end; i++) {
        const int32_t at = nn_depthwise_x4_at(a, row, x, i);
        for (int32_t j = columns.first; j < columns.end; j++) {
            const uint32_t pixel = nn_load32(row->image + at + j * a->dilation_x * a->in_channels);
            nn_depthwise_x4_add(sums, pixel, row->w + 2 * (i * a->kernel_width + j), offset);
        }
    }
    nn_depthwise_x4_store(a, row, x, sums);
}

/* Output columns whose windows lie inside the image. */
NN_INLINE void nn_depthwise_x4_whole(const nn_depthwise_args *a, const nn_depthwise_x4_row *row,
                                     nn_range columns)
{
    const uint32_t offset = nn_lanes(a->input_offset, a->input_offset);
    const nn_channel *c = row->channels;
    for (int32_t x = columns.first; x < columns.end; x++) {
        int32_t sums[4] = {c[0].bias, c[1].bias, c[2].bias, c[3].bias};
        NN_UNROLL(3)
        for (int32_t i = 0; i < a->kernel_height; i++) {
            const int8_t *pixels = row->image + nn_depthwise_x4_at(a, row, x, i);
            NN_UNROLL(3)
            for (int32_t j = 0; j < a->kernel_width; j++) {
                const uint32_t pixel = nn_load32(pixels + j * a->dilation_x * a->in_channels);
                nn_depthwise_x4_add(sums, pixel, row->w + 2 * (i * a->kernel_width + j), offset);
            }
        }
        nn_depthwise_x4_store(a, row, x, sums);
    }
}

NN_INLINE void nn_depthwise_x4_columns(const nn_depthwise_args *a, const nn_depthwise_x4_row *row)
{
    const nn_range inside = nn_depthwise_x4_inside(a);
    int32_t end = 0;
    if (row->taps.end - row->taps.first == a->kernel_height && inside.first < inside.end) {
        for (int32_t x = 0; x < inside.first; x++) {
            nn_depthwise_x4_edge(a, row, x);
        }
        nn_depthwise_x4_whole(a, row, inside);
        end = inside.end;
    }
    for (int32_t x = end; x < a->output_width; x++) {
        nn_depthwise_x4_edge(a, row, x);
    }
}

/* The weights of four channels from `c` on, two words per tap. */
NN_INLINE void nn_depthwise_x4_weights(const nn_depthwise_args *a, uint32_t *w, int32_t c)
{
    const int is_doubled = nn_scaling(a->requantize) == 2;
    for (int32_t tap = 0; tap < a->kernel_height * a->kernel_width; tap++, w += 2) {
        const uint32_t bytes = nn_load32(a->weights + tap * a->out_channels + c);
        const uint32_t even = nn_sxtb16(bytes), odd = nn_sxtb16_ror8(bytes);
        w[0] = is_doubled ? nn_add16(even, even) : even;
        w[1] = is_doubled ? nn_add16(odd, odd) : odd;
    }
}

/* The four channels from `c` on in all rows of this call. */
NN_INLINE void nn_depthwise_x4_channels(const nn_depthwise_args *a, int8_t *output, const int8_t *image, int32_t c)
{
    uint32_t *w = (uint32_t *)a->scratch;
    nn_channel channels[4];
    NN_UNROLL(4)
    for (int32_t i = 0; i < 4; i++) {
        channels[i] = nn_depthwise_channel_of(a, c + i);
    }
    nn_depthwise_x4_weights(a, w, c);
    for (int32_t y = a->first_row; y < a->first_row + a->rows; y++) {
        const int32_t top = y * a->stride_y - a->pad_top;
        const nn_depthwise_x4_row row = {
            .top = top,
            .taps = nn_window_taps(top, a->input_height, a->kernel_height, a->dilation_y),
            .w = w,
            .channels = channels,
            .output = nn_depthwise_output(a, output, y) + c,
            .image = image + c,
        };
        nn_depthwise_x4_columns(a, &row);
    }
}

NN_INLINE void nn_depthwise_x4_s8(const nn_depthwise_args *a)
{
    for (int32_t batch = 0; batch < a->batches; batch++) {
        const int8_t *image = a->input + batch * a->input_height * a->input_width * a->in_channels;
        int8_t *output = a->output + batch * a->output_height * a->output_width * a->out_channels;
        for (int32_t c = 0; c < a->in_channels; c += 4) {
            nn_depthwise_x4_channels(a, output, image, nn_smaller(c, a->in_channels - 4));
        }
    }
}

#endif
