"""Check a float operator before it is quantized: as if it were int8 already, with made-up scales."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from seatool.ir import DType, Graph, Op, Quantization, Tensor
from seatool.kernels import Operator, bind, operators

_MADE_UP, _OF_BIAS = Quantization.per_tensor(0.5, 0), Quantization.per_tensor(0.25, 0)


def as_int8(op: Op, graph: Graph) -> Operator:
    """``op`` alone with its float tensors replaced by int8 ones (int32 for a bias), to ask it for its problems."""
    rule = operators()[op.kind].quantization
    tensors: dict[str, Tensor] = {}
    for index, name in enumerate(op.inputs):
        if name is not None:
            dtype, quant = (DType.INT32, _OF_BIAS) if index == rule.bias else (DType.INT8, _MADE_UP)
            tensors[name] = _quantized(graph.tensors[name], dtype, quant)
    for name in op.outputs:
        tensors[name] = _quantized(graph.tensors[name], DType.INT8, rule.fixed_output or _MADE_UP)
    inputs = tuple(name for name in op.inputs if name is not None)
    return bind(op, Graph("trial", tensors, (op,), inputs or op.outputs, op.outputs))


def _quantized(tensor: Tensor, dtype: DType, quant: Quantization) -> Tensor:
    if tensor.dtype is not DType.FLOAT32:
        return tensor
    zeros = None if tensor.data is None else np.broadcast_to(dtype.numpy.type(0), tensor.shape)
    return replace(tensor, dtype=dtype, quant=quant, data=zeros)
