/* nn_pool.h: arguments of the pooling kernels and the part of a window that lies inside the image. */
#ifndef NN_POOL_H
#define NN_POOL_H

#include "nn_bands.h"

typedef struct {
    const void *input; /* int8 or int16 */
    void *output;      /* the same */
    int32_t batches, input_height, input_width, channels; /* in bytes: twice as many for int16 */
    int32_t output_height, output_width;
    int32_t kernel_height, kernel_width, stride_y, stride_x, pad_top, pad_left;
    int32_t output_min, output_max;
    int32_t first_row, rows, input_ring, output_ring; /* see nn_bands.h */
} nn_pool_args;

/* The part of the input that one output pixel sees: `rows` rows from pixel `first` on and, where a ring ends within the
 * window, `more` rows from pixel `start` on. */
typedef struct {
    const int8_t *first, *start;
    int32_t rows, more, columns;
} nn_pool_window;

/* Whether some window reaches over the edge of the image; a constant once inlined. */
NN_INLINE int nn_pool_has_edges(const nn_pool_args *a)
{
    return a->pad_top > 0 || a->pad_left > 0 ||
           (a->output_height - 1) * a->stride_y - a->pad_top + a->kernel_height > a->input_height ||
           (a->output_width - 1) * a->stride_x - a->pad_left + a->kernel_width > a->input_width;
}

NN_INLINE nn_pool_window nn_pool_window_at(const nn_pool_args *a, int32_t batch, int32_t y, int32_t x)
{
    int32_t top = y * a->stride_y - a->pad_top;
    int32_t left = x * a->stride_x - a->pad_left;
    int32_t bottom = top + a->kernel_height;
    int32_t right = left + a->kernel_width;
    if (nn_pool_has_edges(a)) {
        top = top < 0 ? 0 : top;
        left = left < 0 ? 0 : left;
        bottom = nn_smaller(bottom, a->input_height);
        right = nn_smaller(right, a->input_width);
    }
    const int8_t *image = (const int8_t *)a->input + batch * a->input_height * a->input_width * a->channels;
    const int32_t place = nn_ring_place(top, a->input_ring, a->input_height);
    const int32_t rows =
        a->input_ring < a->input_height ? nn_smaller(bottom - top, a->input_ring - place) : bottom - top;
    return (nn_pool_window){.first = image + (place * a->input_width + left) * a->channels,
                            .start = image + left * a->channels,
                            .rows = rows,
                            .more = bottom - top - rows,
                            .columns = right - left};
}

NN_INLINE int nn_pool_is_whole(const nn_pool_args *a, nn_pool_window w)
{
    const int is_inside = !nn_pool_has_edges(a) || (w.rows + w.more == a->kernel_height && w.columns == a->kernel_width);
    return is_inside && w.more == 0;
}

/* Where output row `y` begins. */
NN_INLINE int8_t *nn_pool_output(const nn_pool_args *a, int32_t batch, int32_t y)
{
    const int32_t row = batch * a->output_height + nn_ring_place(y, a->output_ring, a->output_height);
    return (int8_t *)a->output + row * a->output_width * a->channels;
}

#endif
