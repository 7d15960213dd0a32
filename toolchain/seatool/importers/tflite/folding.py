"""What can be computed while importing: weights stored in another type, and arithmetic on shapes.

A converter that leaves the batch open writes SHAPE, STRIDED_SLICE and PACK in front of RESHAPE; with the batch of one
that the firmware runs, all of that is constant. Weights in float16, or in int8 beside float activations, are stored
small but meant as float32.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from seatool.importers.tflite import schema
from seatool.importers.tflite.records import RawModel, RawOp, RawTensor
from seatool.importers.tflite.settling import settle_shapes, with_pad
from seatool.ir import Array, dequantize_values

_FLOAT32 = schema.ELEMENT_TYPES[0]
_LONGEST_SHAPE = 64
_IGNORE_SHAPES = ("RESHAPE", "TRANSPOSE_CONV")
"""Operators of which TFLM takes the output's shape from its tensor; others may want their arguments constant."""


def fold(model: RawModel) -> None:
    """Replace what is constant by its value, and settle the shapes of what is not, in place."""
    kept = []
    computed: set[int] = set()
    for op in model.ops:
        value = _value(op, model)
        if value is None:
            for part in with_pad(op, model):
                settle_shapes(part, model)
                kept.append(part)
        else:
            _set(model.tensors[op.outputs[0]], value)
            computed.update(op.outputs if value.dtype.kind == "i" else ())
    model.ops = kept
    if any(computed & set(op.inputs) for op in kept if op.kind not in _IGNORE_SHAPES):
        model.rewritten["shapes that the file computes are constants"] = None
    _fold_hybrid_weights(model)


def _set(tensor: RawTensor, value: Array) -> None:
    code = next(kind for kind in schema.ELEMENT_TYPES if kind.numpy == value.dtype.name)
    tensor.type, tensor.data, tensor.shape, tensor.stored, tensor.quant = code, value, value.shape, True, None


def _value(op: RawOp, model: RawModel) -> Array | None:
    """The constant that ``op`` computes; None when it depends on the input or is none of our business."""
    inputs = [model.tensors[i] for i in op.inputs if i >= 0]
    if len(op.outputs) != 1 or not inputs:
        return None
    target = model.tensors[op.outputs[0]].type.numpy
    if op.kind == "SHAPE":
        return np.array(inputs[0].shape, target or "int32")
    if op.kind == "DEQUANTIZE":
        return _dequantized(inputs[0])
    arrays = [t.data for t in inputs if t.data is not None]
    small = all(a.dtype.kind == "i" and a.size <= _LONGEST_SHAPE for a in arrays)
    if len(arrays) < len(inputs) or not small:
        return None
    if op.kind == "CAST" and target in ("int32", "int64"):
        return arrays[0].astype(target)
    if op.kind not in _SHAPE_ARITHMETIC:
        return None
    try:
        with np.errstate(all="ignore"):
            value = np.asarray(_SHAPE_ARITHMETIC[op.kind](op, arrays))
    except (ValueError, IndexError, TypeError):
        return None  # malformed: left in the graph, where it is reported with its place
    known = value.dtype.name in {kind.numpy for kind in schema.ELEMENT_TYPES}
    return value if known and value.size <= _LONGEST_SHAPE else None


def _dequantized(tensor: RawTensor) -> Array | None:
    """The real values of a constant as float32; None when it is no constant or has no quantization."""
    if tensor.data is None:
        return None
    if tensor.data.dtype.kind == "f":
        return tensor.data.astype(np.float32)
    if tensor.quant is None:
        return None
    return dequantize_values(tensor.data, tensor.quant)


def _fold_hybrid_weights(model: RawModel) -> None:
    """Quantized constants that only float operators use become float32 (dynamic range quantization)."""
    users: dict[int, list[RawOp]] = {}
    for op in model.ops:
        for index in op.inputs:
            users.setdefault(index, []).append(op)
    for tensor in model.tensors:
        if tensor.data is None or tensor.data.dtype not in (np.int8, np.int16) or tensor.quant is None:
            continue
        ops = users.get(tensor.index, [])
        if ops and all(op.outputs and model.tensors[op.outputs[0]].type is _FLOAT32 for op in ops):
            value = _dequantized(tensor)
            assert value is not None
            _set(tensor, value)


def _integer(op: RawOp, slot: int) -> int:
    return 0 if op.options is None else int(op.options.scalar(slot, "int32"))


def _strided_slice(op: RawOp, x: list[Array]) -> Array:
    """A slice of a shape: one dimension. Masks: slot 0 begin, 1 end, 2 ellipsis, 3 new axis, 4 shrink axis."""
    values, begin, end, stride = x
    masks = [_integer(op, slot) for slot in range(5)]
    if values.ndim != 1 or begin.shape != (1,) or masks[2] or masks[3]:
        raise ValueError("not a slice of a shape")
    start = None if masks[0] & 1 else int(begin[0])
    if masks[4] & 1:
        return np.asarray(values[int(begin[0])])
    return values[start : None if masks[1] & 1 else int(end[0]) : int(stride[0])]


def _reduce_prod(op: RawOp, x: list[Array]) -> Array:
    keep = op.options is not None and bool(op.options.scalar(0, "bool", False))
    axes = tuple(int(axis) for axis in x[1].reshape(-1))
    return np.asarray(np.prod(x[0], axis=axes, keepdims=keep, dtype=x[0].dtype))


def _floor_div(op: RawOp, x: list[Array]) -> Array:
    if not x[1].all():
        raise ValueError("a division by zero")
    return np.asarray(np.floor_divide(x[0], x[1]))


_SHAPE_ARITHMETIC: dict[str, Callable[[RawOp, list[Array]], Array]] = {
    "STRIDED_SLICE": _strided_slice,
    "REDUCE_PROD": _reduce_prod,
    "PACK": lambda op, x: np.stack(x, axis=_integer(op, 1)),
    "CONCATENATION": lambda op, x: np.concatenate(x, axis=_integer(op, 0)),
    "GATHER": lambda op, x: np.take(x[0], x[1], axis=_integer(op, 0)),
    "SLICE": lambda op, x: x[0][tuple(slice(b, b + n if n >= 0 else None) for b, n in zip(x[1], x[2], strict=True))],
    "BROADCAST_ARGS": lambda op, x: np.array(np.broadcast_shapes(tuple(x[0]), tuple(x[1])), x[0].dtype),
    "EXPAND_DIMS": lambda op, x: np.expand_dims(x[0], int(x[1].item())),
    "SQUEEZE": lambda op, x: np.squeeze(x[0]),
    "RESHAPE": lambda op, x: x[0].reshape(tuple(x[1])),
    "MUL": lambda op, x: np.multiply(x[0], x[1]),
    "ADD": lambda op, x: np.add(x[0], x[1]),
    "SUB": lambda op, x: np.subtract(x[0], x[1]),
    "MAXIMUM": lambda op, x: np.maximum(x[0], x[1]),
    "MINIMUM": lambda op, x: np.minimum(x[0], x[1]),
    "FLOOR_DIV": _floor_div,
}
