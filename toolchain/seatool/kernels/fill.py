"""FILL and ZEROS_LIKE on int8: one value everywhere."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from seatool.ir import Array, DType, Quantization
from seatool.kernels.base import (
    Call,
    Constant,
    Cost,
    Operator,
    QuantizationRule,
    Ref,
    Shape,
    TFLiteForm,
    Variant,
    operator,
    require_int8,
    variant,
)
from seatool.kernels.gather import values
from seatool.kernels.loops import fill_cost


class _Constantlike(Operator):
    @abstractmethod
    def value_index(self) -> int | None:
        """The input that holds the value; None: it is 0."""

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        index = self.value_index()
        value = None if index is None else inputs[index]
        return (np.full(self.output.shape, 0 if value is None else value.item(), self.output.dtype.numpy),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        return self.evaluate(*inputs)


@operator("FILL")
class Fill(_Constantlike):
    """A tensor of a given shape, full of a scalar. Source: TFLM fill.cc."""

    most_inputs = 2
    tflite = TFLiteForm(94, range(1, 5), 68)
    quantization = QuantizationRule(same_scale=True)
    limits = "constant dimensions"

    def value_index(self) -> int | None:
        return 1

    def output_shapes(self) -> Sequence[Shape]:
        return [tuple(values(self.input(0)))]

    def problems(self) -> Iterator[str]:
        dims, value = self.input(0), self.input(1)
        yield from require_int8(self, value, self.output)
        if dims.data is None or dims.dtype not in (DType.INT32, DType.INT64) or len(dims.shape) != 1:
            yield "the dimensions are not a constant list of int32 or int64"
        elif self.output_shapes()[0] != self.output.shape:
            yield f"the output's shape is {list(self.output.shape)}, not {values(dims)}"
        if value.shape:
            yield f"the value has shape {list(value.shape)}; it must be a scalar"


@operator("ZEROS_LIKE")
class ZerosLike(_Constantlike):
    """Stored zeros, whatever the zero point, as TFLM has it. Source: TFLM zeros_like.cc."""

    tflite = TFLiteForm(93, range(1, 2), 67)
    quantization = QuantizationRule(fixed_output=Quantization.per_tensor(1.0, 0))

    def value_index(self) -> int | None:
        return None

    def problems(self) -> Iterator[str]:
        yield from require_int8(self, self.input(0), self.output)
        if self.input(0).shape != self.output.shape:
            yield "input and output have different shapes"


@variant(Fill, ZerosLike)
class FillBytes(Variant):
    """memset."""

    name, header = "bytes", "nn_fill_s8.h"

    def cost(self, op: _Constantlike) -> Cost:
        return Cost(fill_cost(op.output.elements), 0, 20)

    def constants(self, op: _Constantlike) -> tuple[Constant, ...]:
        index = op.value_index()
        data = np.zeros(1, np.int8) if index is None else op.input(index).data
        return () if data is None else (Constant("value", data.reshape(1)),)

    def call(self, op: _Constantlike) -> Call:
        value: Any = Ref("constant", "value") if self.constants(op) else Ref("input", op.value_index() or 0)
        fields = {"value": value, "output": Ref("output"), "count": op.output.elements}
        return Call("nn_fill_s8", "nn_fill_s8_args", fields)
