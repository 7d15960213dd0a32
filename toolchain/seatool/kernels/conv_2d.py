"""CONV_2D (int8): meaning, kernels and how they are called."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from seatool.ir import Array, Attributes
from seatool.kernels.assembly import GEMM_2X4, GEMM_OVERREAD, VECTOR_4
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
    Reading,
    TFLiteForm,
    Variant,
    all_rows,
    operator,
    variant,
)
from seatool.kernels.convolution import Convolution, Margins
from seatool.kernels.weighted import BUFFERS, channel_constants, output_blocks, vector_instructions
from seatool.rounding import ceil_div, round_up


@dataclass(frozen=True)
class Conv2DAttributes(Attributes):
    """Conv2DOptions of the TFLite schema."""

    padding: Padding
    stride_w: int
    stride_h: int
    fused_activation_function: Activation = Activation.NONE
    dilation_w_factor: int = 1
    dilation_h_factor: int = 1
    quantized_bias_type: int = 0
    margins: Margins | None = None
    """Instead of ``padding``: what no file can say, and passes make of a PAD."""

    def __post_init__(self) -> None:
        if min(self.stride_w, self.stride_h, self.dilation_w_factor, self.dilation_h_factor) < 1:
            raise ValueError("strides and dilations must be positive")


@operator("CONV_2D")
class Conv2D(Convolution):
    """Sums over windows and input channels. Source: TFLM integer_ops/conv.h (ConvPerChannel).

    Weights: (out channels, height, width, in channels / groups). Where the weights have fewer input channels than the
    input, the convolution is grouped.
    """

    tflite = TFLiteForm(
        3,
        range(1, 9),
        1,
        (
            Field("padding", 0, "int8"),
            Field("stride_w", 1, "int32"),
            Field("stride_h", 2, "int32"),
            Field("fused_activation_function", 3, "int8"),
            Field("dilation_w_factor", 4, "int32", 1),
            Field("dilation_h_factor", 5, "int32", 1),
            Field("quantized_bias_type", 6, "int8"),
        ),
    )
    attributes_type = Conv2DAttributes
    quantization = QuantizationRule(weights=1, weight_axis=0, bias=2)
    channel_axis = 0

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Attributes:
        fields = dict(raw)
        padding, activation = fields.pop("padding"), fields.pop("fused_activation_function")
        return Conv2DAttributes(Padding(padding), fused_activation_function=Activation(activation), **fields)

    @property
    def groups(self) -> int:
        return self.input(0).shape[3] // self.weights.shape[3]

    @property
    def taps(self) -> int:
        """Products of one output value."""
        return math.prod(self.weights.shape[1:])

    def problems(self) -> Iterator[str]:
        yield from self.weighted_problems()
        channels, depth = self.input(0).shape[-1], self.weights.shape[-1]
        if channels % depth or self.out_channels % (channels // depth):
            yield f"weights for {depth} of {channels} input and {self.out_channels} output channels form no groups"
        yield from self.window_problems()

    def sums(self, x: Array, weights: Array) -> Array:
        windows = self.windows(x).transpose(0, 1, 2, 4, 5, 3)
        depth, count = self.weights.shape[3], self.out_channels // self.groups
        parts = []
        for group in range(self.groups):
            taps = windows[..., group * depth : (group + 1) * depth].reshape(-1, self.taps)
            parts.append(taps @ weights[group * count : (group + 1) * count].reshape(count, -1).astype(x.dtype).T)
        return np.concatenate(parts, axis=1).reshape(self.output.shape)

    def macs(self) -> int:
        return self.output.elements * self.taps


_SMALL_PANEL = 8 * 1024


@variant(Conv2D)
class ConvGemm(Variant):
    """Matrix product of int16 pairs: gathers the taps of some pixels, then two output channels by four pixels."""

    name, header = "gemm", "nn_conv_gemm_s8.h"
    cycles_per_instruction = 0.65

    def __init__(self, scratch_limit: int = 24 * 1024, rows: int | None = None) -> None:
        self.scratch_limit = scratch_limit
        """Bytes that the panel may take."""
        self.rows = rows
        """Of a band; None: all of the output."""

    def options(self, op: Conv2D) -> Iterable[ConvGemm]:
        heights = (None, *(rows for rows in BAND_ROWS if rows < op.output.shape[1]))
        options = [ConvGemm(limit, rows) for rows in heights for limit in (self.scratch_limit, _SMALL_PANEL)]
        return {(option.rows, option.panel_pixels(op)): option for option in options}.values()

    def bands(self, op: Conv2D) -> Bands | None:
        if self.rows is None:
            return None
        pixels = self.rows * op.output.shape[2]
        panels = ceil_div(pixels, self.panel_pixels(op))
        return op.bands(self.rows, lambda rows: self.instructions(op, rows * op.output.shape[2]), Reading(panels))

    def panel_pixels(self, op: Conv2D) -> int:
        """Output pixels computed at a time: as few panels as the scratch limit allows, of equal size."""
        images, height, width, _ = op.output.shape
        pixels, words = images * height * width if self.rows is None else self.rows * width, ceil_div(op.taps, 4)
        most = max(4, self.scratch_limit // (8 * words) // 4 * 4)
        return round_up(ceil_div(pixels, ceil_div(pixels, most)), 4)

    def instructions(self, op: Conv2D, pixels: int) -> int:
        """Of computing ``pixels`` outputs in all channels."""
        words, panel = ceil_div(op.taps, 4), self.panel_pixels(op)
        pairs = op.groups * ceil_div(op.out_channels // op.groups, 2)
        panels, tiles = ceil_div(pixels, panel), ceil_div(pixels, 4)
        gather = 0 if self.is_pointwise(op) else 6 * words + 12 * op.kernel_size[0] + 30
        fill = op.groups * pixels * (20 + 9 * words + gather)
        weights = panels * pairs * (60 + 11 * words)
        core = tiles * pairs * (18 + 30 * words)
        return fill + weights + core + pixels * op.out_channels * op.output_instructions

    def cost(self, op: Conv2D) -> Cost:
        words, panel = ceil_div(op.taps, 4), self.panel_pixels(op)
        scratch = 4 * (4 * words + panel * 2 * words + 2 * GEMM_OVERREAD) + 4 * words
        code = 770 if self.is_pointwise(op) else 1050
        return Cost(self.instructions(op, math.prod(op.output.shape[:3])), scratch, code, (GEMM_2X4,))

    def reading(self, op: Conv2D) -> Reading:
        return Reading(passes=ceil_div(math.prod(op.output.shape[:3]), self.panel_pixels(op)))

    def is_pointwise(self, op: Conv2D) -> bool:
        """Whether the taps of an output lie side by side in the input, so that nothing is gathered."""
        return op.kernel_size == (1, 1) and op.input(0).shape[3] % 4 == 0 and op.groups == 1

    def inplace(self, op: Conv2D) -> tuple[int, ...]:
        """Where an output sees one pixel and is no larger: a panel has left its inputs behind before it is written."""
        y, x = op.axes()
        alone = (*op.kernel_size, y.stride, x.stride, op.groups) == (1,) * 5
        return (0,) if alone and op.out_channels <= op.input(0).shape[3] else ()

    def constants(self, op: Conv2D) -> tuple[Constant, ...]:
        rows = op.filters.astype(np.int8)
        return channel_constants(op, np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4))))

    def call(self, op: Conv2D) -> Call:
        fields = {
            **BUFFERS,
            **op.geometry(),
            **all_rows(op),
            "groups": op.groups,
            "panel_pixels": self.panel_pixels(op),
        }
        return Call("nn_conv_gemm_s8", "nn_conv_args", fields)


FEW_PIXELS = 3
"""Of an output, which is computed pixel by pixel."""


@variant(Conv2D)
class ConvVector(Variant):
    """Pixel by pixel as matrix times vector: for outputs too small to share widened weights among pixels."""

    name, header = "vector", "nn_conv_vector_s8.h"

    def admits(self, op: Conv2D) -> Admission:
        if op.groups > 1:
            return Admission(False, "grouped")
        return Admission.when(
            math.prod(op.output.shape[:3]) <= FEW_PIXELS, f"more than {FEW_PIXELS} pixels share the work on weights"
        )

    def cost(self, op: Conv2D) -> Cost:
        words = ceil_div(op.taps, 4)
        gather = 6 * words + 12 * op.kernel_size[0] + 30
        pixels = math.prod(op.output.shape[:3])
        instructions = pixels * (gather + vector_instructions(op, op.taps))
        return Cost(instructions, 12 * words, 600, (VECTOR_4,))

    def reading(self, op: Conv2D) -> Reading:
        return Reading(passes=math.prod(op.output.shape[:3]))

    def constants(self, op: Conv2D) -> tuple[Constant, ...]:
        return channel_constants(op, output_blocks(op.filters))

    def call(self, op: Conv2D) -> Call:
        fields = {**BUFFERS, **op.geometry(), **all_rows(op), "groups": 1, "panel_pixels": 0}
        return Call("nn_conv_vector_s8", "nn_conv_args", fields)
