"""REDUCE_MAX and REDUCE_MIN on int8, REDUCE_ALL on bool, ARG_MAX and ARG_MIN from int8 to int32."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from seatool.ir import Array, Attributes, DType
from seatool.kernels.base import (
    Admission,
    Call,
    Cost,
    Field,
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
from seatool.kernels.logical import require_bool
from seatool.kernels.mean import REDUCER_FIELDS, Reducer, has_columns, reducer_fields
from seatool.rounding import ceil_div


class ExtremumReducer(Reducer):
    """The largest or smallest value along axes. Source: TFLM reduce_common.cc and ReduceGeneric in
    reference/reduce.h."""

    largest: ClassVar[bool]

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        reduce = np.max if self.largest else np.min
        return (np.asarray(reduce(x, axis=self.axes, keepdims=self.attributes.keep_dims)),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        return self.evaluate(*inputs)


class _Int8Extremum(ExtremumReducer):
    quantization = QuantizationRule(same_scale=True)
    limits = "constant axes; input and output quantized alike"

    def type_problems(self) -> Iterator[str]:
        found = list(super().type_problems())
        yield from found
        if not found and self.input(0).quant != self.output.quant:
            yield "input and output have different quantization, which TFLM does not take"


@operator("REDUCE_MAX")
class ReduceMax(_Int8Extremum):
    """The largest value."""

    tflite = TFLiteForm(82, range(1, 4), 27, REDUCER_FIELDS)
    largest = True


@operator("REDUCE_MIN")
class ReduceMin(_Int8Extremum):
    """The smallest value."""

    tflite = TFLiteForm(89, range(1, 4), 27, REDUCER_FIELDS)
    largest = False


@operator("REDUCE_ALL")
class ReduceAll(ExtremumReducer):
    """Whether all truth values hold."""

    tflite = TFLiteForm(140, range(1, 2), 27, REDUCER_FIELDS)
    largest = False

    def type_problems(self) -> Iterator[str]:
        yield from require_bool(self.input(0), self.output)


@dataclass(frozen=True)
class ArgAttributes(Attributes):
    """ArgMaxOptions and ArgMinOptions of the TFLite schema; the output tensor's own type is what counts."""

    output_type: int = 0


class ArgExtremum(Operator):
    """Where along an axis the first extreme value is. Source: TFLM arg_min_max.cc and reference/arg_min_max.h."""

    most_inputs = 2
    attributes_type = ArgAttributes
    limits = "constant axis; int32 output"
    largest: ClassVar[bool]

    @property
    def axis(self) -> int:
        return int(self.constant(1).reshape(-1)[0]) % len(self.input(0).shape)

    def problems(self) -> Iterator[str]:
        x, axis = self.input(0), self.input(1)
        yield from require_int8(self, x)
        if self.output.dtype is not DType.INT32:
            yield f"{self.output.name} is {self.output.dtype.value}, not int32"
        rank = len(x.shape)
        if axis.data is None or axis.dtype is not DType.INT32 or axis.elements != 1:
            yield "the axis is not one constant int32"
        elif not -rank <= int(axis.data.reshape(-1)[0]) < rank:
            yield f"axis {int(axis.data.reshape(-1)[0])} does not exist in {rank} dimensions"
        elif self.output.shape != (expected := self.output_shapes()[0]):
            yield f"the output's shape is {list(self.output.shape)}, not {list(expected)}"

    def output_shapes(self) -> Sequence[Shape]:
        shape = self.input(0).shape
        return [(*shape[: self.axis], *shape[self.axis + 1 :])]

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        return (
            (np.argmax if self.largest else np.argmin)(x, axis=self.axis).astype(np.int32).reshape(self.output.shape),
        )

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        return self.evaluate(*inputs)

    def extents(self) -> tuple[int, int, int]:
        """Elements around the axis, along it, and inside it."""
        shape = self.input(0).shape
        return math.prod(shape[: self.axis]), shape[self.axis], math.prod(shape[self.axis + 1 :])


_ARG_FIELDS = (Field("output_type", 0, "int8"),)


@operator("ARG_MAX")
class ArgMax(ArgExtremum):
    """The place of the largest value."""

    tflite = TFLiteForm(56, range(1, 4), 40, _ARG_FIELDS)
    largest = True


@operator("ARG_MIN")
class ArgMin(ArgExtremum):
    """The place of the smallest value."""

    tflite = TFLiteForm(79, range(1, 4), 57, _ARG_FIELDS)
    largest = False


_UNROLLED = 8
"""Compilers unroll shorter loops."""


class _ExtremumKernel(Variant):
    header = "nn_reduce_extremum_s8.h"
    function: str

    def call(self, op: ExtremumReducer) -> Call:
        return Call(self.function, "nn_reduce_extremum_args", reducer_fields(op) | {"largest": op.largest})

    @abstractmethod
    def cost(self, op: ExtremumReducer) -> Cost: ...


@variant(ReduceMax, ReduceMin, ReduceAll)
class ReduceColumns(_ExtremumKernel):
    """Four columns per word with SSUB8 and SEL; where four or more neighbouring columns are kept."""

    name, function = "columns_x4", "nn_reduce_extremum_s8_x4"

    def admits(self, op: ExtremumReducer) -> Admission:
        return has_columns(op)

    def cost(self, op: ExtremumReducer) -> Cost:
        kept, reduced = op.loops()
        words = op.output.elements // kept[-1].count * ceil_div(kept[-1].count, 4)
        each = 4 if reduced[-1].count <= _UNROLLED else 6
        return Cost(words * (16 + op.count * each + (op.count // reduced[-1].count - 1) * 14), 0, 200)


@variant(ReduceMax, ReduceMin, ReduceAll)
class ReduceElements(_ExtremumKernel):
    """One output at a time; runs of neighbours four at a time."""

    name, function = "elements", "nn_reduce_extremum_s8"

    def cost(self, op: ExtremumReducer) -> Cost:
        run = op.loops()[1][-1]
        each = 3 if run.count <= _UNROLLED else 6
        per_run = run.count * each if run.steps != (1,) or run.count < 4 else run.count * 5 // 4 + 24
        return Cost(op.output.elements * (14 + op.count // run.count * (per_run + 10)), 0, 240)


@variant(ArgMax, ArgMin)
class ArgElements(Variant):
    """One output at a time."""

    name, header = "elements", "nn_arg_extremum_s8.h"

    def cost(self, op: ArgExtremum) -> Cost:
        outer, size, inner = op.extents()
        return Cost(outer * inner * (14 + size * 7) + 20, 0, 90)

    def call(self, op: ArgExtremum) -> Call:
        outer, size, inner = op.extents()
        fields = {
            "input": Ref("input"),
            "output": Ref("output"),
            "outer": outer,
            "size": size,
            "inner": inner,
            "largest": op.largest,
        }
        return Call("nn_arg_extremum_s8", "nn_arg_extremum_s8_args", fields)
