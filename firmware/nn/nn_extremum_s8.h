/* nn_extremum_s8: elementwise int8 maximum or minimum with broadcasting, four elements at a time. */
#ifndef NN_EXTREMUM_S8_H
#define NN_EXTREMUM_S8_H

#include <stdbool.h>

#include "nn_bytes.h"
#include "nn_walk.h"

typedef struct {
    const int8_t *input1, *input2;
    int8_t *output;
    int32_t rank, dims[NN_WALK_DIMS], steps1[NN_WALK_DIMS], steps2[NN_WALK_DIMS]; /* outer loops */
    int32_t run, run_step1, run_step2;                                            /* innermost loop; steps 0 or 1 */
    bool largest;
} nn_extremum_s8_args;

/* The next word of an operand, or its one value in every lane. */
NN_INLINE uint32_t nn_extremum_word(const int8_t *p, int32_t i, int32_t step)
{
    return step ? nn_load32(p + i) : nn_splat_s8x4(*p);
}

NN_INLINE void nn_extremum_run(const nn_extremum_s8_args *a, const int8_t *input1, const int8_t *input2, int8_t *output)
{
    int32_t i = 0;
    for (; i + 4 <= a->run; i += 4) {
        uint32_t x1 = nn_extremum_word(input1, i, a->run_step1);
        uint32_t x2 = nn_extremum_word(input2, i, a->run_step2);
        nn_store32(output + i, a->largest ? nn_max_s8x4(x1, x2) : nn_min_s8x4(x1, x2));
    }
    for (; i < a->run; i++) {
        int8_t x1 = input1[i * a->run_step1];
        int8_t x2 = input2[i * a->run_step2];
        output[i] = (x1 > x2) == a->largest ? x1 : x2;
    }
}

NN_INLINE void nn_extremum_s8(const nn_extremum_s8_args *a)
{
    nn_walk w = {{0}, 0, 0};
    int8_t *output = a->output;
    for (int32_t turn = nn_walk_turns(a->rank, a->dims); turn > 0; turn--) {
        nn_extremum_run(a, a->input1 + w.offset1, a->input2 + w.offset2, output);
        output += a->run;
        nn_walk_next(&w, a->rank, a->dims, a->steps1, a->steps2);
    }
}

#endif
