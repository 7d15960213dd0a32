/* nn_walk.h: the loops around the innermost one, for kernels that read with strides and write in order. */
#ifndef NN_WALK_H
#define NN_WALK_H

#include "nn.h"

#define NN_WALK_DIMS 7

/* How often each loop turned, and where two inputs stand. */
typedef struct {
    int32_t turns[NN_WALK_DIMS];
    int32_t offset1, offset2;
} nn_walk;

NN_INLINE int32_t nn_walk_turns(int32_t rank, const int32_t *dims)
{
    int32_t turns = 1;
    for (int32_t d = 0; d < rank; d++) {
        turns *= dims[d];
    }
    return turns;
}

/* To the next turn; dims are outermost first, steps are elements per turn of that loop. */
NN_INLINE void nn_walk_next(nn_walk *w, int32_t rank, const int32_t *dims, const int32_t *steps1, const int32_t *steps2)
{
    NN_UNROLL(7)
    for (int32_t d = rank - 1; d >= 0; d--) {
        w->offset1 += steps1[d];
        w->offset2 += steps2[d];
        if (++w->turns[d] < dims[d]) {
            return;
        }
        w->turns[d] = 0;
        w->offset1 -= steps1[d] * dims[d];
        w->offset2 -= steps2[d] * dims[d];
    }
}

#endif
