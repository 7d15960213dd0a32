"""MEAN and SUM on int8 over any axes, and what all reductions share."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from seatool.ir import Array, Attributes, DType
from seatool.kernels.base import (
    Admission,
    Call,
    Cost,
    Field,
    Operator,
    Ref,
    Shape,
    TFLiteForm,
    Variant,
    operator,
    require_int8,
    variant,
)
from seatool.kernels.fixed_point import factor_problems, multiply_by_quantized_multiplier, quantize_multiplier
from seatool.kernels.loops import DIMS, Loop, collapse, outer_fields, strides
from seatool.rounding import ceil_div


@dataclass(frozen=True)
class ReducerAttributes(Attributes):
    """ReducerOptions of the TFLite schema."""

    keep_dims: bool = False


REDUCER_FIELDS = (Field("keep_dims", 0, "bool", False),)


class Reducer(Operator):
    """A function of all values along the axes of a constant list."""

    most_inputs = 2
    attributes_type = ReducerAttributes
    limits = "constant axes"
    most_summands: ClassVar[int] = (1 << 31) // 256
    """From so many on their sum may not fit int32."""

    @property
    def axes(self) -> tuple[int, ...]:
        """The reduced axes, each once, in order."""
        rank = len(self.input(0).shape)
        return tuple(sorted({int(axis) % rank for axis in self.constant(1).reshape(-1)}))

    @property
    def count(self) -> int:
        """Summands of one output."""
        return math.prod(self.input(0).shape[axis] for axis in self.axes)

    def problems(self) -> Iterator[str]:
        x, axes = self.input(0), self.input(1)
        yield from self.type_problems()
        rank = len(x.shape)
        if axes.data is None or axes.dtype is not DType.INT32:
            yield "the axes are not a constant of type int32"
            return
        if not all(-rank <= int(axis) < rank for axis in axes.data.reshape(-1)):
            yield f"axes {axes.data.reshape(-1).tolist()} do not all exist in {rank} dimensions"
            return
        if (shape := self.output_shapes()[0]) != self.output.shape:
            yield f"the output's shape is {list(self.output.shape)}, not {list(shape)}"
        if self.count >= self.most_summands:
            yield f"{self.count} summands; up to {self.most_summands - 1} are supported"
        if max(map(len, self.loops())) > DIMS + 1:
            yield f"more than {DIMS + 1} loops are needed"

    def type_problems(self) -> Iterator[str]:
        """Element types and scales that are not supported."""
        yield from require_int8(self, self.input(0), self.output)

    def output_shapes(self) -> Sequence[Shape]:
        kept = enumerate(self.input(0).shape)
        if self.attributes.keep_dims:
            return [tuple(1 if i in self.axes else n for i, n in kept)]
        return [tuple(n for i, n in kept if i not in self.axes)]

    def loops(self) -> tuple[list[Loop], list[Loop]]:
        """The loops over the output and over the summands, with the input's steps."""
        shape = self.input(0).shape
        steps = strides(shape)
        kept = [i for i in range(len(shape)) if i not in self.axes]
        return (
            collapse([shape[i] for i in kept], [steps[i] for i in kept]),
            collapse([shape[i] for i in self.axes], [steps[i] for i in self.axes]),
        )


class Summing(Reducer):
    """A sum, rescaled to the output."""

    limits = "constant axes; on int16 up to 65535 summands"

    def type_problems(self) -> Iterator[str]:
        found = self.require_types()
        yield from found or factor_problems(self.input(0).scale / self.output.scale)

    def require_types(self) -> list[str]:
        """Element types that are not supported."""
        return list(require_int8(self, self.input(0), self.output))

    @abstractmethod
    def rescaling(self) -> tuple[int, int]:
        """Multiplier and shift that take a sum to the output's steps."""

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        total = x.astype(np.int64).sum(axis=self.axes, keepdims=self.attributes.keep_dims)
        centred = total - self.input(0).zero_point * self.count
        y = multiply_by_quantized_multiplier(centred, *self.rescaling()) + self.output.zero_point
        limits = np.iinfo(self.output.dtype.numpy)
        return (np.clip(y, limits.min, limits.max).astype(limits.dtype),)


