/* nn_bands.h: for layers that compute each other's rows band by band.
 *
 * A kernel that can do so takes first_row and rows, the output rows of one call, and finds input row r at place r modulo
 * input_ring, output row r at place r modulo output_ring. Where a whole tensor is held, the ring is its height.
 */
#ifndef NN_BANDS_H
#define NN_BANDS_H

#include "nn.h"

NN_INLINE int32_t nn_smaller(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* The place of row `row` in a ring of a tensor with `height` rows. */
NN_INLINE int32_t nn_ring_place(int32_t row, int32_t ring, int32_t height)
{
    return ring < height ? (int32_t)((uint32_t)row % (uint32_t)ring) : row;
}

#endif
