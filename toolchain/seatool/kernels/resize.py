"""RESIZE_NEAREST_NEIGHBOR on int8 or int16, RESIZE_BILINEAR on int8."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seatool.ir import Array, Attributes, DType
from seatool.kernels.base import (
    Call,
    Constant,
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
    require_quantized,
    variant,
)
from seatool.kernels.fixed_point import Int64
from seatool.kernels.loops import copy_cost

_BITS = 10
"""Fractional bits of places between pixels."""
_ONE = 1 << _BITS
_MOST = 1 << 15
"""Places are stored as int16."""


@dataclass(frozen=True)
class ResizeAttributes(Attributes):
    """ResizeBilinearOptions and ResizeNearestNeighborOptions of the TFLite schema."""

    align_corners: bool = False
    half_pixel_centers: bool = False


@dataclass(frozen=True)
class Between:
    """For every place along an axis of the output the two places of the input around it, and how far it is from the
    first towards the second, in 2^-10 of their distance."""

    first: Int64
    second: Int64
    share: Int64


class Resize(Operator):
    """An NHWC tensor with another height and width."""

    most_inputs = 2
    attributes_type = ResizeAttributes
    quantization = QuantizationRule(same_scale=True)
    limits = "4 dimensions (NHWC); constant size; input and output quantized alike"

    def problems(self) -> Iterator[str]:
        x, size = self.input(0), self.input(1)
        found = list(self.type_problems())
        if len(x.shape) != 4:
            found.append(f"the input has {len(x.shape)} dimensions, not 4 (NHWC)")
        elif size.data is None or size.dtype is not DType.INT32 or size.shape != (2,):
            found.append("the size is not a constant of two int32")
        elif self.output.shape != self.output_shapes()[0]:
            found.append(f"the output's shape {list(self.output.shape)} does not follow from {size.data.tolist()}")
        elif max(*x.shape[1:3], *self.output.shape[1:3]) >= _MOST:
            found.append(f"a height or width of {_MOST} and more is not supported")
        if self.attributes.align_corners and self.attributes.half_pixel_centers:
            found.append("align_corners and half_pixel_centers exclude each other")
        yield from found
        if not found:
            yield from self.scale_problems()

    def type_problems(self) -> Iterator[str]:
        """Element types that are not supported."""
        yield from require_int8(self, self.input(0), self.output)

    def output_shapes(self) -> Sequence[Shape]:
        batches, _, _, channels = self.input(0).shape
        height, width = self.constant(1).tolist()
        return [(batches, height, width, channels)]

    def scale_problems(self) -> Iterator[str]:
        """What is wrong with the scales of a tensor and its places."""
        x = self.input(0)
        if x.quant != self.output.quant:
            yield "input and output have different quantization, which TFLM ignores"

    def sizes(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Size of the input and of the output along height and width."""
        x, y = self.input(0).shape, self.output.shape
        return (x[1], y[1]), (x[2], y[2])


