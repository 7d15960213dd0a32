"""SLICE, STRIDED_SLICE (also of float32) and TRANSPOSE on int8 or int16: in order, from an input with strides."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seatool.ir import Array, Attributes, DType, Tensor
from seatool.kernels.base import (
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
    require_quantized,
    require_quantized_or_float,
    variant,
)
from seatool.kernels.loops import Loop, collapse, copy_cost, fill_cost, outer_fields, strides


@dataclass(frozen=True)
class Axis:
    """One output axis: ``count`` places along axis ``axis`` of the input, from ``start`` on, ``step`` apart."""

    axis: int
    start: int
    step: int
    count: int


class Gather(Operator):
    """A selection of the input's elements in a new order."""

    quantization = QuantizationRule(same_scale=True)
    max_rank: int

    @abstractmethod
    def axes(self) -> list[Axis]:
        """What is read, an entry per output axis and one (with ``count`` 1) per axis that is dropped."""

    @abstractmethod
    def argument_problems(self) -> Iterator[str]:
        """What is wrong with the constant arguments."""

    @property
    def view(self) -> tuple[int, ...]:
        """The shape in which the input is read."""
        return self.input(0).shape

    @property
    def selected_shape(self) -> tuple[int, ...]:
        """The output's shape as the arguments say."""
        return tuple(a.count for a in self.axes())

    def output_shapes(self) -> Sequence[Shape]:
        return [self.selected_shape]

    def problems(self) -> Iterator[str]:
        x = self.input(0)
        found = list(self.type_problems())
        if not 1 <= len(x.shape) <= self.max_rank:
            found.append(f"the input has {len(x.shape)} dimensions; 1 to {self.max_rank} are supported")
        found += self.argument_problems()
        yield from found
        if not found and self.selected_shape != self.output.shape:
            yield f"the output's shape is {list(self.output.shape)}, not {list(self.selected_shape)}"

    def type_problems(self) -> Iterator[str]:
        """Element types and quantization that are not supported."""
        require = require_quantized_or_float if self.also_float else require_quantized
        yield from require(self, self.input(0), self.output)

    def indices(self, index: int, dtypes: tuple[DType, ...] = (DType.INT32,)) -> Iterator[str]:
        """Problems of a constant argument that has one entry per input dimension."""
        tensor = self.input(index)
        if tensor.data is None or tensor.dtype not in dtypes:
            yield f"{tensor.name} is not a constant of type {' or '.join(d.value for d in dtypes)}"
        elif tensor.shape != (len(self.input(0).shape),):
            yield f"{tensor.name} has shape {list(tensor.shape)}, not an entry per dimension"

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        axes = self.axes()
        index = [np.arange(a.count) * a.step + a.start for a in axes]
        in_order = x.reshape(self.view).transpose([a.axis for a in axes])
        return (np.ascontiguousarray(in_order[np.ix_(*index)]).reshape(self.output.shape),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        return self.evaluate(*inputs)

    def first(self) -> int:
        """The byte that comes first."""
        steps = self._steps()
        return sum(a.start * steps[a.axis] for a in self.axes())

    def loops(self) -> list[Loop]:
        """The loops over the output's bytes, with the input's step."""
        steps, axes, size = self._steps(), self.axes(), self.output.dtype.size
        return collapse([*(a.count for a in axes), size], [*(a.step * steps[a.axis] for a in axes), 1])

    def _steps(self) -> tuple[int, ...]:
        """Bytes from one index to the next along each axis of the input."""
        return strides((*self.view, self.output.dtype.size))[:-1]


def values(tensor: Tensor) -> list[int]:
    """A constant's elements; ValueError where it is none."""
    if tensor.data is None:
        raise ValueError(f"{tensor.name} is not constant")
    return [int(v) for v in tensor.data]


@operator("SLICE")
class Slice(Gather):
    """``size`` elements from ``begin`` on; size -1 is up to the end. Source: TFLM slice.cc."""

    most_inputs = 3
    tflite = TFLiteForm(65, range(1, 6), 48)
    also_float = True
    limits = "constant begin and size; up to 5 dimensions"
    max_rank = 5

    def argument_problems(self) -> Iterator[str]:
        found = [p for i in (1, 2) for p in self.indices(i, (DType.INT32, DType.INT64))]
        if not found and self.input(1).dtype is not self.input(2).dtype:
            found.append("begin and size are of different types")
        yield from found
        if not found and any(
            a.start < 0 or a.count < 1 or a.start + a.count > size
            for a, size in zip(self.axes(), self.input(0).shape, strict=True)
        ):
            yield f"begin {values(self.input(1))} and size {values(self.input(2))} leave {list(self.input(0).shape)}"

    def axes(self) -> list[Axis]:
        begins, sizes = values(self.input(1)), values(self.input(2))
        shape = self.input(0).shape
        return [
            Axis(i, begin, 1, shape[i] - begin if size == -1 else size)
            for i, (begin, size) in enumerate(zip(begins, sizes, strict=True))
        ]


@dataclass(frozen=True)
class StridedSliceAttributes(Attributes):
    """StridedSliceOptions of the TFLite schema: bit i of a mask is for axis i."""

    begin_mask: int = 0
    end_mask: int = 0
    ellipsis_mask: int = 0
    new_axis_mask: int = 0
    shrink_axis_mask: int = 0
    offset: bool = False


@operator("STRIDED_SLICE")
class StridedSlice(Gather):
    """Every stride-th element from begin to before end, as Python slices. Source: TFLM strided_slice_common.cc and
    strided_slice_logic.h."""

    most_inputs = 4
    tflite = TFLiteForm(
        45,
        range(1, 9),
        32,
        (
            Field("begin_mask", 0, "int32"),
            Field("end_mask", 1, "int32"),
            Field("ellipsis_mask", 2, "int32"),
            Field("new_axis_mask", 3, "int32"),
            Field("shrink_axis_mask", 4, "int32"),
            Field("offset", 5, "bool", False),
        ),
    )
    attributes_type = StridedSliceAttributes
    also_float = True
    limits = "constant begin, end and strides; up to 4 dimensions; no ellipsis_mask, new_axis_mask or offset"
    max_rank = 4

    def argument_problems(self) -> Iterator[str]:
        a = self.attributes
        if a.ellipsis_mask or a.new_axis_mask or a.offset:
            yield "ellipsis_mask, new_axis_mask and offset are not supported"
        found = [p for i in (1, 2, 3) for p in self.indices(i)]
        yield from found
        if found:
            return
        for i, stride in enumerate(values(self.input(3))):
            if stride == 0:
                yield f"the stride of axis {i} is 0"
            elif stride < 0 and a.shrink_axis_mask >> i & 1:
                yield f"axis {i} is dropped but has the negative stride {stride}"
            elif self._axis(i).count < 1:
                yield f"nothing is left of axis {i}"

    def _axis(self, i: int) -> Axis:
        a, size = self.attributes, self.input(0).shape[i]
        begin, end, stride = (values(self.input(k))[i] for k in (1, 2, 3))
        lowest, highest = (0, size) if stride > 0 else (-1, size - 1)

        def place(index: int) -> int:
            return min(max(index + size if index < 0 else index, lowest), highest)

        start, stop = place(begin), place(end)
        if a.begin_mask >> i & 1:
            start = 0 if stride > 0 else size - 1
        if a.end_mask >> i & 1:
            stop = size if stride > 0 else -1
        if a.shrink_axis_mask >> i & 1:
            return Axis(i, start, stride, 1 if start < size else 0)
        return Axis(i, start, stride, -((start - stop) // stride))

    def axes(self) -> list[Axis]:
        return [self._axis(i) for i in range(len(self.input(0).shape))]

    @property
    def view(self) -> tuple[int, ...]:
        """The shape in which the input is read."""
        return self.input(0).shape

    @property
    def selected_shape(self) -> tuple[int, ...]:
        shrunk = self.attributes.shrink_axis_mask
        return tuple(a.count for i, a in enumerate(self.axes()) if not shrunk >> i & 1)


@operator("TRANSPOSE")
class Transpose(Gather):
    """Axes in the order ``perm``. Source: TFLM transpose_common.cc."""

    most_inputs = 2
    tflite = TFLiteForm(39, range(1, 7), 26)
    limits = "constant perm; up to 5 dimensions"
    max_rank = 5

    def argument_problems(self) -> Iterator[str]:
        found = list(self.indices(1))
        yield from found
        if not found and sorted(values(self.input(1))) != list(range(len(self.input(0).shape))):
            yield f"{values(self.input(1))} is not a permutation of the axes"

    def axes(self) -> list[Axis]:
        shape = self.input(0).shape
        return [Axis(axis, 0, 1, shape[axis]) for axis in values(self.input(1))]


def _strided_cost(count: int) -> int:
    return count * 3 + 4


@variant(Slice, StridedSlice, Transpose)
class GatherRuns(Variant):
    """Runs of neighbours are copied as blocks."""

    name, header = "runs", "nn_gather_s8.h"

    def cost(self, op: Gather) -> Cost:
        loops = op.loops()
        run = loops[-1]
        turns = op.output.bytes // run.count
        per_run = {1: copy_cost, 0: fill_cost}.get(run.steps[0], _strided_cost)(run.count)
        filling = 350 if run.steps[0] == 0 else 0
        return Cost(turns * (per_run + 9) + 20, 0, 50 + 24 * (len(loops) - 1) + filling)

    def call(self, op: Gather) -> Call:
        loops = op.loops()
        fields: dict[str, Any] = {"input": Ref("input"), "output": Ref("output"), "first": op.first()}
        fields |= outer_fields(loops, ("steps",))
        fields |= {"run": loops[-1].count, "run_step": loops[-1].steps[0]}
        function = "nn_gather_s8" if loops[-1].steps[0] else "nn_gather_repeated_s8"
        return Call(function, "nn_gather_s8_args", fields)
