"""DEPTHWISE_CONV_2D on int16 activations: kernels and how they are called."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from seatool.ir import DType
from seatool.kernels.base import BAND_ROWS, Admission, Bands, Call, Constant, Cost, Variant, all_rows, variant, wide
from seatool.kernels.depthwise_conv_2d import DepthwiseConv2D
from seatool.kernels.weighted_int16 import WideWeightedOperator, buffers
from seatool.rounding import ceil_div


@wide(DepthwiseConv2D)
class DepthwiseConv2DInt16(WideWeightedOperator, DepthwiseConv2D):
    """Sums over windows of one int16 channel. Source: TFLM integer_ops/depthwise_conv.h (DepthwiseConvPerChannel)."""

    bias_types = (DType.INT64,)


class _Depthwise(Variant):
    """What the kernels share: constants and the fields of the call."""

    header = "nn_depthwise_s16.h"
    function: ClassVar[str]

    @abstractmethod
    def instructions(self, op: DepthwiseConv2DInt16, height: int) -> int:
        """Of computing ``height`` rows of the output in all channels."""

    def constants(self, op: DepthwiseConv2DInt16) -> tuple[Constant, ...]:
        assert op.weights.data is not None
        return (Constant("weights", op.weights.data), *op.sum_constants())

    def call(self, op: DepthwiseConv2DInt16) -> Call:
        geometry = op.geometry()
        for absent in ("input_offset", "output_offset"):
            del geometry[absent]
        return Call(self.function, "nn_depthwise_s16_args", {**buffers(op), **geometry, **all_rows(op)})


@variant(DepthwiseConv2DInt16)
class DepthwiseTwoChannels(_Depthwise):
    """int16 activations: two channels at a time, spread out with zeros around; two neighbouring outputs share loads."""

    name, function = "lanes_s16", "nn_depthwise_x2_s16"
    scratch_limit = 20 * 1024

    def __init__(self, rows: int | None = None) -> None:
        self.rows = rows
        """Of a band; None: as many as the scratch limit allows."""

    def admits(self, op: DepthwiseConv2DInt16) -> Admission:
        words = ceil_div(op.filters.shape[1], 4)
        return Admission.when(op.chunk_words(op.filters) == words, "sums may not fit 32 bits")

    def options(self, op: DepthwiseConv2DInt16) -> Iterator[DepthwiseTwoChannels]:
        height = op.output.shape[1]
        heights = {self.band_rows(op), height, *(rows for rows in BAND_ROWS if rows < height)}
        yield from (type(self)(rows) for rows in sorted(heights))

    def bands(self, op: DepthwiseConv2DInt16) -> Bands | None:
        return op.bands(self.band_rows(op), lambda rows: self.instructions(op, rows))

    def inplace(self, op: DepthwiseConv2DInt16) -> tuple[int, ...]:
        """Where all rows of two channels are spread out before their outputs, in the same places, are written."""
        y, x = op.axes()
        whole = self.band_rows(op) >= op.output.shape[1] and op.output.shape == op.input(0).shape
        return (0,) if whole and (y.stride, x.stride) == (1, 1) and op.out_channels % 2 == 0 else ()

    def row_words(self, op: DepthwiseConv2DInt16) -> int:
        """Words of a row spread out."""
        _, x = op.axes()
        return (x.output - 1) * x.stride + (x.kernel - 1) * x.dilation + 1

    def input_rows(self, op: DepthwiseConv2DInt16, rows: int) -> int:
        y, _ = op.axes()
        return (rows - 1) * y.stride + (y.kernel - 1) * y.dilation + 1

    def scratch(self, op: DepthwiseConv2DInt16, rows: int) -> int:
        """Bytes for bands of ``rows`` output rows."""
        return 4 * (math.prod(op.kernel_size) + self.input_rows(op, rows) * self.row_words(op))

    def band_rows(self, op: DepthwiseConv2DInt16) -> int:
        """Output rows computed at a time: as few bands as the scratch limit allows, of about equal size."""
        height = op.output.shape[1]
        if self.rows is not None:
            return self.rows
        heights = (ceil_div(height, bands) for bands in range(1, height + 1))
        return next((rows for rows in heights if self.scratch(op, rows) <= self.scratch_limit), 1)

    def instructions(self, op: DepthwiseConv2DInt16, height: int) -> int:
        (y, x), taps, rows = op.axes(), math.prod(op.kernel_size), self.band_rows(op)
        bands, words = ceil_div(height, rows), self.input_rows(op, min(rows, height)) * self.row_words(op)
        loads = len({j * x.dilation + shift for j in range(x.kernel) for shift in (0, x.stride)})
        two = y.kernel * (loads + 5 * x.kernel) + 8 + 4 * op.output_instructions
        one = 4 * taps + 6 + 2 * op.output_instructions
        row = 12 + x.output // 2 * two + x.output % 2 * one
        spreads, pairs = ceil_div(op.input(0).shape[3], 2), ceil_div(op.out_channels, 2)
        return bands * (spreads * (words * 4 + 40) + pairs * (50 + 8 * taps)) + pairs * height * row

    def cost(self, op: DepthwiseConv2DInt16) -> Cost:
        batches, height, _, _ = op.output.shape
        scratch, code = self.scratch(op, self.band_rows(op)), 700 + 5 * op.output_code
        return Cost(batches * self.instructions(op, height), scratch, code)

    def call(self, op: DepthwiseConv2DInt16) -> Call:
        call = super().call(op)
        return replace(call, fields={**call.fields, "row_words": self.row_words(op), "band_rows": self.band_rows(op)})


@variant(DepthwiseConv2DInt16)
class DepthwiseOneChannel(_Depthwise):
    """int16 activations: one output channel at a time straight from the input, whatever the shape and the weights."""

    name, function = "direct_s16", "nn_depthwise_x1_s16"

    def bands(self, op: DepthwiseConv2DInt16) -> Bands | None:
        return op.bands(1, lambda rows: self.instructions(op, rows))

    def instructions(self, op: DepthwiseConv2DInt16, height: int) -> int:
        (y, x), (_, rows, columns, channels) = op.axes(), op.output.shape
        outputs, loops = rows * columns * (30 + op.output_instructions), 8 if x.kernel > 1 else 1
        return channels * (30 + (20 * rows + outputs + y.taps * columns * loops + y.taps * x.taps * 6) * height // rows)

    def cost(self, op: DepthwiseConv2DInt16) -> Cost:
        batches, height, _, _ = op.output.shape
        return Cost(batches * self.instructions(op, height), 0, 300 + op.output_code)
