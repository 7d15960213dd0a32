/* nn_window.h: where windows that slide along an axis lie inside the image. */
#ifndef NN_WINDOW_H
#define NN_WINDOW_H

#include "nn_bands.h"

/* A range of taps or of outputs. */
typedef struct {
    int32_t first, end;
} nn_range;

/* The taps inside an image of `size` places of a window that begins at place `start`. */
NN_INLINE nn_range nn_window_taps(int32_t start, int32_t size, int32_t taps, int32_t dilation)
{
    const int32_t first = start < 0 ? (dilation - 1 - start) / dilation : 0;
    const int32_t end = size > start ? (size - start + dilation - 1) / dilation : 0;
    return (nn_range){first, nn_smaller(end, taps)};
}

/* Which of `outputs` see no place outside an image of `size` places; windows span `reach` places. */
NN_INLINE nn_range nn_window_inside(int32_t outputs, int32_t size, int32_t reach, int32_t stride, int32_t pad)
{
    const int32_t last = size + pad - reach;
    return (nn_range){(pad + stride - 1) / stride, last < 0 ? 0 : nn_smaller(last / stride + 1, outputs)};
}

#endif
