"""RESHAPE, SQUEEZE and EXPAND_DIMS: another shape for the same bytes; no code runs."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seatool.ir import Array, Attributes, DType
from seatool.kernels.base import (
    Field,
    Operator,
    QuantizationRule,
    Shape,
    TFLiteForm,
    operator,
)


class View(Operator):
    """The input's elements in the output's shape."""

    is_view = True
    also_float = True
    quantization = QuantizationRule(same_scale=True)

    def problems(self) -> Iterator[str]:
        x, y = self.input(0), self.output
        if x.dtype is not y.dtype:
            yield f"the input is {x.dtype.value}, the output {y.dtype.value}"
        if x.elements != y.elements:
            yield f"shape {list(x.shape)} cannot become {list(y.shape)}"
            return
        yield from self.shape_problems()

    @abstractmethod
    def shape_problems(self) -> Iterator[str]:
        """How the output's shape breaks the operator's own rule."""

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        return (x.reshape(self.output.shape),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        return self.evaluate(*inputs)


@dataclass(frozen=True)
class ReshapeAttributes(Attributes):
    """ReshapeOptions of the TFLite schema; the output tensor's shape is what counts."""

    new_shape: tuple[int, ...] = ()


@operator("RESHAPE")
class Reshape(View):
    """Any other shape. Source: TFLM reshape_common.cc."""

    most_inputs = 2
    limits = "the new shape is constant"
    tflite = TFLiteForm(22, range(1, 2), 17, (Field("new_shape", 0, "int32[]", ()),))
    attributes_type = ReshapeAttributes

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Attributes:
        return ReshapeAttributes(tuple(raw["new_shape"]))

    def output_shapes(self) -> Sequence[Shape]:
        x, given = self.input(0), self.optional(1)
        wanted = self.attributes.new_shape if given is None else self.constant(1).reshape(-1).tolist()
        rest = x.elements // max(1, math.prod(size for size in wanted if size >= 0))
        return [tuple(rest if size < 0 else size for size in wanted)]

    def shape_problems(self) -> Iterator[str]:
        shape = self.optional(1)
        if shape is not None and not shape.is_constant:
            yield "the new shape is computed at run time"


@dataclass(frozen=True)
class SqueezeAttributes(Attributes):
    """SqueezeOptions of the TFLite schema; empty: all dimensions of size 1."""

    squeeze_dims: tuple[int, ...] = ()


@operator("SQUEEZE")
class Squeeze(View):
    """Without dimensions of size 1. Source: TFLM squeeze.cc."""

    tflite = TFLiteForm(43, range(1, 3), 30, (Field("squeeze_dims", 0, "int32[]", ()),))
    attributes_type = SqueezeAttributes

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Attributes:
        return SqueezeAttributes(tuple(raw["squeeze_dims"]))

    @property
    def dims(self) -> tuple[int, ...]:
        """The dimensions to drop."""
        ones = tuple(i for i, size in enumerate(self.input(0).shape) if size == 1)
        return self.attributes.squeeze_dims or ones

    def output_shapes(self) -> Sequence[Shape]:
        shape = self.input(0).shape
        gone = {d % len(shape) for d in self.dims}
        return [tuple(size for i, size in enumerate(shape) if i not in gone)]

    def shape_problems(self) -> Iterator[str]:
        shape, dims = self.input(0).shape, self.dims
        if any(not -len(shape) <= d < len(shape) or shape[d] != 1 for d in dims):
            yield f"dimensions {list(dims)} of {list(shape)} are not all of size 1"
            return
        (expected,) = self.output_shapes()
        if expected != self.output.shape:
            yield f"the output's shape is {list(self.output.shape)}, not {list(expected)}"


@operator("EXPAND_DIMS")
class ExpandDims(View):
    """One more dimension of size 1. Source: TFLM expand_dims.cc."""

    most_inputs = 2
    tflite = TFLiteForm(70, range(1, 2), 52)

    def output_shapes(self) -> Sequence[Shape]:
        shape = self.input(0).shape
        at = int(self.constant(1).reshape(-1)[0]) % (len(shape) + 1)
        return [(*shape[:at], 1, *shape[at:])]

    def shape_problems(self) -> Iterator[str]:
        shape, axis = self.input(0).shape, self.input(1)
        if axis.data is None or axis.dtype is not DType.INT32 or axis.elements != 1:
            yield "the axis is not one constant int32"
            return
        at = int(axis.data.reshape(-1)[0])
        if not -len(shape) - 1 <= at <= len(shape):
            yield f"axis {at} does not exist in {len(shape) + 1} dimensions"
        elif (expected := self.output_shapes()[0]) != self.output.shape:
            yield f"the output's shape is {list(self.output.shape)}, not {list(expected)}"
