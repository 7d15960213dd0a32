"""DEPTHWISE_CONV_2D (int8): meaning, kernel and how it is called."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from seatool.ir import Array, Attributes
from seatool.kernels.base import (
    BAND_ROWS,
    Activation,
    Admission,
    Bands,
    Call,
    Constant,
    Cost,
    Field,
    Padding,
    QuantizationRule,
    TFLiteForm,
    Variant,
    all_rows,
    operator,
    variant,
)
from seatool.kernels.convolution import Convolution, Margins
from seatool.kernels.weighted import BUFFERS, channel_constants
from seatool.rounding import ceil_div


@dataclass(frozen=True)
class DepthwiseConv2DAttributes(Attributes):
    """DepthwiseConv2DOptions of the TFLite schema."""

    padding: Padding
    stride_w: int
    stride_h: int
    depth_multiplier: int = 1
    fused_activation_function: Activation = Activation.NONE
    dilation_w_factor: int = 1
    dilation_h_factor: int = 1
    margins: Margins | None = None
    """Instead of ``padding``: what no file can say, and passes make of a PAD."""

    def __post_init__(self) -> None:
        if min(self.stride_w, self.stride_h, self.dilation_w_factor, self.dilation_h_factor) < 1:
            raise ValueError("strides and dilations must be positive")


@operator("DEPTHWISE_CONV_2D")
class DepthwiseConv2D(Convolution):
    """Sums over windows of one channel. Source: TFLM integer_ops/depthwise_conv.h (DepthwiseConvPerChannel).

    Weights: (1, height, width, out channels); output channel c sees input channel c // depth_multiplier.
    """

    tflite = TFLiteForm(
        4,
        range(1, 8),
        2,
        (
            Field("padding", 0, "int8"),
            Field("stride_w", 1, "int32"),
            Field("stride_h", 2, "int32"),
            Field("depth_multiplier", 3, "int32"),
            Field("fused_activation_function", 4, "int8"),
            Field("dilation_w_factor", 5, "int32", 1),
            Field("dilation_h_factor", 6, "int32", 1),
        ),
    )
    attributes_type = DepthwiseConv2DAttributes
    quantization = QuantizationRule(weights=1, weight_axis=3, bias=2)
    channel_axis = 3

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Attributes:
        fields = dict(raw)
        padding, activation = fields.pop("padding"), fields.pop("fused_activation_function")
        return DepthwiseConv2DAttributes(Padding(padding), fused_activation_function=Activation(activation), **fields)

    def problems(self) -> Iterator[str]:
        yield from self.weighted_problems()
        channels, multiplier = self.input(0).shape[-1], self.attributes.depth_multiplier
        if self.out_channels != channels * multiplier:
            yield f"{self.out_channels} output channels are not {channels} input channels x multiplier {multiplier}"
        yield from self.window_problems()

    def sums(self, x: Array, weights: Array) -> Array:
        windows, channels = self.windows(x), x.shape[3]
        taps = weights.reshape(*self.kernel_size, channels, -1).astype(x.dtype)
        total = np.zeros((*self.output.shape[:3], channels, taps.shape[3]), x.dtype)
        for row, column in np.ndindex(*self.kernel_size):
            total += windows[..., row, column, None] * taps[row, column]
        return total.reshape(self.output.shape)

    def macs(self) -> int:
        return self.output.elements * math.prod(self.kernel_size)


@dataclass(frozen=True)
class Blocking:
    """How much is computed at a time: output rows and input channels; and the scratch bytes that takes."""

    rows: int
    channels: int
    scratch: int


class _Depthwise(Variant):
    """What the kernels share: the input is spread out channel by channel, a block of rows and channels at a time."""

    function: ClassVar[str]
    code_bytes: ClassVar[int]
    scratch_limit = 20 * 1024

    def __init__(self, rows: int | None = None) -> None:
        self.rows = rows
        """Of a band; None: as is cheapest."""

    def options(self, op: DepthwiseConv2D) -> Iterator[_Depthwise]:
        height = op.output.shape[1]
        heights = {self.blocking(op).rows, height, *(rows for rows in BAND_ROWS if rows < height)}
        yield from (type(self)(rows) for rows in sorted(heights))

    def inplace(self, op: DepthwiseConv2D) -> tuple[int, ...]:
        """Where all rows of a channel are spread out before its outputs are written, which take the same places."""
        whole = self.blocking(op).rows >= op.output.shape[1] and op.output.shape == op.input(0).shape
        y, x = op.axes()
        return (0,) if whole and (y.stride, x.stride) == (1, 1) else ()

    def bands(self, op: DepthwiseConv2D) -> Bands | None:
        return op.bands(self.blocking(op).rows, lambda rows: self.instructions(op, rows))

    @abstractmethod
    def word_step(self, op: DepthwiseConv2D) -> int:
        """Columns between the words of a row."""

    @abstractmethod
    def row_words(self, op: DepthwiseConv2D) -> int:
        """Words of a row of the input."""

    @abstractmethod
    def weight_words(self, op: DepthwiseConv2D) -> int:
        """Words of scratch for the weights of a channel."""

    @abstractmethod
    def row_instructions(self, op: DepthwiseConv2D) -> int:
        """Of one row of an output channel."""

    def blocking(self, op: DepthwiseConv2D) -> Blocking:
        """The cheapest rows and channels within the scratch limit, or the smallest possible."""
        height, channels = op.output.shape[1], op.input(0).shape[3]
        heights = {self.rows} if self.rows else {ceil_div(height, bands) for bands in range(1, height + 1)}
        options = [
            Blocking(rows, block, self.scratch(op, rows, block))
            for rows in sorted(heights)
            for block in sorted({ceil_div(channels, blocks) for blocks in range(1, channels + 1)})
        ]
        admissible = [b for b in options if b.scratch <= self.scratch_limit] or [options[0]]
        return min(admissible, key=lambda b: (self.overhead(op, b, height), b.scratch))

    def scratch(self, op: DepthwiseConv2D, rows: int, channels: int) -> int:
        """Bytes for ``rows`` output rows of ``channels`` input channels."""
        return 4 * (self.weight_words(op) + channels * self.input_rows(op, rows) * self.row_words(op))

    def input_rows(self, op: DepthwiseConv2D, rows: int) -> int:
        y, _ = op.axes()
        return (rows - 1) * y.stride + (y.kernel - 1) * y.dilation + 1

    def overhead(self, op: DepthwiseConv2D, blocking: Blocking, height: int) -> int:
        """Instructions for ``height`` output rows that depend on the blocking: spreading inputs, preparing weights."""
        bands = ceil_div(height, blocking.rows)
        whole, rest = divmod(op.input(0).shape[3], blocking.channels)
        groups = sum(
            count * (size // 4 * 20 + size % 4 * 16) for count, size in ((whole, blocking.channels), (1, rest))
        )
        words = self.input_rows(op, min(blocking.rows, height)) * self.row_words(op)
        return bands * (words * groups + 65 * op.out_channels)

    def instructions(self, op: DepthwiseConv2D, height: int) -> int:
        """Of computing ``height`` rows of the output in all channels."""
        return height * op.out_channels * self.row_instructions(op) + self.overhead(op, self.blocking(op), height)

    def cost(self, op: DepthwiseConv2D) -> Cost:
        batches, height, _, _ = op.output.shape
        return Cost(batches * self.instructions(op, height), self.blocking(op).scratch, self.code_bytes)

    def constants(self, op: DepthwiseConv2D) -> tuple[Constant, ...]:
        assert op.weights.data is not None
        return channel_constants(op, op.weights.data)

    def call(self, op: DepthwiseConv2D) -> Call:
        blocking = self.blocking(op)
        fields = {
            **BUFFERS,
            **op.geometry(),
            **all_rows(op),
            "word_step": self.word_step(op),
            "row_words": self.row_words(op),
            "band_rows": blocking.rows,
            "block_channels": blocking.channels,
        }
        return Call(self.function, "nn_depthwise_args", fields)


@variant(DepthwiseConv2D)
class DepthwiseLanes(_Depthwise):
    """Two taps of a row per word and SMLAD, whatever the shape."""

    name, header, function = "lanes", "nn_depthwise_s8.h", "nn_depthwise_s8"
    code_bytes = 900

    def word_step(self, op: DepthwiseConv2D) -> int:
        # Every pair of taps of every output starts at a multiple.
        _, x = op.axes()
        return math.gcd(x.stride, 2 * x.dilation)

    def row_words(self, op: DepthwiseConv2D) -> int:
        _, x = op.axes()
        pairs = ceil_div(x.kernel, 2)
        return ((x.output - 1) * x.stride + (pairs - 1) * 2 * x.dilation) // self.word_step(op) + 1

    def weight_words(self, op: DepthwiseConv2D) -> int:
        y, x = op.axes()
        return y.kernel * ceil_div(x.kernel, 2)

    def row_instructions(self, op: DepthwiseConv2D) -> int:
        pairs = self.weight_words(op)
        return 12 + op.output.shape[2] * (3 + (2 if pairs <= 6 else 3) * pairs + op.output_instructions)


@variant(DepthwiseConv2D)
class DepthwiseThree(_Depthwise):
    """Three taps per row with stride 1: two outputs at a time from the same words."""

    name, header, function = "three", "nn_depthwise_3_s8.h", "nn_depthwise_3_s8"
    code_bytes = 690
    cycles_per_instruction = 0.86

    def admits(self, op: DepthwiseConv2D) -> Admission:
        y, x = op.axes()
        if x.kernel != 3 or y.kernel > 3:
            return Admission(False, "the kernel is not 3 columns wide and up to 3 rows high")
        return Admission.when((x.stride, x.dilation) == (1, 1), "strided or dilated along rows")

    def word_step(self, op: DepthwiseConv2D) -> int:
        return 2

    def row_words(self, op: DepthwiseConv2D) -> int:
        return ceil_div(op.output.shape[2], 2) + 1

    def weight_words(self, op: DepthwiseConv2D) -> int:
        return 0

    def row_instructions(self, op: DepthwiseConv2D) -> int:
        y, x = op.axes()
        return 3 + ceil_div(x.output, 2) * (2 + 6 * y.kernel) + x.output * op.output_instructions


@variant(DepthwiseConv2D)
class DepthwiseFourChannels(Variant):
    """Four channels at a time straight from the input: for small images, strides and bands of few rows."""

    name, header = "direct_x4", "nn_depthwise_x4_s8.h"

    def admits(self, op: DepthwiseConv2D) -> Admission:
        if op.attributes.depth_multiplier != 1:
            return Admission(False, "several output channels per input channel")
        return Admission.when(op.out_channels >= 4, "fewer than 4 channels")

    def bands(self, op: DepthwiseConv2D) -> Bands | None:
        return op.bands(1, lambda rows: self.instructions(op, rows))

    def instructions(self, op: DepthwiseConv2D, height: int) -> int:
        """Of computing ``height`` rows of the output in all channels."""
        (y, x), (_, rows, columns, channels) = op.axes(), op.output.shape
        taps, whole, outputs = y.kernel * x.kernel, y.whole * x.whole, 4 * op.output_instructions
        edges = (rows * columns - whole) * (6 + outputs) + (y.taps * x.taps - whole * taps) * 18
        of_rows = 30 * rows + whole * (5 + 8 * taps + outputs) + edges
        return ceil_div(channels, 4) * (180 + 8 * taps + of_rows * height // rows)

    def cost(self, op: DepthwiseConv2D) -> Cost:
        batches, height, _, _ = op.output.shape
        return Cost(batches * self.instructions(op, height), 8 * math.prod(op.kernel_size), 1200)

    def constants(self, op: DepthwiseConv2D) -> tuple[Constant, ...]:
        assert op.weights.data is not None
        weights, _, multiplier, shift = channel_constants(op, op.weights.data)
        return (weights, Constant("bias", op.bias), multiplier, shift)

    def call(self, op: DepthwiseConv2D) -> Call:
        unused = dict.fromkeys(("word_step", "row_words", "band_rows", "block_channels"), 0)
        return Call("nn_depthwise_x4_s8", "nn_depthwise_args", {**BUFFERS, **op.geometry(), **all_rows(op), **unused})
