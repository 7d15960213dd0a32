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

/* The averages of four channels from p on over rows x columns pixels, of which the `more` last rows are at `start`. */
NN_INLINE uint32_t nn_average_pool_word(const nn_pool_args *a, const int8_t *p, int32_t rows, const int8_t *start,
                                        int32_t more, int32_t columns)
{
    const int32_t count = (rows + more) * columns;
    nn_sums sums = nn_sum_s8x4(p, rows, columns, a->input_width * a->channels, a->channels);
    if (more > 0) {
        nn_sums rest = nn_sum_s8x4(start, more, columns, a->input_width * a->channels, a->channels);
        NN_UNROLL(4)
        for (int32_t i = 0; i < 4; i++) {
            sums.lane[i] += rest.lane[i];
        }
    }
    uint32_t word = nn_pack_s8x4(nn_average(sums.lane[0], count), nn_average(sums.lane[1], count),
                                 nn_average(sums.lane[2], count), nn_average(sums.lane[3], count));
    return nn_clamp_s8x4(word, a->output_min, a->output_max);
}

NN_INLINE void nn_average_pool_s8_x4(const nn_pool_args *a)
{
    for (int32_t batch = 0; batch < a->batches; batch++) {
        for (int32_t y = a->first_row; y < a->first_row + a->rows; y++) {
            int8_t *output = nn_pool_output(a, batch, y);
            for (int32_t x = 0; x < a->output_width; x++) {
                nn_pool_window w = nn_pool_window_at(a, batch, y, x);
                for (int32_t c = 0; c < a->channels; c += 4) {
                    int32_t at = c + 4 <= a->channels ? c : a->channels - 4;
                    const int8_t *p = w.first + at;
                    uint32_t word =
                        nn_pool_is_whole(a, w)
                            ? nn_average_pool_word(a, p, a->kernel_height, p, 0, a->kernel_width)
                            : nn_average_pool_word(a, p, w.rows, w.start + at, w.more, w.columns);
                    nn_store32(output + at, word);
                }
                output += a->channels;
            }
        }
    }
}

#endif
