/* nn_logical: truth values (bytes of 0 or 1), four at a time: and, or, not. */
#ifndef NN_LOGICAL_H
#define NN_LOGICAL_H

#include <stdbool.h>

#include "nn_bytes.h"
#include "nn_walk.h"

typedef struct {
    const uint8_t *input1, *input2;
    uint8_t *output;
    int32_t rank, dims[NN_WALK_DIMS], steps1[NN_WALK_DIMS], steps2[NN_WALK_DIMS]; /* outer loops */
    int32_t run, run_step1, run_step2;                                            /* innermost loop; steps 0 or 1 */
    bool all;                                                                     /* and, else or */
} nn_logical_args;

typedef struct {
    const uint8_t *input;
    uint8_t *output;
    int32_t count;
} nn_logical_not_args;

NN_INLINE uint32_t nn_logical_operand(const uint8_t *p, int32_t i, int32_t step)
{
    return step ? nn_load32(p + i) : *p * 0x01010101u;
}

NN_INLINE void nn_logical_run(const nn_logical_args *a, const uint8_t *input1, const uint8_t *input2, uint8_t *output)
{
    int32_t i = 0;
    for (; i + 4 <= a->run; i += 4) {
        uint32_t x1 = nn_logical_operand(input1, i, a->run_step1);
        uint32_t x2 = nn_logical_operand(input2, i, a->run_step2);
        nn_store32(output + i, a->all ? x1 & x2 : x1 | x2);
    }
    for (; i < a->run; i++) {
        uint8_t x1 = input1[i * a->run_step1];
        uint8_t x2 = input2[i * a->run_step2];
        output[i] = a->all ? x1 & x2 : x1 | x2;
    }
}

NN_INLINE void nn_logical(const nn_logical_args *a)
{
    nn_walk w = {{0}, 0, 0};
    uint8_t *output = a->output;
    for (int32_t turn = nn_walk_turns(a->rank, a->dims); turn > 0; turn--) {
        nn_logical_run(a, a->input1 + w.offset1, a->input2 + w.offset2, output);
        output += a->run;
        nn_walk_next(&w, a->rank, a->dims, a->steps1, a->steps2);
    }
}

NN_INLINE void nn_logical_not(const nn_logical_not_args *a)
{
    int32_t i = 0;
    for (; i + 4 <= a->count; i += 4) {
        nn_store32(a->output + i, nn_load32(a->input + i) ^ 0x01010101u);
    }
    for (; i < a->count; i++) {
        a->output[i] = a->input[i] ^ 1;
    }
}

#endif
