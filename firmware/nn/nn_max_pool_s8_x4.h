/* nn_max_pool_s8_x4: int8 max pooling, four channels at a time: one load and two instructions per word.
 *
 * Needs four channels or more; where their number is no multiple of four, the last word overlaps the one before.
 */
#ifndef NN_MAX_POOL_S8_X4_H
#define NN_MAX_POOL_S8_X4_H

#include "nn_bytes.h"
#include "nn_pool.h"

/* Maximum over rows x columns pixels of the four channels at p; small windows of constant size are unrolled. */
NN_INLINE uint32_t nn_max_pool_word(const int8_t *p, int32_t rows, int32_t columns, int32_t row_bytes, int32_t channels)
{
    const int unrolled = __builtin_constant_p(rows) && __builtin_constant_p(columns) && rows <= 4 && columns <= 8;
    uint32_t max = nn_splat_s8x4(-128);
    NN_UNROLL(4)
    for (int32_t row = 0; row < rows; row++) {
        NN_UNROLL(8)
        for (int32_t column = 0; column < columns; column++) {
            uint32_t word = nn_load32(p + row * row_bytes + column * channels);
            max = unrolled && row == 0 && column == 0 ? word : nn_max_s8x4(max, word);
        }
    }
    return max;
}

/* The same over a window, four channels from `c` on. */
NN_INLINE uint32_t nn_max_pool_window(const nn_pool_args *a, nn_pool_window w, int32_t c)
{
    const int32_t row_bytes = a->input_width * a->channels;
    if (nn_pool_is_whole(a, w)) {
        return nn_max_pool_word(w.first + c, a->kernel_height, a->kernel_width, row_bytes, a->channels);
    }
    const uint32_t max = nn_max_pool_word(w.first + c, w.rows, w.columns, row_bytes, a->channels);
    if (w.more == 0) {
        return max;
    }
    return nn_max_s8x4(max, nn_max_pool_word(w.start + c, w.more, w.columns, row_bytes, a->channels));
}

NN_INLINE void nn_max_pool_s8_x4(const nn_pool_args *a)
{
    for (int32_t batch = 0; batch < a->batches; batch++) {
        for (int32_t y = a->first_row; y < a->first_row + a->rows; y++) {
            int8_t *output = nn_pool_output(a, batch, y);
            for (int32_t x = 0; x < a->output_width; x++) {
                nn_pool_window w = nn_pool_window_at(a, batch, y, x);
                for (int32_t c = 0; c < a->channels; c += 4) {
                    int32_t at = c + 4 <= a->channels ? c : a->channels - 4;
                    uint32_t max = nn_max_pool_window(a, w, at);
                    nn_store32(output + at, nn_clamp_s8x4(max, a->output_min, a->output_max));
                }
                output += a->channels;
            }
        }
    }
}

#endif
