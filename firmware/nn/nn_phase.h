/* nn_phase.h: the outputs of a transposed convolution along an axis, stride by stride. */
#ifndef NN_PHASE_H
#define NN_PHASE_H

#include "nn.h"

/* Outputs of a phase along an axis: `count` from `first` on; `taps` of each; places before the input's first. */
typedef struct {
    int32_t first, count, taps, before;
} nn_phase;

NN_INLINE nn_phase nn_phase_of(int32_t remainder, int32_t size, int32_t kernel, int32_t stride, int32_t pad)
{
    int32_t turn = pad > remainder ? (pad - remainder + stride - 1) / stride : 0;
    int32_t first = stride * turn + remainder - pad;
    int32_t taps = remainder < kernel ? (kernel - remainder + stride - 1) / stride : 1;
    return (nn_phase){first, first < size ? (size - first + stride - 1) / stride : 0, taps, taps - 1 - turn};
}

#endif
