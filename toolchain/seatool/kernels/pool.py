"""MAX_POOL_2D and AVERAGE_POOL_2D: what they compute, and their kernels for int8."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from seatool.ir import Array, Attributes
from seatool.kernels.base import (
    Activation,
    Admission,
    Bands,
    Call,
    Cost,
    Field,
    Operator,
    Padding,
    QuantizationRule,
    Ref,
    Shape,
    TFLiteForm,
    Variant,
    all_rows,
    operator,
    require_int8,
    variant,
)
from seatool.kernels.fixed_point import activation_range, clamp_float
from seatool.kernels.window import Axis, size_problems
from seatool.rounding import ceil_div

_FIELDS = (
    Field("padding", 0, "int8"),
    Field("stride_w", 1, "int32"),
    Field("stride_h", 2, "int32"),
    Field("filter_width", 3, "int32"),
    Field("filter_height", 4, "int32"),
    Field("fused_activation_function", 5, "int8"),
)


@dataclass(frozen=True)
class Pool2DAttributes(Attributes):
    """Pool2DOptions of the TFLite schema."""

    padding: Padding
    stride_h: int
    stride_w: int
    filter_height: int
    filter_width: int
    fused_activation_function: Activation = Activation.NONE

    def __post_init__(self) -> None:
        if min(self.stride_h, self.stride_w, self.filter_height, self.filter_width) < 1:
            raise ValueError("strides and filter sizes must be positive")


class Pool2D(Operator):
    """A function of windows of an NHWC tensor: (N, H, W, C) -> (N, H', W', C)."""

    attributes_type = Pool2DAttributes
    quantization = QuantizationRule(same_scale=True)
    limits = "4 dimensions (NHWC); input and output quantized alike"

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Attributes:
        fields = dict(raw)
        padding, activation = fields.pop("padding"), fields.pop("fused_activation_function")
        return Pool2DAttributes(Padding(padding), fused_activation_function=Activation(activation), **fields)

    def axes(self) -> tuple[Axis, Axis]:
        """The windows along height and width."""
        a, (_, height, width, _) = self.attributes, self.input(0).shape
        return (
            Axis.of(a.padding, height, a.filter_height, a.stride_h),
            Axis.of(a.padding, width, a.filter_width, a.stride_w),
        )

    def problems(self) -> Iterator[str]:
        x = self.input(0)
        yield from self.type_problems()
        if len(x.shape) != 4:
            yield f"the input has {len(x.shape)} dimensions, not 4 (NHWC)"
            return
        if self.attributes.fused_activation_function not in (0, 1, 2, 3):
            yield f"fused activation {self.attributes.fused_activation_function.name} is not supported"
        y, x_axis = self.axes()
        yield from size_problems(y, x_axis, x.shape[3])
        if self.output.shape != self.output_shapes()[0]:
            yield f"the output's shape {list(self.output.shape)} does not follow from the input's {list(x.shape)}"
        same = x.quant is not None and self.output.quant is not None
        if same and (abs(x.scale - self.output.scale) > 1e-6 or x.zero_point != self.output.zero_point):
            yield "input and output have different quantization"

    def type_problems(self) -> Iterator[str]:
        """Element types that are not supported."""
        yield from require_int8(self, self.input(0), self.output)

    def output_shapes(self) -> Sequence[Shape]:
        (batches, _, _, channels), (y, x) = self.input(0).shape, self.axes()
        return [(batches, y.output, x.output, channels)]

    def taps(self, x: Array, outside: float) -> Iterator[Array]:
        """For every place of the window, what all windows see there: (N, H', W', C), ``outside`` in the padding."""
        a, (y, w) = self.attributes, self.axes()
        padded = np.pad(x, ((0, 0), (y.before, y.after), (w.before, w.after), (0, 0)), constant_values=outside)
        for row in range(y.kernel):
            for column in range(w.kernel):
                rows = slice(row, row + (y.output - 1) * a.stride_h + 1, a.stride_h)
                columns = slice(column, column + (w.output - 1) * a.stride_w + 1, a.stride_w)
                yield padded[:, rows, columns]

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        (x,) = inputs
        assert x is not None
        pooled = self.pool(x.astype(np.int64))
        return (np.clip(pooled, *self.output_range).astype(self.output.dtype.numpy),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        (x,) = inputs
        assert x is not None
        return (clamp_float(self.attributes.fused_activation_function, self.pool(x)).astype(np.float32),)

    @property
    def output_range(self) -> tuple[int, int]:
        """The fused activation's clamp."""
        return activation_range(self.attributes.fused_activation_function, self.output)

    @abstractmethod
    def pool(self, x: Array) -> Array:
        """The pooled int64 or float values before the clamp."""

    @property
    def windows(self) -> tuple[int, int, float]:
        """Of one image: windows without padding, windows with padding, and how many values the latter see each."""
        y, x = self.axes()
        whole, total = y.whole * x.whole, y.output * x.output
        seen = y.taps * x.taps - whole * y.kernel * x.kernel
        return whole, total - whole, seen / max(total - whole, 1)


@operator("MAX_POOL_2D")
class MaxPool2D(Pool2D):
    """Largest value of each window; padding does not take part. Source: TFLM integer_ops/pooling.h."""

    tflite = TFLiteForm(17, range(1, 4), 5, _FIELDS)

    def pool(self, x: Array) -> Array:
        lowest = -np.inf if x.dtype.kind == "f" else -32768
        return reduce(np.maximum, self.taps(x, lowest))


