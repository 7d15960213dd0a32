"""What is made definite while importing: shapes that the file leaves open, and padding that TFLM leaves undefined.

A converter that leaves the batch open writes 1 where it does not know a size, which no interpreter but TFLite's, which
works out every shape anew, can run: of a batch that SPACE_TO_BATCH_ND makes, and of what RESHAPE makes of several axes.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from seatool.importers.tflite import schema
from seatool.importers.tflite.records import LARGEST_COMPUTED, RawModel, RawOp, RawTensor
from seatool.ir import Array, DType, Graph, Op, Tensor
from seatool.kernels import Operator, Shape, bind, operators

_INT32 = next(kind for kind in schema.ELEMENT_TYPES if kind.numpy == "int32")
_DTYPES = {member.value: member for member in DType}


def settle_shapes(op: RawOp, model: RawModel) -> None:
    """Give the outputs of ``op`` the open sizes that its inputs make, in place. What does not fit stays as it is, and
    is reported when the operator is checked."""
    outputs = [model.tensors[index] for index in op.outputs]
    if not any(tensor.open_axes for tensor in outputs):
        return
    for tensor, shape in zip(outputs, _shapes(op, model), strict=False):
        if shape != tensor.shape and _is_possible(tensor, shape):
            tensor.shape = shape
            model.rewritten["sizes that the file leaves open are those of a batch of one"] = None


def _is_possible(tensor: RawTensor, shape: Shape) -> bool:
    """Whether ``tensor`` may have ``shape``: the sizes that are not open are the file's."""
    if tensor.stored or len(shape) != len(tensor.shape) or min(shape) < 1:
        return False
    fits = all(n == size or i in tensor.open_axes for i, (n, size) in enumerate(zip(shape, tensor.shape, strict=True)))
    return fits and math.prod(shape) * tensor.type.bits <= 8 * LARGEST_COMPUTED


def _shapes(op: RawOp, model: RawModel) -> list[Shape]:
    """The shapes of the outputs as the operator has them; empty where it is not known or malformed."""
    operator = alone(op, model)
    try:
        return [] if operator is None else list(operator.output_shapes())
    except (ValueError, IndexError, ZeroDivisionError):
        return []


def alone(op: RawOp, model: RawModel) -> Operator | None:
    """``op`` bound to its tensors without the rest of the model; None where it is not known or malformed."""
    family = operators().get(op.kind)
    used = [model.tensors[index] for index in (*op.inputs, *op.outputs) if index >= 0]
    if op.is_custom or family is None or family.tflite is None or not all(map(is_known, used)):
        return None
    tensors = {t.name: Tensor(t.name, t.shape, _dtype(t), t.quant, t.data) for t in used}
    names = [None if index < 0 else model.tensors[index].name for index in op.inputs]
    outputs = tuple(model.tensors[index].name for index in op.outputs)
    try:
        only = Op("op", op.kind, tuple(names), outputs, family.parse(op.fields(family.tflite.fields)), op.version)
        inputs = tuple(name for name in names if name is not None)
        return bind(only, Graph("alone", tensors, (only,), inputs or outputs, outputs))
    except (ValueError, IndexError, ZeroDivisionError):
        return None


def is_known(tensor: RawTensor) -> bool:
    """Whether a graph can have it: its type, its shape, and if it is a constant its data."""
    has_data = tensor.data is not None or not tensor.stored
    return tensor.type.numpy in _DTYPES and min(tensor.shape, default=1) > 0 and has_data


def _dtype(tensor: RawTensor) -> DType:
    return _DTYPES[str(tensor.type.numpy)]


def with_pad(op: RawOp, model: RawModel) -> list[RawOp]:
    """``op``, or where it is a SPACE_TO_BATCH_ND that pads, a PAD and what it does besides.

    TFLM pads there with a number that it never sets; PAD means the zero point, as TFLite has it.
    """
    if op.kind != "SPACE_TO_BATCH_ND" or len(op.inputs) != 3 or min(op.inputs) < 0:
        return [op]
    x, edges = model.tensors[op.inputs[0]], model.tensors[op.inputs[2]].data
    if edges is None or edges.dtype != np.int32 or edges.ndim != 2 or edges.shape[1] != 2:
        return [op]
    if not edges.any() or edges.min() < 0 or len(x.shape) <= len(edges):
        return [op]
    amounts = np.zeros((len(x.shape), 2), np.int32)
    amounts[1 : 1 + len(edges)] = edges
    shape = tuple(n + int(pair.sum()) for n, pair in zip(x.shape, amounts, strict=True))
    prefix = model.tensors[op.outputs[0]].name
    padded = model.add(RawTensor(0, f"{prefix}/padded", shape, x.type, x.quant, open_axes=x.open_axes))
    before = model.add(_constant(f"{prefix}/paddings", amounts))
    none = model.add(_constant(f"{prefix}/no_paddings", np.zeros_like(edges)))
    model.rewritten["a PAD is put in front of each SPACE_TO_BATCH_ND that pads, which TFLM does not do right"] = None
    pad = RawOp(op.index, "PAD", 1, (op.inputs[0], before), (padded,), 0, None)
    return [pad, replace(op, inputs=(padded, op.inputs[1], none))]


def _constant(name: str, data: Array) -> RawTensor:
    return RawTensor(0, name, data.shape, _INT32, data=data, stored=True)
