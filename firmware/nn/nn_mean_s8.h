/* nn_mean_s8: int8 means over any axes, one output at a time; runs of neighbours are summed four at a time. */
#ifndef NN_MEAN_S8_H
#define NN_MEAN_S8_H

#include "nn_bytes.h"
#include "nn_sums.h"
#include "nn_walk.h"

typedef struct {
    const int8_t *input;
    int8_t *output;
    int32_t rank, dims[NN_WALK_DIMS], steps[NN_WALK_DIMS]; /* outer loops over the output */
    int32_t columns, column_step;                          /* its innermost loop */
    int32_t reduced_rank, reduced_dims[NN_WALK_DIMS], reduced_steps[NN_WALK_DIMS]; /* outer loops over summands */
    int32_t run, run_step;                                                         /* their innermost loop */
    int32_t sum_offset; /* -zero point times the number of summands */
    int32_t output_offset, output_multiplier, output_shift;
} nn_mean_s8_args;

NN_INLINE int32_t nn_mean_of(const nn_mean_s8_args *a, int32_t sum)
{
    int32_t scaled = nn_requantize(sum + a->sum_offset, a->output_multiplier, a->output_shift);
    return nn_clamp_s8(nn_wrapping_sum(scaled, a->output_offset), -128, 127);
}

NN_INLINE int32_t nn_mean_run(const nn_mean_s8_args *a, const int8_t *p)
{
    int32_t sum = 0;
    int32_t i = 0;
    if (a->run_step == 1 && a->run >= 4) {
        nn_sums sums = nn_sum_s8x4(p, a->run / 4, 1, 4, 0);
        sum = sums.lane[0] + sums.lane[1] + sums.lane[2] + sums.lane[3];
        i = a->run / 4 * 4;
    }
    for (; i < a->run; i++) {
        sum += p[i * a->run_step];
    }
    return sum;
}

NN_INLINE void nn_mean_s8(const nn_mean_s8_args *a)
{
    nn_walk place = {{0}, 0, 0};
    int8_t *output = a->output;
    for (int32_t turn = nn_walk_turns(a->rank, a->dims); turn > 0; turn--) {
        for (int32_t column = 0; column < a->columns; column++) {
            const int8_t *p = a->input + place.offset1 + column * a->column_step;
            nn_walk w = {{0}, 0, 0};
            int32_t sum = 0;
            for (int32_t part = nn_walk_turns(a->reduced_rank, a->reduced_dims); part > 0; part--) {
                sum += nn_mean_run(a, p + w.offset1);
                nn_walk_next(&w, a->reduced_rank, a->reduced_dims, a->reduced_steps, a->reduced_steps);
            }
            *output++ = (int8_t)nn_mean_of(a, sum);
        }
        nn_walk_next(&place, a->rank, a->dims, a->steps, a->steps);
    }
}

#endif
