/* nn_extremum_s16: the larger or smaller of two int16 values, with broadcasting. */
#ifndef NN_EXTREMUM_S16_H
#define NN_EXTREMUM_S16_H

#include "nn_walk.h"

typedef struct {
    const void *input1, *input2; /* int16 */
    void *output;                /* int16 */
    int32_t rank, dims[NN_WALK_DIMS], steps1[NN_WALK_DIMS], steps2[NN_WALK_DIMS]; /* outer loops */
    int32_t run, run_step1, run_step2;                                            /* innermost loop; steps 0 or 1 */
    int32_t largest;
} nn_extremum_s16_args;

NN_INLINE void nn_extremum_s16(const nn_extremum_s16_args *a)
{
    nn_walk w = {{0}, 0, 0};
    nn_half *output = (nn_half *)a->output;
    for (int32_t turn = nn_walk_turns(a->rank, a->dims); turn > 0; turn--) {
        const nn_half *input1 = (const nn_half *)a->input1 + w.offset1;
        const nn_half *input2 = (const nn_half *)a->input2 + w.offset2;
        NN_UNROLL(4)
        for (int32_t i = 0; i < a->run; i++) {
            int16_t x1 = input1[i * a->run_step1], x2 = input2[i * a->run_step2];
            output[i] = (a->largest ? x1 > x2 : x1 < x2) ? x1 : x2;
        }
        output += a->run;
        nn_walk_next(&w, a->rank, a->dims, a->steps1, a->steps2);
    }
}

#endif
