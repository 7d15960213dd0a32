/* nn_average_pool_s8: int8 average pooling, one channel at a time: for fewer than four channels. */
#ifndef NN_AVERAGE_POOL_S8_H
#define NN_AVERAGE_POOL_S8_H

#include "nn_bytes.h"
#include "nn_pool.h"

/* sum / count to the nearest integer, ties away from zero. */
NN_INLINE int32_t nn_average(int32_t sum, int32_t count)
{
    if (__builtin_constant_p(count) && (count & (count - 1)) == 0) {
        return nn_round_shift(sum, __builtin_ctz((unsigned)count));
    }
    return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

/* The sum of channel `c` in the rows of a window from `first` on. */
NN_INLINE int32_t nn_average_pool_rows(const nn_pool_args *a, const int8_t *first, int32_t rows, int32_t columns,
                                       int32_t c)
{
    int32_t sum = 0;
    for (int32_t row = 0; row < rows; row++) {
        const int8_t *p = first + row * a->input_width * a->channels + c;
        for (int32_t column = 0; column < columns; column++) {
            sum += p[column * a->channels];
        }
    }
    return sum;
}

NN_INLINE void nn_average_pool_s8(const nn_pool_args *a)
{
    for (int32_t batch = 0; batch < a->batches; batch++) {
        for (int32_t y = a->first_row; y < a->first_row + a->rows; y++) {
            int8_t *output = nn_pool_output(a, batch, y);
            for (int32_t x = 0; x < a->output_width; x++) {
                nn_pool_window w = nn_pool_window_at(a, batch, y, x);
                for (int32_t c = 0; c < a->channels; c++) {
                    int32_t sum = nn_average_pool_rows(a, w.first, w.rows, w.columns, c) +
                                  nn_average_pool_rows(a, w.start, w.more, w.columns, c);
                    int32_t average = nn_average(sum, (w.rows + w.more) * w.columns);
                    *output++ = (int8_t)nn_clamp(average, a->output_min, a->output_max);
                }
            }
        }
    }
}

#endif
