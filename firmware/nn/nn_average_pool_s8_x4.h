/* nn_average_pool_s8_x4: int8 average pooling, four channels at a time: one load and two SXTAB16 per word.
 *
 * Needs four channels or more and windows of up to 255 columns. Where the number of channels is no multiple of four,
 * the last word overlaps the one before.
 */
#ifndef NN_AVERAGE_POOL_S8_X4_H
#define NN_AVERAGE_POOL_S8_X4_H

#include "nn_average_pool_s8.h"
#include "nn_bytes.h"
#include "nn_sums.h"

/* The averages of four channels over rows x columns pixels from p on. */
NN_INLINE uint32_t nn_average_pool_word(const nn_pool_args *a, const int8_t *p, int32_t rows, int32_t columns)
{
    const int32_t count = rows * columns;
    nn_sums sums = nn_sum_s8x4(p, rows, columns, a->input_width * a->channels, a->channels);
    uint32_t word = nn_pack_s8x4(nn_average(sums.lane[0], count), nn_average(sums.lane[1], count),
                                 nn_average(sums.lane[2], count), nn_average(sums.lane[3], count));
    return nn_clamp_s8x4(word, a->output_min, a->output_max);
}

NN_INLINE void nn_average_pool_s8_x4(const nn_pool_args *a)
{
    int8_t *output = a->output;
    for (int32_t batch = 0; batch < a->batches; batch++) {
        for (int32_t y = 0; y < a->output_height; y++) {
            for (int32_t x = 0; x < a->output_width; x++) {
                nn_pool_window w = nn_pool_window_at(a, batch, y, x);
                for (int32_t c = 0; c < a->channels; c += 4) {
                    int32_t at = c + 4 <= a->channels ? c : a->channels - 4;
                    uint32_t word = nn_pool_is_whole(a, w)
                                        ? nn_average_pool_word(a, w.first + at, a->kernel_height, a->kernel_width)
                                        : nn_average_pool_word(a, w.first + at, w.rows, w.columns);
                    nn_store32(output + at, word);
                }
                output += a->channels;
            }
        }
    }
}

#endif
