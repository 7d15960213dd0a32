/* nn_max_pool_s16: int16 max pooling, one channel at a time. */
#ifndef NN_MAX_POOL_S16_H
#define NN_MAX_POOL_S16_H

#include "nn_pool.h"

/* The larger of `max` and a channel in the rows of a window from `first` on. */
NN_INLINE int32_t nn_max_pool_rows_s16(const nn_pool_args *a, const nn_half *first, int32_t rows, int32_t columns,
                                       int32_t max)
{
    const int32_t step = a->channels / 2;
    for (int32_t row = 0; row < rows; row++) {
        for (int32_t column = 0; column < columns; column++) {
            int32_t value = first[(row * a->input_width + column) * step];
            max = value > max ? value : max;
        }
    }
    return max;
}

NN_INLINE void nn_max_pool_s16(const nn_pool_args *a)
{
    for (int32_t batch = 0; batch < a->batches; batch++) {
        for (int32_t y = a->first_row; y < a->first_row + a->rows; y++) {
            nn_half *output = (nn_half *)nn_pool_output(a, batch, y);
            for (int32_t x = 0; x < a->output_width; x++) {
                nn_pool_window w = nn_pool_window_at(a, batch, y, x);
                for (int32_t c = 0; c < a->channels / 2; c++) {
                    int32_t max = a->output_min;
                    max = nn_max_pool_rows_s16(a, (const nn_half *)w.first + c, w.rows, w.columns, max);
                    max = nn_max_pool_rows_s16(a, (const nn_half *)w.start + c, w.more, w.columns, max);
                    *output++ = (int16_t)nn_smaller(max, a->output_max);
                }
            }
        }
    }
}

#endif
