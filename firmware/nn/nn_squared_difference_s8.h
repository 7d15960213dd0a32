/* nn_squared_difference_s8: int8 squared differences with rescaling and broadcasting.
 *
 * TFLM scales both inputs to 2^7 times a common step, twice the larger of the two scales; that input's factor is one
 * half.
 */
#ifndef NN_SQUARED_DIFFERENCE_S8_H
#define NN_SQUARED_DIFFERENCE_S8_H

#include "nn_bytes.h"
#include "nn_walk.h"

typedef struct {
    const int8_t *input1, *input2;
    int8_t *output;
    int32_t rank, dims[NN_WALK_DIMS], steps1[NN_WALK_DIMS], steps2[NN_WALK_DIMS]; /* outer loops */
    int32_t run, run_step1, run_step2;                                            /* innermost loop; steps 0 or 1 */
    int32_t input1_offset, input1_multiplier, input1_shift;
    int32_t input2_offset, input2_multiplier, input2_shift;
    int32_t output_offset, output_multiplier, output_shift;
} nn_squared_difference_s8_args;

NN_INLINE int8_t nn_squared_difference_one(const nn_squared_difference_s8_args *a, int32_t x1, int32_t x2)
{
    int32_t difference = nn_rescale_doubled((x1 + a->input1_offset) * 256, a->input1_multiplier, -a->input1_shift, 0) -
                         nn_rescale_doubled((x2 + a->input2_offset) * 256, a->input2_multiplier, -a->input2_shift, 0);
    int32_t y = nn_rescale(difference * difference, 30, a->output_multiplier, a->output_shift, a->output_offset);
    return (int8_t)nn_clamp_s8(y, -128, 127);
}

NN_INLINE void nn_squared_difference_run(const nn_squared_difference_s8_args *a, const int8_t *input1,
                                         const int8_t *input2, int8_t *output)
{
    int32_t left = a->run;
    for (; left >= 4; left -= 4) {
        NN_UNROLL(4)
        for (int32_t i = 0; i < 4; i++) {
            output[i] = nn_squared_difference_one(a, input1[i * a->run_step1], input2[i * a->run_step2]);
        }
        input1 += 4 * a->run_step1;
        input2 += 4 * a->run_step2;
        output += 4;
    }
    for (; left > 0; left--) {
        *output++ = nn_squared_difference_one(a, *input1, *input2);
        input1 += a->run_step1;
        input2 += a->run_step2;
    }
}

NN_INLINE void nn_squared_difference_s8(const nn_squared_difference_s8_args *a)
{
    nn_walk w = {{0}, 0, 0};
    int8_t *output = a->output;
    for (int32_t turn = nn_walk_turns(a->rank, a->dims); turn > 0; turn--) {
        nn_squared_difference_run(a, a->input1 + w.offset1, a->input2 + w.offset2, output);
        output += a->run;
        nn_walk_next(&w, a->rank, a->dims, a->steps1, a->steps2);
    }
}

#endif
