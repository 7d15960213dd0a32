/* nn_fully_connected_s16: int16 vector times int8 matrix, four outputs at a time.
 *
 * The weights come as in nn_fully_connected_s8.h, but with the middle two of every four taps exchanged: SXTB16 then gives
 * the lanes (w0, w1) and (w2, w3), which meet the input as it lies in memory. Sums of chunk_words words fit 32 bits;
 * NN_WIDE_S16 adds them up in 64.
 *
 * Needs: weights and scratch aligned to 4; the input as well where it has whole words of four values. Rows of weights
 * padded with zeros to whole words. chunk_words is all of them unless the form is NN_WIDE_S16.
 */
#ifndef NN_FULLY_CONNECTED_S16_H
#define NN_FULLY_CONNECTED_S16_H

#include "nn_bands.h"
#include "nn_requantize_s16.h"
#include "nn_vector.h"

#define NN_FULLY_CONNECTED_S16_BLOCK 4

typedef struct {
    const void *input; /* int16 */
    void *output;      /* int16 */
    void *scratch;
    const int8_t *weights; /* blocks of up to four outputs; in a block [in_channels / 4][outputs][4] */
    const int32_t *bias, *multiplier;
    const int8_t *shift;
    int32_t batches, in_channels, out_channels;
    int32_t output_min, output_max;
    int32_t requantize; /* NN_HIGH_S16, ... */
    int32_t chunk_words;
} nn_fully_connected_s16_args;

/* sums[count] += weights times `words` words of four inputs. */
NN_INLINE void nn_fully_connected_s16_add(const uint32_t *x, const int8_t *weights, int32_t words, int32_t count,
                                          int32_t *sums)
{
    if (count == NN_FULLY_CONNECTED_S16_BLOCK) {
        nn_vector_4(x, weights, weights + words * 16, sums);
        return;
    }
    for (int32_t word = 0; word < words; word++, x += 2, weights += 4 * count) {
        const uint32_t low = nn_load32(x), high = nn_load32(x + 1);
        NN_UNROLL(3)
        for (int32_t i = 0; i < count; i++) {
            const uint32_t w = nn_load32(weights + 4 * i);
            sums[i] = nn_smlad(low, nn_sxtb16(w), sums[i]);
            sums[i] = nn_smlad(high, nn_sxtb16_ror8(w), sums[i]);
        }
    }
}

/* The `count` outputs from number `first` on; `weights` is their block. */
NN_INLINE void nn_fully_connected_s16_block(const nn_fully_connected_s16_args *a, const uint32_t *x,
                                            const int8_t *weights, nn_half *output, int32_t first, int32_t count)
{
    const int32_t words = (a->in_channels + 3) / 4;
    nn_channel_s16 channels[NN_FULLY_CONNECTED_S16_BLOCK] = {0};
    int32_t sums[NN_FULLY_CONNECTED_S16_BLOCK] = {0};
    int64_t totals[NN_FULLY_CONNECTED_S16_BLOCK] = {0};
    NN_UNROLL(4)
    for (int32_t i = 0; i < count; i++) {
        channels[i] = nn_channel_s16_of(a->requantize, a->bias, a->multiplier, a->shift, first + i);
        sums[i] = nn_start_s16(channels[i], a->requantize);
        totals[i] = channels[i].bias;
    }
    for (int32_t begin = 0; begin < words; begin += a->chunk_words) {
        const int32_t chunk = nn_smaller(a->chunk_words, words - begin);
        nn_fully_connected_s16_add(x + 2 * begin, weights + 4 * count * begin, chunk, count, sums);
        NN_UNROLL(4)
        for (int32_t i = 0; i < count; i++) {
            totals[i] += sums[i];
            sums[i] = a->requantize == NN_WIDE_S16 ? 0 : sums[i];
        }
    }
    NN_UNROLL(4)
    for (int32_t i = 0; i < count; i++) {
        output[first + i] =
            a->requantize == NN_WIDE_S16
                ? nn_output_wide_s16(channels[i], totals[i], a->output_min, a->output_max)
                : nn_output_s16(channels[i], a->requantize, sums[i], a->output_min, a->output_max);
    }
}

/* One row of the input, filled up with zeros to whole words of four. */
NN_INLINE const uint32_t *nn_fully_connected_s16_row(const nn_fully_connected_s16_args *a, int32_t batch)
{
    const nn_half *row = (const nn_half *)a->input + batch * a->in_channels;
    if (a->in_channels % 4 == 0) {
        return (const uint32_t *)(const void *)row;
    }
    nn_half *copy = (nn_half *)a->scratch;
    memcpy(copy, row, (size_t)a->in_channels * sizeof *copy);
    for (int32_t i = a->in_channels; i % 4 != 0; i++) {
        copy[i] = 0;
    }
    return (const uint32_t *)a->scratch;
}

NN_INLINE void nn_fully_connected_s16(const nn_fully_connected_s16_args *a)
{
    const int32_t whole = a->out_channels / NN_FULLY_CONNECTED_S16_BLOCK * NN_FULLY_CONNECTED_S16_BLOCK;
    const int32_t row_bytes = (a->in_channels + 3) / 4 * 4;
    for (int32_t batch = 0; batch < a->batches; batch++) {
        const uint32_t *x = nn_fully_connected_s16_row(a, batch);
        nn_half *output = (nn_half *)a->output + batch * a->out_channels;
        for (int32_t first = 0; first < whole; first += NN_FULLY_CONNECTED_S16_BLOCK) {
            nn_fully_connected_s16_block(a, x, a->weights + first * row_bytes, output, first,
                                         NN_FULLY_CONNECTED_S16_BLOCK);
        }
        if (whole < a->out_channels) {
            nn_fully_connected_s16_block(a, x, a->weights + whole * row_bytes, output, whole, a->out_channels - whole);
        }
    }
}

#endif
