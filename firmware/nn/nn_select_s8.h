/* nn_select_s8: int8 values of one tensor where a condition holds, else of another, four at a time, broadcasting. */
#ifndef NN_SELECT_S8_H
#define NN_SELECT_S8_H

#include "nn_bytes.h"
#include "nn_walk.h"

typedef struct {
    const uint8_t *condition; /* 0 or 1 */
    const int8_t *input1, *input2;
    int8_t *output;
    int32_t rank, dims[NN_WALK_DIMS];                                                        /* outer loops */
    int32_t condition_steps[NN_WALK_DIMS], steps1[NN_WALK_DIMS], steps2[NN_WALK_DIMS];
    int32_t run, condition_step, run_step1, run_step2; /* innermost loop; steps 0 or 1 */
} nn_select_s8_args;

NN_INLINE uint32_t nn_select_operand(const void *p, int32_t i, int32_t step)
{
    const uint8_t *bytes = p;
    return step ? nn_load32(bytes + i) : *bytes * 0x01010101u;
}

NN_INLINE void nn_select_run(const nn_select_s8_args *a, const uint8_t *condition, const int8_t *input1,
                             const int8_t *input2, int8_t *output)
{
    int32_t i = 0;
    for (; i + 4 <= a->run; i += 4) {
        uint32_t word = nn_select_operand(condition, i, a->condition_step);
        uint32_t x1 = nn_select_operand(input1, i, a->run_step1);
        uint32_t x2 = nn_select_operand(input2, i, a->run_step2);
        nn_store32(output + i, nn_pick_zero_u8x4(word, x2, x1));
    }
    for (; i < a->run; i++) {
        output[i] = condition[i * a->condition_step] ? input1[i * a->run_step1] : input2[i * a->run_step2];
    }
}

NN_INLINE void nn_select_s8(const nn_select_s8_args *a)
{
    nn_walk values = {{0}, 0, 0};
    nn_walk conditions = {{0}, 0, 0};
    int8_t *output = a->output;
    for (int32_t turn = nn_walk_turns(a->rank, a->dims); turn > 0; turn--) {
        nn_select_run(a, a->condition + conditions.offset1, a->input1 + values.offset1, a->input2 + values.offset2,
                      output);
        output += a->run;
        nn_walk_next(&values, a->rank, a->dims, a->steps1, a->steps2);
        nn_walk_next(&conditions, a->rank, a->dims, a->condition_steps, a->condition_steps);
    }
}

#endif
