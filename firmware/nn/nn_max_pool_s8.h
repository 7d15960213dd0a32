/* nn_max_pool_s8: int8 max pooling, one channel at a time: for fewer than four channels. */
#ifndef NN_MAX_POOL_S8_H
#define NN_MAX_POOL_S8_H

#include "nn_pool.h"

/* The larger of `max` and channel `c` in the rows of a window from `first` on. */
NN_INLINE int32_t nn_max_pool_rows(const nn_pool_args *a, const int8_t *first, int32_t rows, int32_t columns, int32_t c,
                                   int32_t max)
{
    for (int32_t row = 0; row < rows; row++) {
        const int8_t *p = first + row * a->input_width * a->channels + c;
        for (int32_t column = 0; column < columns; column++) {
            int32_t value = p[column * a->channels];
            max = value > max ? value : max;
        }
    }
    return max;
}

NN_INLINE void nn_max_pool_s8(const nn_pool_args *a)
{
    for (int32_t batch = 0; batch < a->batches; batch++) {
        for (int32_t y = a->first_row; y < a->first_row + a->rows; y++) {
            int8_t *output = nn_pool_output(a, batch, y);
            for (int32_t x = 0; x < a->output_width; x++) {
                nn_pool_window w = nn_pool_window_at(a, batch, y, x);
                for (int32_t c = 0; c < a->channels; c++) {
                    int32_t max = nn_max_pool_rows(a, w.first, w.rows, w.columns, c, a->output_min);
                    max = nn_max_pool_rows(a, w.start, w.more, w.columns, c, max);
                    *output++ = (int8_t)nn_smaller(max, a->output_max);
                }
            }
        }
    }
}

#endif
