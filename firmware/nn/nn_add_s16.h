/* nn_add_s16: int16 addition and subtraction with rescaling and broadcasting, about 14 instructions per element.
 *
 * As nn_add_s8, with zero points of 0 and 2^15 times the common step.
 */
#ifndef NN_ADD_S16_H
#define NN_ADD_S16_H

#include "nn_requantize_s16.h"
#include "nn_walk.h"

typedef struct {
    const void *input1, *input2; /* int16 */
    void *output;                /* int16 */
    int32_t rank, dims[NN_WALK_DIMS], steps1[NN_WALK_DIMS], steps2[NN_WALK_DIMS]; /* outer loops */
    int32_t run, run_step1, run_step2;                                            /* innermost loop; steps 0 or 1 */
    int32_t input1_multiplier, input1_shift;
    int32_t input2_multiplier, input2_shift, input2_sign;
    int32_t output_multiplier, output_shift, output_min, output_max;
} nn_add_s16_args;

/* Twice an input on the common scale; no shift is to the left. */
NN_INLINE int32_t nn_add_s16_term(int32_t x, int32_t multiplier, int32_t shift)
{
    if (multiplier == 1 << 30 && shift == 0) {
        return x * (1 << 15);
    }
    return 2 * nn_rescale_doubled(x * (1 << 16), multiplier, -shift, 0);
}

NN_INLINE int16_t nn_add_s16_one(const nn_add_s16_args *a, int32_t x1, int32_t x2)
{
    int32_t doubled = nn_add_s16_term(x1, a->input1_multiplier, a->input1_shift) +
                      a->input2_sign * nn_add_s16_term(x2, a->input2_multiplier, a->input2_shift);
    int32_t y = nn_rescale_doubled(doubled, a->output_multiplier, -a->output_shift, 0);
    return nn_clamp_s16(y, a->output_min, a->output_max);
}

NN_INLINE void nn_add_s16(const nn_add_s16_args *a)
{
    nn_walk w = {{0}, 0, 0};
    nn_half *output = (nn_half *)a->output;
    for (int32_t turn = nn_walk_turns(a->rank, a->dims); turn > 0; turn--) {
        const nn_half *input1 = (const nn_half *)a->input1 + w.offset1;
        const nn_half *input2 = (const nn_half *)a->input2 + w.offset2;
        NN_UNROLL(4)
        for (int32_t i = 0; i < a->run; i++) {
            output[i] = nn_add_s16_one(a, input1[i * a->run_step1], input2[i * a->run_step2]);
        }
        output += a->run;
        nn_walk_next(&w, a->rank, a->dims, a->steps1, a->steps2);
    }
}

#endif
