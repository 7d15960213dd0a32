/* nn_average_pool_s16: int16 average pooling, one channel at a time; windows of up to 65535 values. */
#ifndef NN_AVERAGE_POOL_S16_H
#define NN_AVERAGE_POOL_S16_H

#include "nn_average_pool_s8.h"

/* The sum of a channel in the rows of a window from `first` on. */
NN_INLINE int32_t nn_average_pool_rows_s16(const nn_pool_args *a, const nn_half *first, int32_t rows, int32_t columns)
{
    const int32_t step = a->channels / 2;
    int32_t sum = 0;
    for (int32_t row = 0; row < rows; row++) {
        for (int32_t column = 0; column < columns; column++) {
            sum += first[(row * a->input_width + column) * step];
        }
    }
    return sum;
}

NN_INLINE void nn_average_pool_s16(const nn_pool_args *a)
{
    for (int32_t batch = 0; batch < a->batches; batch++) {
        for (int32_t y = a->first_row; y < a->first_row + a->rows; y++) {
            nn_half *output = (nn_half *)nn_pool_output(a, batch, y);
            for (int32_t x = 0; x < a->output_width; x++) {
                nn_pool_window w = nn_pool_window_at(a, batch, y, x);
                for (int32_t c = 0; c < a->channels / 2; c++) {
                    int32_t sum = nn_average_pool_rows_s16(a, (const nn_half *)w.first + c, w.rows, w.columns) +
                                  nn_average_pool_rows_s16(a, (const nn_half *)w.start + c, w.more, w.columns);
                    int32_t average = nn_average(sum, (w.rows + w.more) * w.columns);
                    *output++ = (int16_t)nn_clamp(average, a->output_min, a->output_max);
                }
            }
        }
    }
}

#endif
