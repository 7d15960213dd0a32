/* nn_gather_s8: writes bytes in order that are read with strides: SLICE, STRIDED_SLICE, TRANSPOSE,
 * REVERSE_V2, BROADCAST_TO, DEPTH_TO_SPACE and SPACE_TO_DEPTH.
 */
#ifndef NN_GATHER_S8_H
#define NN_GATHER_S8_H

#include "nn_walk.h"

typedef struct {
    const void *input;
    void *output;
    int32_t first;                                           /* byte that comes first */
    int32_t rank, dims[NN_WALK_DIMS], steps[NN_WALK_DIMS]; /* outer loops */
    int32_t run, run_step;                                   /* innermost loop */
} nn_gather_s8_args;

NN_INLINE void nn_gather_run(const nn_gather_s8_args *a, const int8_t *input, int8_t *output)
{
    if (a->run_step == 1) {
        memcpy(output, input, (size_t)a->run);
        return;
    }
    int32_t left = a->run;
    for (; left >= 4; left -= 4, input += 4 * a->run_step, output += 4) {
        NN_UNROLL(4)
        for (int32_t i = 0; i < 4; i++) {
            output[i] = input[i * a->run_step];
        }
    }
    for (int32_t i = 0; i < left; i++) {
        output[i] = input[i * a->run_step];
    }
}

NN_INLINE void nn_gather_s8(const nn_gather_s8_args *a)
{
    nn_walk w = {{0}, 0, 0};
    const int8_t *input = (const int8_t *)a->input + a->first;
    int8_t *output = (int8_t *)a->output;
    for (int32_t turn = nn_walk_turns(a->rank, a->dims); turn > 0; turn--) {
        nn_gather_run(a, input + w.offset1, output);
        output += a->run;
        nn_walk_next(&w, a->rank, a->dims, a->steps, a->steps);
    }
}

/* The same where the innermost loop repeats one element (run_step 0). */
NN_INLINE void nn_gather_repeated_s8(const nn_gather_s8_args *a)
{
    nn_walk w = {{0}, 0, 0};
    const int8_t *input = (const int8_t *)a->input + a->first;
    int8_t *output = (int8_t *)a->output;
    for (int32_t turn = nn_walk_turns(a->rank, a->dims); turn > 0; turn--) {
        memset(output, input[w.offset1], (size_t)a->run);
        output += a->run;
        nn_walk_next(&w, a->rank, a->dims, a->steps, a->steps);
    }
}

#endif
