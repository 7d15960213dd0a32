/* nn_update_slice_s8: copies an int8 tensor and writes another one over a part of it, row by row. */
#ifndef NN_UPDATE_SLICE_S8_H
#define NN_UPDATE_SLICE_S8_H

#include "nn.h"

#define NN_UPDATE_DIMS 6

typedef struct {
    const int8_t *input, *update;
    const int32_t *start;
    int8_t *output;
    int32_t count;                      /* elements of the whole */
    int32_t rank, dims[NN_UPDATE_DIMS]; /* of the part; the last is a row */
    int32_t steps[NN_UPDATE_DIMS];      /* of the whole */
    int32_t last[NN_UPDATE_DIMS];       /* largest start */
} nn_update_slice_s8_args;

NN_INLINE void nn_update_slice_s8(const nn_update_slice_s8_args *a)
{
    const int32_t row = a->dims[a->rank - 1];
    const int8_t *update = a->update;
    int32_t turns[NN_UPDATE_DIMS] = {0};
    int32_t place = 0;
    int32_t ended;
    if (a->output != a->input) {
        memcpy(a->output, a->input, (size_t)a->count);
    }
    for (int32_t d = 0; d < a->rank; d++) {
        place += nn_clamp(a->start[d], 0, a->last[d]) * a->steps[d];
    }
    do {
        memcpy(a->output + place, update, (size_t)row);
        update += row;
        ended = a->rank - 2;
        while (ended >= 0) {
            place += a->steps[ended];
            if (++turns[ended] < a->dims[ended]) {
                break;
            }
            turns[ended] = 0;
            place -= a->steps[ended] * a->dims[ended];
            ended--;
        }
    } while (ended >= 0);
}

#endif
