/* nn_squared_difference_s16: the square of int16 differences with rescaling and broadcasting.
 *
 * Both inputs are scaled to twice the larger step, so that the square fits 31 bits.
 */
#ifndef NN_SQUARED_DIFFERENCE_S16_H
#define NN_SQUARED_DIFFERENCE_S16_H

#include "nn_requantize_s16.h"
#include "nn_walk.h"

typedef struct {
    const void *input1, *input2; /* int16 */
    void *output;                /* int16 */
    int32_t rank, dims[NN_WALK_DIMS], steps1[NN_WALK_DIMS], steps2[NN_WALK_DIMS]; /* outer loops */
    int32_t run, run_step1, run_step2;                                            /* innermost loop; steps 0 or 1 */
    int32_t input1_multiplier, input1_shift;
    int32_t input2_multiplier, input2_shift;
    int32_t output_multiplier, output_shift;
} nn_squared_difference_s16_args;

NN_INLINE int16_t nn_squared_difference_s16_one(const nn_squared_difference_s16_args *a, int32_t x1, int32_t x2)
{
    int32_t difference = nn_requantize(x1, a->input1_multiplier, a->input1_shift) -
                         nn_requantize(x2, a->input2_multiplier, a->input2_shift);
    int32_t y = nn_requantize(difference * difference, a->output_multiplier, a->output_shift);
    return nn_clamp_s16(y, -32768, 32767);
}

NN_INLINE void nn_squared_difference_s16(const nn_squared_difference_s16_args *a)
{
    nn_walk w = {{0}, 0, 0};
    nn_half *output = (nn_half *)a->output;
    for (int32_t turn = nn_walk_turns(a->rank, a->dims); turn > 0; turn--) {
        const nn_half *input1 = (const nn_half *)a->input1 + w.offset1;
        const nn_half *input2 = (const nn_half *)a->input2 + w.offset2;
        NN_UNROLL(4)
        for (int32_t i = 0; i < a->run; i++) {
            output[i] = nn_squared_difference_s16_one(a, input1[i * a->run_step1], input2[i * a->run_step2]);
        }
        output += a->run;
        nn_walk_next(&w, a->rank, a->dims, a->steps1, a->steps2);
    }
}

#endif
