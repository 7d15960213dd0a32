/* nn_svdf_s8: filters over the last int8 inputs. Each filter's newest product enters its row of the state, which moves
 * on by one place while it is summed up with the weights of time.
 *
 * Needs: weights in the blocks of nn_fully_connected_s8, filters filled up with zeros to a multiple of four; weights and
 * scratch aligned to 4.
 */
#ifndef NN_SVDF_S8_H
#define NN_SVDF_S8_H

#include <stdbool.h>

#include "nn_bytes.h"
#include "nn_vector.h"

typedef struct {
    const int8_t *input;
    void *state; /* int16 or int8: [batch][filter][memory], the newest last */
    int8_t *output;
    void *scratch;
    const int8_t *weights;
    const int32_t *offsets; /* per filter */
    const void *time;       /* weights of time, of the state's type */
    const int32_t *bias;    /* per unit */
    int32_t batches, inputs, filters, memory, rank;
    bool wide; /* int16 */
    int32_t state_multiplier, state_shift, state_min, state_max, state_offset;
    int32_t output_multiplier, output_shift, output_offset;
} nn_svdf_s8_args;

/* The products of four filters from number `first` on, as they enter the state. */
NN_INLINE void nn_svdf_filters(const nn_svdf_s8_args *a, const uint32_t *x, int32_t first, int32_t latest[4])
{
    const int32_t words = (a->inputs + 3) / 4;
    const int8_t *weights = a->weights + first * words * 4;
    int32_t sums[4] = {a->offsets[first], a->offsets[first + 1], a->offsets[first + 2], a->offsets[first + 3]};
    nn_vector_4(x, weights, weights + 16 * words, sums);
    for (int32_t i = 0; i < 4; i++) {
        int32_t scaled = nn_requantize(sums[i], a->state_multiplier, a->state_shift);
        latest[i] = nn_clamp(scaled, a->state_min, a->state_max) + a->state_offset;
    }
}

/* Move a filter's int16 row on and sum it up. */
NN_INLINE int32_t nn_svdf_row_s16(nn_half *row, const nn_half *time, int32_t memory, int32_t latest)
{
    int32_t sum = 0;
    int32_t i = 0;
    for (; i + 3 <= memory; i += 2) {
        uint32_t pair = nn_load32(row + i + 1);
        nn_store32(row + i, pair);
        sum = nn_smlad(pair, nn_load32(time + i), sum);
    }
    for (; i + 1 < memory; i++) {
        row[i] = row[i + 1];
        sum = (int32_t)((uint32_t)sum + (uint32_t)(row[i] * time[i]));
    }
    row[memory - 1] = (int16_t)latest;
    return (int32_t)((uint32_t)sum + (uint32_t)(row[memory - 1] * time[memory - 1]));
}

/* The same of an int8 row. */
NN_INLINE int32_t nn_svdf_row_s8(int8_t *row, const int8_t *time, int32_t memory, int32_t latest)
{
    int32_t sum = 0;
    for (int32_t i = 0; i + 1 < memory; i++) {
        row[i] = row[i + 1];
        sum += row[i] * time[i];
    }
    row[memory - 1] = (int8_t)latest;
    return sum + row[memory - 1] * time[memory - 1];
}

NN_INLINE int32_t nn_svdf_row(const nn_svdf_s8_args *a, int32_t batch, int32_t filter, int32_t latest)
{
    const int32_t row = (batch * a->filters + filter) * a->memory, time = filter * a->memory;
    if (a->wide) {
        return nn_svdf_row_s16((nn_half *)a->state + row, (const nn_half *)a->time + time, a->memory, latest);
    }
    return nn_svdf_row_s8((int8_t *)a->state + row, (const int8_t *)a->time + time, a->memory, latest);
}

NN_INLINE int8_t nn_svdf_output(const nn_svdf_s8_args *a, uint32_t sum)
{
    int32_t y = nn_requantize((int32_t)sum, a->output_multiplier, a->output_shift) + a->output_offset;
    return (int8_t)nn_clamp_s8(y, -128, 127);
}

NN_INLINE void nn_svdf_s8(const nn_svdf_s8_args *a)
{
    uint32_t *x = (uint32_t *)a->scratch;
    int8_t *output = a->output;
    for (int32_t batch = 0; batch < a->batches; batch++) {
        int32_t latest[4] = {0};
        uint32_t sum = 0;
        nn_vector_widen(x, a->input + batch * a->inputs, a->inputs);
        for (int32_t filter = 0; filter < a->filters; filter++) {
            if (filter % 4 == 0) {
                nn_svdf_filters(a, x, filter, latest);
            }
            if (filter % a->rank == 0) {
                sum = (uint32_t)a->bias[filter / a->rank];
            }
            sum += (uint32_t)nn_svdf_row(a, batch, filter, latest[filter % 4]);
            if ((filter + 1) % a->rank == 0) {
                *output++ = nn_svdf_output(a, sum);
            }
        }
    }
}

#endif
