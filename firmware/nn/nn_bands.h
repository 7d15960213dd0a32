/* nn_bands.h: for layers that compute each other's rows band by band. */
#ifndef NN_BANDS_H
#define NN_BANDS_H

#include "nn.h"

NN_INLINE int32_t nn_smaller(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

#endif
