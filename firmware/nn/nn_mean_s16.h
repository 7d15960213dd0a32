/* nn_mean_s16: int16 means and sums over any axes, one output at a time. */
#ifndef NN_MEAN_S16_H
#define NN_MEAN_S16_H

#include "nn_requantize_s16.h"
#include "nn_walk.h"

typedef struct {
    const void *input; /* int16 */
    void *output;      /* int16 */
    int32_t rank, dims[NN_WALK_DIMS], steps[NN_WALK_DIMS]; /* outer loops over the output */
    int32_t columns, column_step;                          /* its innermost loop */
    int32_t reduced_rank, reduced_dims[NN_WALK_DIMS], reduced_steps[NN_WALK_DIMS]; /* outer loops over summands */
    int32_t run, run_step;                                                         /* their innermost loop */
    int32_t output_multiplier, output_shift;
} nn_mean_s16_args;

/* The sum of the summands from `p` on. */
NN_INLINE int32_t nn_mean_sum_s16(const nn_mean_s16_args *a, const nn_half *p)
{
    nn_walk w = {{0}, 0, 0};
    int32_t sum = 0;
    for (int32_t part = nn_walk_turns(a->reduced_rank, a->reduced_dims); part > 0; part--) {
        NN_UNROLL(4)
        for (int32_t i = 0; i < a->run; i++) {
            sum += p[w.offset1 + i * a->run_step];
        }
        nn_walk_next(&w, a->reduced_rank, a->reduced_dims, a->reduced_steps, a->reduced_steps);
    }
    return sum;
}

NN_INLINE void nn_mean_s16(const nn_mean_s16_args *a)
{
    nn_walk place = {{0}, 0, 0};
    nn_half *output = a->output;
    for (int32_t turn = nn_walk_turns(a->rank, a->dims); turn > 0; turn--) {
        for (int32_t column = 0; column < a->columns; column++) {
            const nn_half *first = (const nn_half *)a->input + place.offset1 + column * a->column_step;
            const int32_t sum = nn_mean_sum_s16(a, first);
            const int32_t scaled = nn_requantize(sum, a->output_multiplier, a->output_shift);
            *output++ = nn_clamp_s16(scaled, -32768, 32767);
        }
        nn_walk_next(&place, a->rank, a->dims, a->steps, a->steps);
    }
}

#endif