@operator("AVERAGE_POOL_2D")
class AveragePool2D(Pool2D):
    """Mean of each window without its padding, ties away from zero. Source: TFLM integer_ops/pooling.h."""

    tflite = TFLiteForm(1, range(1, 4), 5, _FIELDS)
    limits = f"{Pool2D.limits}; on int16 windows of up to 65535 values"

    def pool(self, x: Array) -> Array:
        count = reduce(np.add, self.taps(np.ones_like(x[:1, :, :, :1]), 0))
        total = reduce(np.add, self.taps(x, 0))
        if x.dtype.kind == "f":
            return np.asarray(total / count)
        return np.asarray(np.sign(total) * ((np.abs(total) + count // 2) // count))


_WIDEST = 255
"""Columns of a window that lanes of 16 bits can add up."""


@dataclass(frozen=True)
class WindowCost:
    """Instructions of one window, measured: a fixed part and one per value; fewer values are unrolled."""

    fixed: float
    unrolled: float
    looped: float
    edge_fixed: float
    edge: float

    def whole_window(self, taps: int) -> float:
        return self.fixed + taps * (self.unrolled if taps <= 32 else self.looped)

    def edge_window(self, taps: float) -> float:
        return self.edge_fixed + taps * self.edge


class PoolKernel(Variant):
    """One window after the other."""

    function: str
    window: WindowCost
    code_bytes: int

    def cost(self, op: Pool2D) -> Cost:
        _, edges, _ = self.windows(op)
        return Cost(round(op.output.shape[0] * self.instructions(op)), 0, self.code_bytes * (3 if edges else 1))

    def instructions(self, op: Pool2D) -> float:
        """Of one image."""
        a, (whole, edges, seen), steps = op.attributes, self.windows(op), self.steps(op.output.shape[3])
        inside = 5 + steps * self.window.whole_window(a.filter_height * a.filter_width)
        return whole * inside + edges * (20 + steps * self.window.edge_window(seen))

    def bands(self, op: Pool2D) -> Bands | None:
        images, height, _, _ = op.output.shape
        if images != 1:
            return None
        of_row = self.instructions(op) / height
        return Bands(height, 1, 1, op.axes()[0], lambda rows: round(rows * of_row))

    def steps(self, channels: int) -> int:
        """Turns of the inner loop over the channels."""
        return channels

    def windows(self, op: Pool2D) -> tuple[int, int, float]:
        """As the operator's; with any padding, every window is treated as an edge."""
        whole, edges, seen = op.windows
        count = op.attributes.filter_height * op.attributes.filter_width
        every = whole + edges
        return (0, every, (whole * count + edges * seen) / every) if edges else (whole, 0, 0.0)

    def call(self, op: Pool2D) -> Call:
        a, (y, x) = op.attributes, op.axes()
        batches, height, width, channels = op.input(0).shape
        low, high = op.output_range
        return Call(
            self.function,
            "nn_pool_args",
            {
                "input": Ref("input"),
                "output": Ref("output"),
                "batches": batches,
                "input_height": height,
                "input_width": width,
                "channels": channels * op.output.dtype.size,
                "output_height": y.output,
                "output_width": x.output,
                "kernel_height": a.filter_height,
                "kernel_width": a.filter_width,
                "stride_y": a.stride_h,
                "stride_x": a.stride_w,
                "pad_top": y.before,
                "pad_left": x.before,
                "output_min": low,
                "output_max": high,
                **all_rows(op),
            },
        )


class _FourChannels(PoolKernel):
    def admits(self, op: Pool2D) -> Admission:
        return Admission.when(op.output.shape[3] >= 4, "fewer than 4 channels")

    def steps(self, channels: int) -> int:
        return ceil_div(channels, 4)

    def windows(self, op: Pool2D) -> tuple[int, int, float]:
        return op.windows


@variant(MaxPool2D)
class MaxFourChannels(_FourChannels):
    """Four channels per word with SSUB8 and SEL; for four channels or more."""

    name, header, function = "max_x4", "nn_max_pool_s8_x4.h", "nn_max_pool_s8_x4"
    window, code_bytes = WindowCost(5, 3, 3.8, 22, 9.5), 120


@variant(MaxPool2D)
class MaxOneChannel(PoolKernel):
    """One channel at a time; for fewer than four."""

    name, header, function = "max_x1", "nn_max_pool_s8.h", "nn_max_pool_s8"
    window, code_bytes = WindowCost(6, 4, 6.8, 12, 8.5), 100

    def admits(self, op: Pool2D) -> Admission:
        return Admission.when(op.output.shape[3] < 4, "four channels or more")


@variant(AveragePool2D)
class AverageFourChannels(_FourChannels):
    """Four channels per word with SXTAB16; for four channels or more, windows of up to 255 columns."""

    name, header, function = "average_x4", "nn_average_pool_s8_x4.h", "nn_average_pool_s8_x4"
    window, code_bytes = WindowCost(32, 3.6, 3.8, 70, 13.5), 300

    def admits(self, op: Pool2D) -> Admission:
        if op.attributes.filter_width > _WIDEST:
            return Admission(False, f"windows of more than {_WIDEST} columns")
        return super().admits(op)


@variant(AveragePool2D)
class AverageOneChannel(PoolKernel):
    """One channel at a time; for fewer than four, or windows of more than 255 columns."""

    name, header, function = "average_x1", "nn_average_pool_s8.h", "nn_average_pool_s8"
    window, code_bytes = WindowCost(4, 3.5, 5, 12, 7.5), 100
    cycles_per_instruction = 1.1

    def admits(self, op: Pool2D) -> Admission:
        wide = op.attributes.filter_width > _WIDEST
        return Admission.when(wide or op.output.shape[3] < 4, f"four channels or more, up to {_WIDEST} columns")