@operator("RESIZE_NEAREST_NEIGHBOR")
class ResizeNearestNeighbor(Resize):
    """The nearest pixel. Source: TFLM reference/resize_nearest_neighbor.h."""

    tflite = TFLiteForm(
        97,
        range(1, 5),
        74,
        (Field("align_corners", 0, "bool", False), Field("half_pixel_centers", 1, "bool", False)),
    )

    def type_problems(self) -> Iterator[str]:
        yield from require_quantized(self, self.input(0), self.output)

    def places(self) -> tuple[Int64, Int64]:
        """Row of the input for each row of the output, and the same of columns."""
        rows, columns = (self._nearest(*size) for size in self.sizes())
        return rows, columns

    def _nearest(self, size: int, count: int) -> Int64:
        align, centers = self.attributes.align_corners, self.attributes.half_pixel_centers
        corners = align and count > 1
        scale = np.float32(size - 1 if corners else size) / np.float32(count - 1 if corners else count)
        place = (np.arange(count, dtype=np.float32) + np.float32(0.5 if centers else 0)) * scale
        # C's round() and floor() of float32 values, none of them negative.
        nearest = np.floor(place.astype(np.float64) + 0.5) if align else np.floor(place)
        return np.minimum(nearest.astype(np.int64), size - 1)

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        rows, columns = self.places()
        return (np.ascontiguousarray(x[:, rows][:, :, columns]),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        return self.evaluate(*inputs)


@operator("RESIZE_BILINEAR")
class ResizeBilinear(Resize):
    """A mean of the four pixels around. Source: TFLM reference/resize_bilinear.h (ResizeBilinearInteger)."""

    tflite = TFLiteForm(
        23,
        range(1, 5),
        15,
        (Field("align_corners", 2, "bool", False), Field("half_pixel_centers", 3, "bool", False)),
    )

    def scale_problems(self) -> Iterator[str]:
        yield from super().scale_problems()
        for (size, _), between in zip(self.sizes(), self.places(), strict=True):
            if (between.first >= size).any():
                yield f"TFLM reads beyond the last of {size} rows or columns: its steps are rounded up"

    def places(self) -> tuple[Between, Between]:
        """Along height and width."""
        rows, columns = (self._between(*size) for size in self.sizes())
        return rows, columns

    def _between(self, size: int, count: int) -> Between:
        step = (_ONE * size + count // 2) // count
        if self.attributes.align_corners and count > 1:
            step = (_ONE * (size - 1) + (count - 1) // 2) // (count - 1)
        place = np.arange(count) * step + (step // 2 - _ONE // 2 if self.attributes.half_pixel_centers else 0)
        first = np.maximum(place // _ONE, 0)
        second = np.minimum((place + _ONE - 1) // _ONE, size - 1)
        return Between(first, second, np.where(first == second, 0, place - _ONE * first))

    def _blend(self, x: Array, along: Between, axis: int) -> Array:
        """Values between neighbours along an axis, times 2^10."""
        shape = [1, 1, 1, 1]
        shape[axis] = -1
        share = along.share.reshape(shape)
        blended = x.take(along.first, axis) * (_ONE - share) + x.take(along.second, axis) * share
        return np.asarray(blended)

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        rows, columns = self.places()
        total = self._blend(self._blend(x.astype(np.int64), rows, 1), columns, 2)
        magnitude = (np.abs(total) + (1 << (2 * _BITS - 1))) >> (2 * _BITS)
        return ((np.sign(total) * magnitude).astype(np.int8),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        rows, columns = self.places()
        total = self._blend(self._blend(x.astype(np.float64), rows, 1), columns, 2)
        return ((total / (_ONE * _ONE)).astype(np.float32),)


class _ResizeKernel(Variant):
    function: str

    def call(self, op: Resize) -> Call:
        batches, height, width, channels = op.input(0).shape
        fields: dict[str, Any] = {
            "input": Ref("input"),
            "output": Ref("output"),
            **{constant.name: Ref("constant", constant.name) for constant in self.constants(op)},
            "batches": batches,
            "input_height": height,
            "input_width": width,
            "output_height": op.output.shape[1],
            "output_width": op.output.shape[2],
            "channels": channels * op.output.dtype.size,
        }
        return Call(self.function, f"{self.function}_args", fields)


@variant(ResizeNearestNeighbor)
class ResizePixels(_ResizeKernel):
    """Pixels are copied as blocks, repeated rows from the row above."""

    name, header, function = "pixels", "nn_resize_nearest_s8.h", "nn_resize_nearest_s8"

    def cost(self, op: ResizeNearestNeighbor) -> Cost:
        batches, height, width, channels = op.output.shape
        fresh, pixel = len(np.unique(op.places()[0])), channels * op.output.dtype.size
        rows = fresh * (width * (copy_cost(pixel) + 6) + 20) + (height - fresh) * (copy_cost(width * pixel) + 20)
        return Cost(batches * rows + 20, 0, 140)

    def constants(self, op: ResizeNearestNeighbor) -> tuple[Constant, ...]:
        rows, columns = op.places()
        return Constant("rows", rows.astype(np.int16)), Constant("columns", columns.astype(np.int16))


@variant(ResizeBilinear)
class ResizeBlend(_ResizeKernel):
    """Four products per value, 14 instructions."""

    name, header, function = "blend", "nn_resize_bilinear_s8.h", "nn_resize_bilinear_s8"

    def cost(self, op: ResizeBilinear) -> Cost:
        return Cost(op.output.elements * 14 + op.output.elements // op.output.shape[3] * 30, 0, 260)

    def constants(self, op: ResizeBilinear) -> tuple[Constant, ...]:
        rows, columns = (np.stack([b.first, b.second, b.share], axis=1).astype(np.int16) for b in op.places())
        what = "first, second, share of the second in 1/1024"
        return Constant("rows", rows, what), Constant("columns", columns, what)
