/* nn_mean_s8_x4: int8 means of four neighbouring columns at once: one load and two SXTAB16 per four summands.
 *
 * Needs four columns or more with step 1; where their number is no multiple of four, the last four overlap.
 */
#ifndef NN_MEAN_S8_X4_H
#define NN_MEAN_S8_X4_H

#include "nn_mean_s8.h"

NN_INLINE uint32_t nn_mean_word(const nn_mean_s8_args *a, const int8_t *p)
{
    nn_walk w = {{0}, 0, 0};
    nn_sums sums = nn_sum_s8x4(p, a->run, 1, a->run_step, 0);
    for (int32_t part = nn_walk_turns(a->reduced_rank, a->reduced_dims); part > 1; part--) {
        nn_walk_next(&w, a->reduced_rank, a->reduced_dims, a->reduced_steps, a->reduced_steps);
        nn_sums more = nn_sum_s8x4(p + w.offset1, a->run, 1, a->run_step, 0);
        for (int32_t i = 0; i < 4; i++) {
            sums.lane[i] += more.lane[i];
        }
    }
    return nn_pack_s8x4(nn_mean_of(a, sums.lane[0]), nn_mean_of(a, sums.lane[1]), nn_mean_of(a, sums.lane[2]),
                        nn_mean_of(a, sums.lane[3]));
}

NN_INLINE void nn_mean_s8_x4(const nn_mean_s8_args *a)
{
    nn_walk place = {{0}, 0, 0};
    int8_t *output = a->output;
    for (int32_t turn = nn_walk_turns(a->rank, a->dims); turn > 0; turn--) {
        for (int32_t column = 0; column < a->columns; column += 4) {
            int32_t at = column + 4 <= a->columns ? column : a->columns - 4;
            nn_store32(output + at, nn_mean_word(a, a->input + place.offset1 + at));
        }
        output += a->columns;
        nn_walk_next(&place, a->rank, a->dims, a->steps, a->steps);
    }
}

#endif
