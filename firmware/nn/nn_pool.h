/* nn_pool.h: arguments of the pooling kernels and the part of a window that lies inside the image. */
#ifndef NN_POOL_H
#define NN_POOL_H

#include "nn.h"

typedef struct {
    const int8_t *input;
    int8_t *output;
    int32_t batches, input_height, input_width, channels;
    int32_t output_height, output_width;
    int32_t kernel_height, kernel_width, stride_y, stride_x, pad_top, pad_left;
    int32_t output_min, output_max;
} nn_pool_args;

/* Rows and columns of the input that one output pixel sees, and its first pixel. */
typedef struct {
    const int8_t *first;
    int32_t rows, columns;
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
        bottom = bottom > a->input_height ? a->input_height : bottom;
        right = right > a->input_width ? a->input_width : right;
    }
    const int8_t *first = a->input + ((batch * a->input_height + top) * a->input_width + left) * a->channels;
    return (nn_pool_window){first, bottom - top, right - left};
}

NN_INLINE int nn_pool_is_whole(const nn_pool_args *a, nn_pool_window w)
{
    return !nn_pool_has_edges(a) || (w.rows == a->kernel_height && w.columns == a->kernel_width);
}

#endif
