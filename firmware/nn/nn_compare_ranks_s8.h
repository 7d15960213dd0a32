/* nn_compare_ranks_s8: relations of int8 values of different scales, with broadcasting.
 *
 * A table per input gives the place of each of its values among the values of both; the places are compared.
 */
#ifndef NN_COMPARE_RANKS_S8_H
#define NN_COMPARE_RANKS_S8_H

#include <stdbool.h>

#include "nn_walk.h"

typedef struct {
    const int8_t *input1, *input2;
    const int16_t *ranks1, *ranks2; /* by the input's bits */
    uint8_t *output;                /* 0 or 1 */
    int32_t rank, dims[NN_WALK_DIMS], steps1[NN_WALK_DIMS], steps2[NN_WALK_DIMS]; /* outer loops */
    int32_t run, run_step1, run_step2;                                            /* innermost loop; steps 0 or 1 */
    bool equal;                                                                   /* else less */
    bool negated, swapped;
} nn_compare_ranks_s8_args;

NN_INLINE uint8_t nn_compare_ranks_one(const nn_compare_ranks_s8_args *a, int8_t x1, int8_t x2)
{
    int32_t place1 = a->ranks1[(uint8_t)x1];
    int32_t place2 = a->ranks2[(uint8_t)x2];
    bool holds = a->equal ? place1 == place2 : a->swapped ? place2 < place1 : place1 < place2;
    return holds != a->negated;
}

NN_INLINE void nn_compare_ranks_s8(const nn_compare_ranks_s8_args *a)
{
    nn_walk w = {{0}, 0, 0};
    uint8_t *output = a->output;
    for (int32_t turn = nn_walk_turns(a->rank, a->dims); turn > 0; turn--) {
        const int8_t *input1 = a->input1 + w.offset1;
        const int8_t *input2 = a->input2 + w.offset2;
        for (int32_t left = a->run; left > 0; left--) {
            *output++ = nn_compare_ranks_one(a, *input1, *input2);
            input1 += a->run_step1;
            input2 += a->run_step2;
        }
        nn_walk_next(&w, a->rank, a->dims, a->steps1, a->steps2);
    }
}

#endif
