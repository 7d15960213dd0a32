/* nn_compare_s8: relations of int8 values (or truth values) as they are stored, with broadcasting, four at a time. */
#ifndef NN_COMPARE_S8_H
#define NN_COMPARE_S8_H

#include <stdbool.h>

#include "nn_bytes.h"
#include "nn_walk.h"

typedef struct {
    const void *input1, *input2;
    uint8_t *output;                                                              /* 0 or 1 */
    int32_t rank, dims[NN_WALK_DIMS], steps1[NN_WALK_DIMS], steps2[NN_WALK_DIMS]; /* outer loops */
    int32_t run, run_step1, run_step2;                                            /* innermost loop; steps 0 or 1 */
    bool equal;                                                                   /* else less */
    bool negated, swapped;
} nn_compare_s8_args;

/* 1 in each byte where the relation holds. */
NN_INLINE uint32_t nn_compare_word(const nn_compare_s8_args *a, uint32_t x1, uint32_t x2)
{
    uint32_t first = a->swapped ? x2 : x1;
    uint32_t second = a->swapped ? x1 : x2;
    uint32_t yes = a->negated ? 0 : 0x01010101u;
    uint32_t no = a->negated ? 0x01010101u : 0;
    return a->equal ? nn_pick_zero_u8x4(first ^ second, yes, no) : nn_pick_less_s8x4(first, second, yes, no);
}

NN_INLINE uint32_t nn_compare_operand(const int8_t *p, int32_t i, int32_t step)
{
    return step ? nn_load32(p + i) : nn_splat_s8x4(*p);
}

NN_INLINE void nn_compare_run(const nn_compare_s8_args *a, const int8_t *input1, const int8_t *input2, uint8_t *output)
{
    int32_t i = 0;
    for (; i + 4 <= a->run; i += 4) {
        uint32_t x1 = nn_compare_operand(input1, i, a->run_step1);
        uint32_t x2 = nn_compare_operand(input2, i, a->run_step2);
        nn_store32(output + i, nn_compare_word(a, x1, x2));
    }
    for (; i < a->run; i++) {
        uint32_t x1 = (uint8_t)input1[i * a->run_step1];
        uint32_t x2 = (uint8_t)input2[i * a->run_step2];
        output[i] = (uint8_t)(nn_compare_word(a, x1, x2) & 1u);
    }
}

NN_INLINE void nn_compare_s8(const nn_compare_s8_args *a)
{
    nn_walk w = {{0}, 0, 0};
    uint8_t *output = a->output;
    for (int32_t turn = nn_walk_turns(a->rank, a->dims); turn > 0; turn--) {
        nn_compare_run(a, (const int8_t *)a->input1 + w.offset1, (const int8_t *)a->input2 + w.offset2, output);
        output += a->run;
        nn_walk_next(&w, a->rank, a->dims, a->steps1, a->steps2);
    }
}

#endif
