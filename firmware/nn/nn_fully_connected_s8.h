/* nn_fully_connected_s8: int8 matrix times vector, four outputs at a time.
 *
 * The input is widened to int16 once, in the lanes that SXTB16 makes of four bytes: (b0, b2) and (b1, b3); up to three
 * last outputs take it as it is.
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

/* Word `word` of the input; what fills up the last one meets weights that are zero. */
NN_INLINE uint32_t nn_fully_connected_word(const nn_fully_connected_args *a, const int8_t *input, int32_t word)
{
    const int32_t rest = a->in_channels - 4 * word;
    if (rest >= 4) {
        return nn_load32(input + 4 * word);
    }
    const int8_t *last = input + 4 * word;
    return nn_pack_s8x4(last[0], rest > 1 ? last[1] : 0, rest > 2 ? last[2] : 0, 0);
}

/* All of the input as words of two int16 lanes. */
NN_INLINE void nn_fully_connected_widen(const nn_fully_connected_args *a, uint32_t *x, const int8_t *input)
{
    for (int32_t word = 0; word < (a->in_channels + 3) / 4; word++) {
        const uint32_t bytes = nn_fully_connected_word(a, input, word);
        *x++ = nn_sxtb16(bytes);
        *x++ = nn_sxtb16_ror8(bytes);
    }
}

/* Outputs from number `first` on, as many as there are sums. */
NN_INLINE void nn_fully_connected_store(const nn_fully_connected_args *a, int8_t *output, int32_t first, int32_t count,
                                        const int32_t *sums)
{
    NN_UNROLL(4)
    for (int32_t i = 0; i < count; i++) {
        nn_channel c = nn_channel_of(a->requantize, 0, a->multiplier[first + i], a->shift[first + i], a->output_offset);
        output[first + i] = nn_output(c, a->requantize, sums[i], a->output_min, a->output_max);
    }
}

/* The outputs of a whole block, the first of which is number `first`. */
NN_INLINE void nn_fully_connected_block(const nn_fully_connected_args *a, const uint32_t *x, const int8_t *weights,
                                        int8_t *output, int32_t first)
{
    const int32_t *bias = a->bias + first;
    int32_t sums[NN_FULLY_CONNECTED_BLOCK] = {bias[0], bias[1], bias[2], bias[3]};
    nn_vector_4(x, weights, weights + (a->in_channels + 3) / 4 * 16, sums);
    nn_fully_connected_store(a, output, first, NN_FULLY_CONNECTED_BLOCK, sums);
}

/* The outputs of the last block, fewer than four, from the input as it is. */
NN_INLINE void nn_fully_connected_rest(const nn_fully_connected_args *a, const int8_t *input, const int8_t *weights,
                                       int8_t *output, int32_t first)
{
    const int32_t words = (a->in_channels + 3) / 4, count = a->out_channels - first;
    int32_t sums[NN_FULLY_CONNECTED_BLOCK] = {0};
    for (int32_t i = 0; i < count; i++) {
        sums[i] = a->bias[first + i];
    }
    NN_UNROLL(2)
    for (int32_t word = 0; word < words; word++, weights += 4 * count) {
        const uint32_t x = nn_fully_connected_word(a, input, word);
        const uint32_t even = nn_sxtb16(x), odd = nn_sxtb16_ror8(x);
        NN_UNROLL(3)
        for (int32_t i = 0; i < count; i++) {
            const uint32_t w = nn_load32(weights + 4 * i);
            sums[i] = nn_smlad(even, nn_sxtb16(w), sums[i]);
            sums[i] = nn_smlad(odd, nn_sxtb16_ror8(w), sums[i]);
        }
    }
    nn_fully_connected_store(a, output, first, count, sums);
}

NN_INLINE void nn_fully_connected_s8(const nn_fully_connected_args *a)
{
    const int32_t whole = a->out_channels / NN_FULLY_CONNECTED_BLOCK * NN_FULLY_CONNECTED_BLOCK;
    const int32_t words = (a->in_channels + 3) / 4;
    uint32_t *x = (uint32_t *)a->scratch;
    for (int32_t batch = 0; batch < a->batches; batch++) {
        const int8_t *input = a->input + batch * a->in_channels;
        int8_t *output = a->output + batch * a->out_channels;
        if (whole > 0) {
            nn_fully_connected_widen(a, x, input);
        }
        for (int32_t first = 0; first < whole; first += NN_FULLY_CONNECTED_BLOCK) {
            nn_fully_connected_block(a, x, a->weights + first * words * 4, output, first);
        }
        if (whole < a->out_channels) {
            nn_fully_connected_rest(a, input, a->weights + whole * words * 4, output, whole);
        }
    }
}

#endif
