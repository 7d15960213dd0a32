/* nn_mul_s16: int16 multiplication with rescaling and broadcasting, about 11 instructions per element. */
#ifndef NN_MUL_S16_H
#define NN_MUL_S16_H

#include "nn_requantize_s16.h"
#include "nn_walk.h"

typedef struct {
    const void *input1, *input2; /* int16 */
    void *output;                /* int16 */
    int32_t rank, dims[NN_WALK_DIMS], steps1[NN_WALK_DIMS], steps2[NN_WALK_DIMS]; /* outer loops */
    int32_t run, run_step1, run_step2;                                            /* innermost loop; steps 0 or 1 */
    int32_t output_multiplier, output_shift, output_min, output_max;
} nn_mul_s16_args;

NN_INLINE void nn_mul_s16(const nn_mul_s16_args *a)
{
    nn_walk w = {{0}, 0, 0};
    nn_half *output = (nn_half *)a->output;
    for (int32_t turn = nn_walk_turns(a->rank, a->dims); turn > 0; turn--) {
        const nn_half *input1 = (const nn_half *)a->input1 + w.offset1;
        const nn_half *input2 = (const nn_half *)a->input2 + w.offset2;
        NN_UNROLL(4)
        for (int32_t i = 0; i < a->run; i++) {
            int32_t product = input1[i * a->run_step1] * input2[i * a->run_step2];
            int32_t y = nn_requantize(product, a->output_multiplier, a->output_shift);
            output[i] = nn_clamp_s16(y, a->output_min, a->output_max);
        }
        output += a->run;
        nn_walk_next(&w, a->rank, a->dims, a->steps1, a->steps2);
    }
}

#endif
