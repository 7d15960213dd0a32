/* nn_lstm_s8: LSTM units with int8 inputs and hidden state and int16 cells, over a sequence.
 *
 * At every step the input and the hidden state are widened; then each unit's gates are computed at once, its cell moves
 * on, and its place in the hidden state is overwritten.
 *
 * Needs: weights in the blocks of nn_fully_connected_s8, one block per unit with the gates forget, input, cell, output;
 * weights and scratch aligned to 4.
 */
#ifndef NN_LSTM_S8_H
#define NN_LSTM_S8_H

#include <stdbool.h>
#include <string.h>

#include "nn_sigmoid.h"
#include "nn_vector.h"

typedef struct {
    const int8_t *input;
    int8_t *output, *hidden;
    int16_t *cell;
    void *scratch;
    const int8_t *weights, *recurrent;
    const int32_t *bias, *recurrent_bias; /* per unit and gate */
    const uint16_t *sigmoid;              /* the table of nn_sigmoid.h */
    int32_t batches, steps, inputs, units;
    bool time_major;
    int32_t sum_bits;                              /* 31: sums may wrap */
    int32_t gate_multiplier[8], gate_shift[8];     /* of the sums over inputs, then over the hidden state */
    int32_t product_multiplier[3], product_shift[3]; /* forget times cell, input times cell gate, output times tanh */
    int32_t tanh_multiplier, tanh_shift;           /* of cells */
    int32_t cell_min, cell_max;
    int32_t output_offset;
} nn_lstm_s8_args;

/* Sum number `place` of eight, in units of 2^-12. */
NN_INLINE int32_t nn_lstm_rescaled(const nn_lstm_s8_args *a, int32_t sum, int32_t place)
{
    const int32_t multiplier = a->gate_multiplier[place], shift = a->gate_shift[place];
    return nn_saturate_s16(a->sum_bits > 30 ? nn_requantize(sum, multiplier, shift)
                                            : nn_rescale(sum, a->sum_bits, multiplier, shift, 0));
}

/* A product of two int16, at least one of which is above -2^15. */
NN_INLINE int32_t nn_lstm_product(const nn_lstm_s8_args *a, int32_t x, int32_t y, int32_t place, int32_t offset)
{
    return nn_rescale(x * y, 30, a->product_multiplier[place], a->product_shift[place], offset);
}

/* What a unit shows, and its new cell, from the sums over inputs and over the hidden state. */
NN_INLINE int32_t nn_lstm_unit(const nn_lstm_s8_args *a, const int32_t x[4], const int32_t h[4], int16_t *cell)
{
    int32_t gates[4];
    NN_UNROLL(4)
    for (int32_t i = 0; i < 4; i++) {
        gates[i] = nn_saturate_s16(nn_lstm_rescaled(a, x[i], i) + nn_lstm_rescaled(a, h[i], 4 + i));
    }
    const int32_t forget = nn_sigmoid_s16(a->sigmoid, gates[0]), update = nn_sigmoid_s16(a->sigmoid, gates[1]);
    const int32_t old = nn_saturate_s16(nn_lstm_product(a, forget, *cell, 0, 0));
    const int32_t new = nn_saturate_s16(nn_lstm_product(a, update, nn_tanh_s16(a->sigmoid, gates[2], 3, 0), 1, 0));
    const int32_t now = nn_clamp(old + new, a->cell_min, a->cell_max);
    const int32_t shown = nn_tanh_s16(a->sigmoid, now, a->tanh_multiplier, a->tanh_shift);
    *cell = (int16_t)now;
    return nn_clamp_s8(nn_lstm_product(a, nn_sigmoid_s16(a->sigmoid, gates[3]), shown, 2, a->output_offset), -128, 127);
}

NN_INLINE void nn_lstm_step(const nn_lstm_s8_args *a, const int8_t *input, int8_t *hidden, int16_t *cell)
{
    const int32_t input_words = (a->inputs + 3) / 4, words = (a->units + 3) / 4;
    uint32_t *x = (uint32_t *)a->scratch, *h = x + 2 * input_words;
    const int8_t *weights = a->weights, *recurrent = a->recurrent;
    nn_vector_widen(x, input, a->inputs);
    nn_vector_widen(h, hidden, a->units);
    for (int32_t unit = 0; unit < a->units; unit++) {
        int32_t from_input[4], from_hidden[4];
        memcpy(from_input, a->bias + 4 * unit, sizeof from_input);
        memcpy(from_hidden, a->recurrent_bias + 4 * unit, sizeof from_hidden);
        nn_vector_4(x, weights, weights + 16 * input_words, from_input);
        nn_vector_4(h, recurrent, recurrent + 16 * words, from_hidden);
        weights += 16 * input_words;
        recurrent += 16 * words;
        hidden[unit] = (int8_t)nn_lstm_unit(a, from_input, from_hidden, cell + unit);
    }
}

NN_INLINE void nn_lstm_s8(const nn_lstm_s8_args *a)
{
    for (int32_t batch = 0; batch < a->batches; batch++) {
        int8_t *hidden = a->hidden + batch * a->units;
        for (int32_t step = 0; step < a->steps; step++) {
            const int32_t row = a->time_major ? step * a->batches + batch : batch * a->steps + step;
            nn_lstm_step(a, a->input + row * a->inputs, hidden, a->cell + batch * a->units);
            memcpy(a->output + row * a->units, hidden, (size_t)a->units);
        }
    }
}

#endif
