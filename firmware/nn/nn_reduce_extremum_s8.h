/* nn_reduce_extremum_s8: the largest or smallest of int8 values (or truth values) over any axes.
 *
 * The second kernel computes four neighbouring columns at once; it needs four or more of them with step 1, and where
 * their number is no multiple of four, the last four overlap.
 */
#ifndef NN_REDUCE_EXTREMUM_S8_H
#define NN_REDUCE_EXTREMUM_S8_H

#include <stdbool.h>

#include "nn_bytes.h"
#include "nn_walk.h"

typedef struct {
    const void *input;
    void *output;
    int32_t rank, dims[NN_WALK_DIMS], steps[NN_WALK_DIMS]; /* outer loops over the output */
    int32_t columns, column_step;                          /* its innermost loop */
    int32_t reduced_rank, reduced_dims[NN_WALK_DIMS], reduced_steps[NN_WALK_DIMS]; /* outer loops over the values */
    int32_t run, run_step;                                                         /* their innermost loop */
    bool largest;
} nn_reduce_extremum_args;

NN_INLINE uint32_t nn_extremum_s8x4(const nn_reduce_extremum_args *a, uint32_t x, uint32_t y)
{
    return a->largest ? nn_max_s8x4(x, y) : nn_min_s8x4(x, y);
}

NN_INLINE int32_t nn_extremum_of(const nn_reduce_extremum_args *a, int32_t x, int32_t y)
{
    return (x > y) == a->largest ? x : y;
}

/* The extremum of `best` and a run of values. */
NN_INLINE int32_t nn_reduce_extremum_run(const nn_reduce_extremum_args *a, const int8_t *p, int32_t best)
{
    int32_t i = 0;
    if (a->run_step == 1 && a->run >= 4) {
        uint32_t word = nn_load32(p);
        for (i = 4; i + 4 <= a->run; i += 4) {
            word = nn_extremum_s8x4(a, word, nn_load32(p + i));
        }
        word = nn_extremum_s8x4(a, word, word >> 16 | word << 16);
        word = nn_extremum_s8x4(a, word, word >> 8 | word << 24);
        best = nn_extremum_of(a, best, (int8_t)(word & 0xffu));
    }
    for (; i < a->run; i++) {
        best = nn_extremum_of(a, best, p[i * a->run_step]);
    }
    return best;
}

NN_INLINE void nn_reduce_extremum_s8(const nn_reduce_extremum_args *a)
{
    nn_walk place = {{0}, 0, 0};
    int8_t *output = a->output;
    for (int32_t turn = nn_walk_turns(a->rank, a->dims); turn > 0; turn--) {
        for (int32_t column = 0; column < a->columns; column++) {
            const int8_t *p = (const int8_t *)a->input + place.offset1 + column * a->column_step;
            nn_walk w = {{0}, 0, 0};
            int32_t best = *p;
            for (int32_t part = nn_walk_turns(a->reduced_rank, a->reduced_dims); part > 0; part--) {
                best = nn_reduce_extremum_run(a, p + w.offset1, best);
                nn_walk_next(&w, a->reduced_rank, a->reduced_dims, a->reduced_steps, a->reduced_steps);
            }
            *output++ = (int8_t)best;
        }
        nn_walk_next(&place, a->rank, a->dims, a->steps, a->steps);
    }
}

NN_INLINE uint32_t nn_reduce_extremum_word(const nn_reduce_extremum_args *a, const int8_t *p)
{
    nn_walk w = {{0}, 0, 0};
    uint32_t best = nn_load32(p);
    for (int32_t part = nn_walk_turns(a->reduced_rank, a->reduced_dims); part > 0; part--) {
        for (int32_t i = 0; i < a->run; i++) {
            best = nn_extremum_s8x4(a, best, nn_load32(p + w.offset1 + i * a->run_step));
        }
        nn_walk_next(&w, a->reduced_rank, a->reduced_dims, a->reduced_steps, a->reduced_steps);
    }
    return best;
}

NN_INLINE void nn_reduce_extremum_s8_x4(const nn_reduce_extremum_args *a)
{
    nn_walk place = {{0}, 0, 0};
    int8_t *output = a->output;
    for (int32_t turn = nn_walk_turns(a->rank, a->dims); turn > 0; turn--) {
        for (int32_t column = 0; column < a->columns; column += 4) {
            int32_t at = column + 4 <= a->columns ? column : a->columns - 4;
            nn_store32(output + at, nn_reduce_extremum_word(a, (const int8_t *)a->input + place.offset1 + at));
        }
        output += a->columns;
        nn_walk_next(&place, a->rank, a->dims, a->steps, a->steps);
    }
}

#endif
