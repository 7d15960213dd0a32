"""Grow a graph operator by operator."""

from __future__ import annotations

from typing import Any

import numpy as np
from seatool.ir import Array, DType, Graph, Op, Quantization, Tensor
from seatool.kernels import operators


class Builder:
    """A graph with one input ``x``; each operator's output is a tensor called like the operator.

    Args:
        shape: Of the input.
        quant: Of the input; None makes a float32 graph.
    """

    def __init__(self, shape: tuple[int, ...], quant: Quantization | None = None) -> None:
        self.dtype = DType.FLOAT32 if quant is None else DType.INT8
        self.tensors = {"x": Tensor("x", shape, self.dtype, quant)}
        self.ops: list[Op] = []

    def constant(self, data: Array, quant: Quantization | None = None) -> str:
        name = f"c{len(self.tensors)}"
        self.tensors[name] = Tensor(name, data.shape, DType(data.dtype.name), quant, data)
        return name

    def add(
        self,
        kind: str,
        *inputs: str,
        shape: tuple[int, ...] | None = None,
        quant: Quantization | None = None,
        name: str = "",
        **fields: Any,
    ) -> str:
        """An operator; shape and quantization of its output are those of its first input if not given."""
        first, name = self.tensors[inputs[0]], name or f"{kind.lower()}_{len(self.ops)}"
        family = operators()[kind]
        assert family.tflite is not None
        raw = {field.name: field.default for field in family.tflite.fields} | fields
        self.ops.append(Op(name, kind, inputs, (name,), family.parse(raw)))
        self.tensors[name] = Tensor(name, shape or first.shape, self.dtype, quant or first.quant)
        return name

    def graph(self, *outputs: str) -> Graph:
        return Graph("case", self.tensors, tuple(self.ops), ("x",), outputs)


def random_int8(shape: tuple[int, ...], seed: int = 0) -> Array:
    """Noise that holds the extremes."""
    values = np.random.default_rng(seed).integers(-128, 128, shape).astype(np.int8)
    values.flat[:2] = -128, 127
    return values


def random_float(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
