/* nn_prelu_s8: int8 values, multiplied by a slope where they are negative, with rescaling and broadcasting. */
#ifndef NN_PRELU_S8_H
#define NN_PRELU_S8_H

#include "nn_bytes.h"
#include "nn_walk.h"

typedef struct {
    const int8_t *input1, *input2; /* values and slopes */
    int8_t *output;
    int32_t rank, dims[NN_WALK_DIMS], steps1[NN_WALK_DIMS], steps2[NN_WALK_DIMS]; /* outer loops */
    int32_t run, run_step1, run_step2;                                            /* innermost loop; steps 0 or 1 */
    int32_t input1_offset, input2_offset, output_offset;
    int32_t multiplier1, shift1; /* of values */
    int32_t multiplier2, shift2; /* of values times slopes */
} nn_prelu_s8_args;

NN_INLINE int8_t nn_prelu_one(const nn_prelu_s8_args *a, int32_t x, int32_t slope)
{
    int32_t value = x + a->input1_offset;
    int32_t y = value >= 0 ? nn_rescale(value, 8, a->multiplier1, a->shift1, a->output_offset)
                           : nn_rescale(value * (slope + a->input2_offset), 16, a->multiplier2, a->shift2,
                                        a->output_offset);
    return (int8_t)nn_clamp_s8(y, -128, 127);
}

NN_INLINE void nn_prelu_s8(const nn_prelu_s8_args *a)
{
    nn_walk w = {{0}, 0, 0};
    int8_t *output = a->output;
    for (int32_t turn = nn_walk_turns(a->rank, a->dims); turn > 0; turn--) {
        const int8_t *input1 = a->input1 + w.offset1;
        const int8_t *input2 = a->input2 + w.offset2;
        for (int32_t left = a->run; left > 0; left--) {
            *output++ = nn_prelu_one(a, *input1, *input2);
            input1 += a->run_step1;
            input2 += a->run_step2;
        }
        nn_walk_next(&w, a->rank, a->dims, a->steps1, a->steps2);
    }
}

#endif
