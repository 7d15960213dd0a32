"""TRANSPOSE_CONV (int8): meaning, kernel and how it is called.

An output sees an input pixel through the tap that is a stride further per pixel. So the outputs whose places have one
remainder modulo the stride (a *phase*) see the same taps, and are a convolution with stride 1 by these, reversed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from seatool.ir import Array, Attributes, DType
from seatool.kernels.assembly import GEMM_2X4, GEMM_OVERREAD
from seatool.kernels.base import (
    Activation,
    Call,
    Constant,
    Cost,
    Field,
    Padding,
    QuantizationRule,
    Reading,
    Ref,
    Shape,
    TFLiteForm,
    Variant,
    operator,
    variant,
)
from seatool.kernels.fixed_point import Int64
from seatool.kernels.weighted import BUFFERS, WeightedOperator, channel_constants
from seatool.kernels.window import Axis
from seatool.rounding import ceil_div, round_up


@dataclass(frozen=True)
class TransposeConvAttributes(Attributes):
    """TransposeConvOptions of the TFLite schema."""

    padding: Padding
    stride_w: int
    stride_h: int
    fused_activation_function: Activation = Activation.NONE
    quantized_bias_type: int = 0

    def __post_init__(self) -> None:
        if min(self.stride_w, self.stride_h) < 1:
            raise ValueError("strides must be positive")


@dataclass(frozen=True)
class Phase:
    """Outputs ``first``, ``first`` + stride, ... (``count`` of them) along an axis, as a convolution with stride 1.

    ``taps``: indices of the taps that they see, in the order of the inputs; -1 is a tap of zeros. ``before``: places
    in front of the input where the first window starts.
    """

    first: int
    count: int
    taps: tuple[int, ...]
    before: int


def phases(axis: Axis) -> list[Phase]:
    """The phases of an axis whose window runs over the *output*.

    >>> phases(Axis.of(Padding.VALID, size=5, kernel=3, stride=2))
    [Phase(first=0, count=3, taps=(2, 0), before=1), Phase(first=1, count=2, taps=(1,), before=0)]
    """
    found = []
    for remainder in range(axis.stride):
        taps = tuple(range(remainder, axis.kernel, axis.stride))[::-1] or (-1,)
        turn = max(ceil_div(axis.before - remainder, axis.stride), 0)
        first = axis.stride * turn + remainder - axis.before
        count = max(ceil_div(axis.size - first, axis.stride), 0)
        found.append(Phase(first, count, taps, len(taps) - 1 - turn))
    return found


@operator("TRANSPOSE_CONV")
class TransposeConv(WeightedOperator):
    """Every input pixel adds its window of weights to the output. Source: TFLM integer_ops/transpose_conv.h.

    Inputs: output shape, weights (out channels, height, width, in channels), x, optional bias.
    """

    most_inputs = 4
    tflite = TFLiteForm(
        67,
        range(1, 6),
        49,
        (
            Field("padding", 0, "int8"),
            Field("stride_w", 1, "int32"),
            Field("stride_h", 2, "int32"),
            Field("fused_activation_function", 3, "int8"),
            Field("quantized_bias_type", 4, "int8"),
        ),
    )
    attributes_type = TransposeConvAttributes
    quantization = QuantizationRule(weights=1, weight_axis=0, bias=3, data=2)
    channel_axis, data_index, bias_index = 0, 2, 3
    bias_codes: ClassVar[tuple[int, ...]] = (0, 2)
    """What a file may say of the type of bias and sums, in TFLite's TensorType."""
    limits = "the output's shape is the file's, also where it is an input"

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Attributes:
        fields = dict(raw)
        padding, activation = fields.pop("padding"), fields.pop("fused_activation_function")
        return TransposeConvAttributes(Padding(padding), fused_activation_function=Activation(activation), **fields)

    def problems(self) -> Iterator[str]:
        shape, x = self.input(0), self.data
        if any(len(t.shape) != 4 for t in (x, self.weights, self.output)):
            yield "input, weights and output must have 4 dimensions"
            return
        yield from self.weighted_problems()
        if shape.dtype is not DType.INT32:
            yield f"the output's shape is given as {shape.dtype.value}, not int32"
        elif shape.data is not None and self.output_shapes()[0] != self.output.shape:
            yield f"the output's shape is {list(self.output.shape)}, not {shape.data.reshape(-1).tolist()}"
        if self.weights.shape[3] != x.shape[3]:
            yield f"weights for {self.weights.shape[3]} of {x.shape[3]} input channels"
        if (x.shape[0], self.out_channels) != (self.output.shape[0], self.output.shape[3]):
            yield f"the output's shape {list(self.output.shape)} does not follow from the input's {list(x.shape)}"
        if self.attributes.quantized_bias_type not in self.bias_codes:
            yield f"bias and sums of type {self.attributes.quantized_bias_type}, not {self.bias_types[0].value}"

    def output_shapes(self) -> Sequence[Shape]:
        """As the first input says; where that is computed at run time the output's own, as TFLM has it."""
        shape = self.input(0)
        return [self.output.shape if shape.data is None else tuple(shape.data.reshape(-1).tolist())]

    def axes(self) -> tuple[Axis, Axis]:
        """The windows along the output's height and width."""
        a, (_, height, width, _), (_, kernel_height, kernel_width, _) = (
            self.attributes,
            self.output.shape,
            self.weights.shape,
        )
        return (
            Axis.of(a.padding, height, kernel_height, a.stride_h),
            Axis.of(a.padding, width, kernel_width, a.stride_w),
        )

    def sums(self, x: Array, weights: Array) -> Array:
        """Sums of products in the type of ``x``, before bias: shape of the output."""
        y, w = self.axes()
        batches, height, width, _ = x.shape
        rows = max((height - 1) * y.stride + y.kernel, y.before + y.size)
        columns = max((width - 1) * w.stride + w.kernel, w.before + w.size)
        full = np.zeros((batches, rows, columns, self.out_channels), x.dtype)
        for row in range(y.kernel):
            for column in range(w.kernel):
                part = x @ weights[:, row, column].astype(x.dtype).T
                full[:, row : row + height * y.stride : y.stride, column : column + width * w.stride : w.stride] += part
        return full[:, y.before : y.before + y.size, w.before : w.before + w.size]

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        _, weights, x, bias = (*inputs, None)[:4]
        assert x is not None
        assert weights is not None
        operand = (x.astype(np.int32) + self.input_offset).astype(self.exact_type())
        return (self.requantize(self.sums(operand, weights), bias),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        _, weights, x, bias = (*inputs, None)[:4]
        assert x is not None
        assert weights is not None
        return (self.finish_float(self.sums(x.astype(np.float32), weights), bias),)

    def macs(self) -> int:
        return self.data.elements * math.prod(self.weights.shape[:3])

    @cached_property
    def phases(self) -> list[tuple[Phase, Phase]]:
        """Every pair of a phase along the height and one along the width."""
        y, x = self.axes()
        return [(row, column) for row in phases(y) for column in phases(x)]

    def phase_filters(self, row: Phase, column: Phase) -> Int64:
        """The weights of a phase: (out channels, taps x in channels)."""
        assert self.weights.data is not None
        padded = np.pad(self.weights.data.astype(np.int64), ((0, 0), (0, 1), (0, 1), (0, 0)))
        return padded[:, row.taps][:, :, column.taps].reshape(self.out_channels, -1)


_PANEL_BYTES = 24 * 1024


@variant(TransposeConv)
class TransposeConvGemm(Variant):
    """Phase by phase as a matrix product of int16 pairs, two output channels by four pixels, as CONV_2D."""

    name, header = "phases", "nn_transpose_conv_s8.h"
    cycles_per_instruction = 0.65

    def words(self, op: TransposeConv, row: Phase, column: Phase) -> int:
        """Of four taps, for an output of a phase."""
        return ceil_div(len(row.taps) * len(column.taps) * op.data.shape[3], 4)

    def panel(self, op: TransposeConv) -> tuple[int, int]:
        """Rows and columns (a multiple of 4) of a phase that are computed at a time."""
        words = max(self.words(op, *pair) for pair in op.phases)
        rows = max(row.count for row, _ in op.phases)
        columns = max(1, *(column.count for _, column in op.phases))
        most = max(4, _PANEL_BYTES // (8 * words) // 4 * 4)
        width = round_up(ceil_div(columns, ceil_div(columns, most)), 4)
        return max(1, min(rows, most // width)), width

    def cost(self, op: TransposeConv) -> Cost:
        panel_rows, panel_columns = self.panel(op)
        pairs = ceil_div(op.out_channels, 2)
        total = 0
        for row, column in op.phases:
            words, pixels = self.words(op, row, column), row.count * column.count
            panels = ceil_div(row.count, panel_rows) * ceil_div(column.count, panel_columns)
            tiles = row.count * ceil_div(column.count, 4)
            total += pixels * (50 + 15 * words + 12 * len(row.taps)) + panels * pairs * (60 + 11 * words)
            total += tiles * pairs * (18 + 30 * words)
        largest = max(self.words(op, *pair) for pair in op.phases)
        scratch = 4 * (4 * largest + panel_rows * panel_columns * 2 * largest + 2 * GEMM_OVERREAD) + 4 * largest
        batches = op.output.shape[0]
        code = 1400 if any(len(row.taps) * len(column.taps) > 1 for row, column in op.phases) else 900
        return Cost(batches * total + op.output.elements * op.output_instructions, scratch, code, (GEMM_2X4,))

    def reading(self, op: TransposeConv) -> Reading:
        panel_rows, panel_columns = self.panel(op)
        panels = (ceil_div(row.count, panel_rows) * ceil_div(column.count, panel_columns) for row, column in op.phases)
        return Reading(passes=op.output.shape[0] * max(panels))

    def constants(self, op: TransposeConv) -> tuple[Constant, ...]:
        rows, biases = [], []
        for pair in op.phases:
            filters = op.phase_filters(*pair)
            rows.append(np.pad(filters, ((0, 0), (0, -filters.shape[1] % 4))).astype(np.int8).reshape(-1))
            folded = op.bias + op.input_offset * filters.sum(axis=1)
            biases.append((folded & 0xFFFFFFFF).astype(np.uint32).view(np.int32))
        weights, _, multiplier, shift = channel_constants(op, np.concatenate(rows))
        return weights, Constant("bias", np.stack(biases), "per phase; includes the input's offset"), multiplier, shift

    def geometry(self, op: TransposeConv) -> dict[str, int]:
        """The fields of the arguments that are no pointers and have nothing to do with the type of the activations."""
        (batches, height, width, channels), (y, x) = op.data.shape, op.axes()
        (low, high), (panel_rows, panel_columns) = op.output_range, self.panel(op)
        return {
            "batches": batches,
            "input_height": height,
            "input_width": width,
            "in_channels": channels,
            "output_height": y.size,
            "output_width": x.size,
            "out_channels": op.out_channels,
            "kernel_height": y.kernel,
            "kernel_width": x.kernel,
            "stride_y": y.stride,
            "stride_x": x.stride,
            "pad_top": y.before,
            "pad_left": x.before,
            "output_min": low,
            "output_max": high,
            "requantize": op.requantize_form,
            "panel_rows": panel_rows,
            "panel_columns": panel_columns,
        }

    def call(self, op: TransposeConv) -> Call:
        offsets = {"input_offset": op.input_offset, "output_offset": op.output.zero_point}
        fields = {**BUFFERS, "input": Ref("input", op.data_index), **self.geometry(op), **offsets}
        return Call("nn_transpose_conv_s8", "nn_transpose_conv_args", fields)