@operator("SUM")
class Sum(Summing):
    """Sum over axes. Source: TFLM reduce_common.cc and QuantizedMeanOrSum in reference/reduce.h."""

    tflite = TFLiteForm(74, range(1, 3), 27, REDUCER_FIELDS)

    def rescaling(self) -> tuple[int, int]:
        return quantize_multiplier(self.input(0).scale / self.output.scale)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        return (x.sum(axis=self.axes, keepdims=self.attributes.keep_dims, dtype=np.float32),)


@operator("MEAN")
class Mean(Summing):
    """Mean over axes. Source: TFLM reduce_common.cc and QuantizedMeanOrSum in reference/reduce.h."""

    tflite = TFLiteForm(40, range(1, 4), 27, REDUCER_FIELDS)

    def rescaling(self) -> tuple[int, int]:
        multiplier, shift = quantize_multiplier(self.input(0).scale / self.output.scale)
        bits = min(self.count.bit_length() - 1, 32, 31 + shift)
        return (multiplier << bits) // self.count, shift - bits

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        return (x.mean(axis=self.axes, keepdims=self.attributes.keep_dims, dtype=np.float32),)


def reducer_fields(op: Reducer) -> dict[str, Any]:
    """The buffers and the loops over the output and over what is reduced."""
    kept, reduced = op.loops()
    fields: dict[str, Any] = {"input": Ref("input"), "output": Ref("output")}
    fields |= outer_fields(kept, ("steps",))
    fields |= {"columns": kept[-1].count, "column_step": kept[-1].steps[0]}
    fields |= {f"reduced_{name}": value for name, value in outer_fields(reduced, ("steps",)).items()}
    return fields | {"run": reduced[-1].count, "run_step": reduced[-1].steps[0]}


def has_columns(op: Reducer) -> Admission:
    """Whether four or more neighbouring columns are kept."""
    inner = op.loops()[0][-1]
    return Admission.when(inner.count >= 4 and inner.steps == (1,), "fewer than 4 neighbouring columns are kept")


class _MeanKernel(Variant):
    function: str

    def call(self, op: Summing) -> Call:
        multiplier, shift = op.rescaling()
        fields = reducer_fields(op) | {
            "sum_offset": -op.input(0).zero_point * op.count,
            "output_offset": op.output.zero_point,
            "output_multiplier": multiplier,
            "output_shift": shift,
        }
        return Call(self.function, "nn_mean_s8_args", fields)


@variant(Mean, Sum)
class MeanColumns(_MeanKernel):
    """Four columns per word with SXTAB16; where four or more neighbouring columns are kept."""

    name, header, function = "columns_x4", "nn_mean_s8_x4.h", "nn_mean_s8_x4"

    def admits(self, op: Summing) -> Admission:
        return has_columns(op)

    def cost(self, op: Summing) -> Cost:
        kept, reduced = op.loops()
        words = op.output.elements // kept[-1].count * ceil_div(kept[-1].count, 4)
        parts = op.count // reduced[-1].count
        return Cost(words * (96 + op.count * 4 + (parts - 1) * 30), 0, 400)


@variant(Mean, Sum)
class MeanElements(_MeanKernel):
    """One output at a time."""

    name, header, function = "elements", "nn_mean_s8.h", "nn_mean_s8"

    def cost(self, op: Summing) -> Cost:
        run = op.loops()[1][-1]
        parts = op.count // run.count
        per_run = run.count * 4 if run.steps != (1,) or run.count < 4 else run.count + 6
        return Cost(op.output.elements * (16 + parts * (per_run + 8)), 0, 200)
