/* nn_fully_connected_s8: int8 matrix times vector, four outputs at a time.
 *
 * The input is widened to int16 once, in the lanes that SXTB16 makes of four bytes: (b0, b2) and (b1, b3).
 * The weights come in blocks of four outputs (the last block has the rest), each block input word by input word, so that
 * flash is read once and in order.
 *
 * Needs: weights' zero point 0; rows of weights padded with zeros to whole words; weights and scratch aligned to 4.
 */
#ifndef NN_FULLY_CONNECTED_S8_H
#define NN_FULLY_CONNECTED_S8_H

#include "nn_requantize.h"
#include "nn_vector.h"

#define NN_FULLY_CONNECTED_BLOCK 4

typedef struct {
    const int8_t *input;
    int8_t *output;
    void *scratch;
    const int8_t *weights; /* blocks of up to four outputs; in a block [in_channels / 4][outputs][4] */
    const int32_t *bias, *multiplier; /* the bias includes the input's offset times the sum of the weights */
    const int8_t *shift;
    int32_t batches, in_channels, out_channels;
    int32_t output_offset, output_min, output_max;
    int32_t requantize; /* NN_EXACT, ... */
} nn_fully_connected_args;

/* `count` values, the last word filled up with zeros. */
NN_INLINE void nn_fully_connected_widen(uint32_t *x, const int8_t *input, int32_t count)
{
    for (int32_t i = 0; i < count / 4; i++) {
        uint32_t bytes = nn_load32(input + 4 * i);
        *x++ = nn_sxtb16(bytes);
        *x++ = nn_sxtb16_ror8(bytes);
    }
    if (count % 4 != 0) {
        const int8_t *rest = input + count / 4 * 4;
        x[0] = nn_lanes(rest[0], count % 4 > 2 ? rest[2] : 0);
        x[1] = nn_lanes(count % 4 > 1 ? rest[1] : 0, 0);
    }
}

/* `count` outputs (1 to 4) from output `first` on; `weights` are those of their block. */
NN_INLINE void nn_fully_connected_block(const nn_fully_connected_args *a, const uint32_t *x, const int8_t *weights,
                                        int8_t *output, int32_t first, int32_t count)
{
    const int32_t words = (a->in_channels + 3) / 4;
    int32_t sums[NN_FULLY_CONNECTED_BLOCK] = {0};
    for (int32_t i = 0; i < count; i++) {
        sums[i] = a->bias[first + i];
    }
    if (count == NN_FULLY_CONNECTED_BLOCK) {
        nn_vector_4(x, weights, weights + 16 * words, sums);
    } else {
        for (int32_t word = 0; word < words; word++) {
            for (int32_t i = 0; i < count; i++) {
                uint32_t bytes = nn_load32(weights + 4 * (word * count + i));
                sums[i] = nn_smlad(x[2 * word], nn_sxtb16(bytes), sums[i]);
                sums[i] = nn_smlad(x[2 * word + 1], nn_sxtb16_ror8(bytes), sums[i]);
            }
        }
    }
    for (int32_t i = 0; i < count; i++) {
        nn_channel c = nn_channel_of(a->requantize, 0, a->multiplier[first + i], a->shift[first + i], a->output_offset);
        output[first + i] = nn_output(c, a->requantize, sums[i], a->output_min, a->output_max);
    }
}

NN_INLINE void nn_fully_connected_s8(const nn_fully_connected_args *a)
{
    const int32_t blocks = a->out_channels / NN_FULLY_CONNECTED_BLOCK * NN_FULLY_CONNECTED_BLOCK;
    const int32_t words = (a->in_channels + 3) / 4;
    uint32_t *x = (uint32_t *)a->scratch;
    for (int32_t batch = 0; batch < a->batches; batch++) {
        int8_t *output = a->output + batch * a->out_channels;
        nn_fully_connected_widen(x, a->input + batch * a->in_channels, a->in_channels);
        for (int32_t first = 0; first < blocks; first += NN_FULLY_CONNECTED_BLOCK) {
            nn_fully_connected_block(a, x, a->weights + first * words * 4, output, first, NN_FULLY_CONNECTED_BLOCK);
        }
        if (blocks < a->out_channels) {
            nn_fully_connected_block(a, x, a->weights + blocks * words * 4, output, blocks, a->out_channels - blocks);
        }
    }
}

#endif
