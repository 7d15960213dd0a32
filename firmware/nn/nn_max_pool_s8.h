/* nn_max_pool_s8: int8 max pooling, one channel at a time: for fewer than four channels. */
#ifndef NN_MAX_POOL_S8_H
#define NN_MAX_POOL_S8_H

#include "nn_pool.h"

NN_INLINE void nn_max_pool_s8(const nn_pool_args *a)
{
    int8_t *output = a->output;
    for (int32_t batch = 0; batch < a->batches; batch++) {
        for (int32_t y = 0; y < a->output_height; y++) {
            for (int32_t x = 0; x < a->output_width; x++) {
                nn_pool_window w = nn_pool_window_at(a, batch, y, x);
                for (int32_t c = 0; c < a->channels; c++) {
                    int32_t max = a->output_min;
                    for (int32_t row = 0; row < w.rows; row++) {
                        const int8_t *p = w.first + row * a->input_width * a->channels + c;
                        for (int32_t column = 0; column < w.columns; column++) {
                            int32_t value = p[column * a->channels];
                            max = value > max ? value : max;
                        }
                    }
                    *output++ = (int8_t)(max > a->output_max ? a->output_max : max);
                }
            }
        }
    }
}

#endif
