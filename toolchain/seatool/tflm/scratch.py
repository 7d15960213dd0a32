"""Memory that the kernels of CMSIS-NN ask for on a core with DSP instructions, beside what the reference kernels need.

Source: CMSIS-NN 4ab83cc3, functions ``arm_*_get_buffer_size``; TFLM 90b983c2, micro/kernels/cmsis_nn. Where a size
depends on more than shapes, it is the largest possible.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from seatool.importers.tflite.records import RawModel, RawOp, RawTensor
from seatool.kernels import Field
from seatool.tflm.lifetimes import aligned

Operands = list[RawTensor]
"""Inputs that are there, then outputs."""

_LSTM_PARAMETERS = 224

_STRIDES = (Field("stride_w", 1, "int32"), Field("stride_h", 2, "int32"))


def buffers(op: RawOp, model: RawModel) -> tuple[int, ...]:
    """Bytes of each scratch buffer that ``op`` has while it runs; () for operators without a CMSIS-NN kernel."""
    sizes = _SCRATCH.get(op.kind)
    return sizes(op, operands(op, model)) if sizes and _is_quantized(op, model) else ()


def persistent(op: RawOp, model: RawModel) -> int:
    """Bytes that ``op`` keeps for good: an LSTM its parameters, and sums of the weights of its eight matrices."""
    if op.kind != "UNIDIRECTIONAL_SEQUENCE_LSTM":
        return 0
    units = model.tensors[op.outputs[0]].shape[-1]
    bias = 4 if _name(model.tensors[op.inputs[0]]) == "INT8" else 8
    return _LSTM_PARAMETERS + (8 * aligned(units * bias) if _is_quantized(op, model) else 0)


def operands(op: RawOp, model: RawModel) -> Operands:
    """The tensors of ``op``: inputs that are there, then outputs."""
    return [model.tensors[index] for index in (*op.inputs, *op.outputs) if index >= 0]


def _is_quantized(op: RawOp, model: RawModel) -> bool:
    return bool(op.inputs) and _name(model.tensors[op.inputs[0]]) in ("INT8", "INT16")


def _name(tensor: RawTensor) -> str:
    return tensor.type.name


def _convolution(op: RawOp, tensors: Operands) -> tuple[int, ...]:
    """Two columns of the input's patches as int16; none for int8 with a kernel of one pixel."""
    _, height, width, channels = tensors[1].shape
    if _name(tensors[0]) == "INT16":
        return (4 * height * width * channels,)
    return () if height == width == 1 else (4 * aligned(height * width * channels, 4),)


def _depthwise(op: RawOp, tensors: Operands) -> tuple[int, ...]:
    """One patch as int16; none for int8 with a kernel of 3x3 pixels or several outputs per channel."""
    _, height, width, channels = tensors[1].shape
    if _name(tensors[0]) == "INT8" and (height == width == 3 or channels != tensors[0].shape[-1]):
        return ()
    return (2 * height * width * channels,)


def _average(op: RawOp, tensors: Operands) -> tuple[int, ...]:
    """An int32 sum per channel."""
    return (4 * tensors[0].shape[-1],)


def _fully_connected(op: RawOp, tensors: Operands) -> tuple[int, ...]:
    """Multiplier and shift per channel, where it is computed as a convolution with a kernel of one pixel."""
    output = tensors[-1].shape
    return (8 * output[-1],) if len(output) > 2 and _name(tensors[0]) == "INT8" else ()


def _transposed(op: RawOp, tensors: Operands) -> tuple[int, ...]:
    """As an ordinary convolution with the kernel reversed, or rows of int32 sums: the larger of both."""
    _, weights, source, *_ = tensors
    channels, height, width, depth = weights.shape
    stride = op.fields(_STRIDES)
    columns = (source.shape[2] - 1) * stride["stride_w"] + max(width, stride["stride_h"])
    rows = max(height, stride["stride_h"])
    return max(4 * aligned(height * width * depth, 4), 4 * columns * channels * rows), math.prod(weights.shape)


_SCRATCH: dict[str, Callable[[RawOp, Operands], tuple[int, ...]]] = {
    "AVERAGE_POOL_2D": _average,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _fully_connected,
    "TRANSPOSE_CONV": _transposed,
}
