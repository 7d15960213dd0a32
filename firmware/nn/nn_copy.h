/* nn_copy: bytes from one place to another. */
#ifndef NN_COPY_H
#define NN_COPY_H

#include "nn.h"

typedef struct {
    const void *input;
    void *output;
    int32_t bytes;
} nn_copy_args;

NN_INLINE void nn_copy(const nn_copy_args *a)
{
    memcpy(a->output, a->input, (size_t)a->bytes);
}

#endif
