"""LOGICAL_AND, LOGICAL_OR, LOGICAL_NOT on bool, and SELECT_V2 by bool, with broadcasting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from seatool.ir import Array, DType, Tensor
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
from seatool.kernels.binary import Binary, Elementwise
from seatool.kernels.fixed_point import Int64
from seatool.kernels.loops import DIMS, Loop, broadcast, outer_fields


def require_bool(*tensors: Tensor) -> Iterator[str]:
    """Problems of tensors that should hold truth values."""
    for tensor in tensors:
        if tensor.dtype is not DType.BOOL:
            yield f"{tensor.name} is {tensor.dtype.value}, not bool"


class _Connective(Binary):
    """A function of two truth values. Source: TFLM logical_common.cc."""

    def type_problems(self) -> Iterator[str]:
        yield from require_bool(self.input(0), self.input(1), self.output)

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        return (super().evaluate(*inputs)[0].astype(np.bool_),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        return self.evaluate(*inputs)


@operator("LOGICAL_AND")
class LogicalAnd(_Connective):
    """Whether both hold."""

    tflite = TFLiteForm(86, range(1, 2), 62)

    def combine(self, a: Int64, b: Int64) -> Int64:
        return a & b


@operator("LOGICAL_OR")
class LogicalOr(_Connective):
    """Whether one of them holds."""

    tflite = TFLiteForm(84, range(1, 2), 60)

    def combine(self, a: Int64, b: Int64) -> Int64:
        return a | b


@operator("LOGICAL_NOT")
class LogicalNot(Operator):
    """Whether it does not hold. Source: TFLM elementwise.cc."""

    tflite = TFLiteForm(87, range(1, 2), 63)

    def problems(self) -> Iterator[str]:
        yield from require_bool(self.input(0), self.output)
        if self.input(0).shape != self.output.shape:
            yield "input and output have different shapes"

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        (x,) = inputs
        assert x is not None
        return (np.logical_not(x),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        return self.evaluate(*inputs)


@operator("SELECT_V2")
class SelectV2(Operator):
    """The second input's values where the first holds, the third's elsewhere, as they are stored. Source: TFLM
    select.cc."""

    most_inputs = 3
    tflite = TFLiteForm(123, range(1, 3), 98)
    quantization = QuantizationRule(same_scale=True)
    limits = "values and output quantized alike"

    def output_shapes(self) -> Sequence[Shape]:
        return [np.broadcast_shapes(*(self.input(i).shape for i in range(3)))]

    def problems(self) -> Iterator[str]:
        condition, x, y = (self.input(i) for i in range(3))
        yield from require_bool(condition)
        found = list(require_int8(self, x, y, self.output))
        yield from found
        if not found and not x.quant == y.quant == self.output.quant:
            yield "the values and the output have different quantization, which TFLM ignores"
        try:
            (shape,) = self.output_shapes()
        except ValueError:
            yield f"the inputs' shapes {[list(t.shape) for t in (condition, x, y)]} do not fit together"
            return
        if shape != self.output.shape:
            yield f"the output's shape is {list(self.output.shape)}, not {list(shape)}"
        elif len(self.loops()) > DIMS + 1:
            yield f"more than {DIMS + 1} loops are needed"

    def loops(self) -> list[Loop]:
        """The loops over the output, with the steps of the three inputs."""
        return broadcast(self.output.shape, *(self.input(i).shape for i in range(3)))

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        condition, x, y = inputs
        assert condition is not None
        assert x is not None
        assert y is not None
        return (np.where(condition, x, y),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        return self.evaluate(*inputs)


@variant(LogicalAnd, LogicalOr)
class ConnectiveElements(Elementwise):
    """Four truth values per word."""

    name, header, function = "elements_x4", "nn_logical.h", "nn_logical"
    quarters, code_bytes = 7, 50

    def parameters(self, op: Binary) -> dict[str, Any]:
        return {"all": isinstance(op, LogicalAnd)}


@variant(LogicalNot)
class NotElements(Variant):
    """Four truth values per word."""

    name, header = "elements_x4", "nn_logical.h"

    def cost(self, op: LogicalNot) -> Cost:
        return Cost(op.output.elements * 5 // 4 + 20, 0, 50)

    def call(self, op: LogicalNot) -> Call:
        fields = {"input": Ref("input"), "output": Ref("output"), "count": op.output.elements}
        return Call("nn_logical_not", "nn_logical_not_args", fields)

    def inplace(self, op: LogicalNot) -> tuple[int, ...]:
        return (0,)


_FIELDS = ("condition", "input1", "input2")


@variant(SelectV2)
class SelectElements(Variant):
    """Four values per word with USUB8 and SEL."""

    name, header = "elements_x4", "nn_select_s8.h"

    def cost(self, op: SelectV2) -> Cost:
        loops = op.loops()
        turns = op.output.elements // loops[-1].count
        return Cost(op.output.elements * 10 // 4 + turns * 24, 0, 70 + 80 * (len(loops) - 1))

    def constants(self, op: SelectV2) -> tuple[Constant, ...]:
        return tuple(Constant(name, t.data) for i, name in enumerate(_FIELDS) if (t := op.input(i)).data is not None)

    def call(self, op: SelectV2) -> Call:
        loops = op.loops()
        fields: dict[str, Any] = {
            name: Ref("constant", name) if op.input(i).is_constant else Ref("input", i)
            for i, name in enumerate(_FIELDS)
        }
        fields |= {"output": Ref("output"), **outer_fields(loops, ("condition_steps", "steps1", "steps2"))}
        condition, first, second = loops[-1].steps
        fields |= {"run": loops[-1].count, "condition_step": condition, "run_step1": first, "run_step2": second}
        return Call("nn_select_s8", "nn_select_s8_args", fields)

    def inplace(self, op: SelectV2) -> tuple[int, ...]:
        """The inputs that are as large as the output."""
        large = (i for i in range(3) if op.input(i).elements == op.output.elements)
        return tuple(i for i in large if not op.input(i).is_constant)
