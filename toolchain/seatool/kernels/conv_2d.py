"""CONV_2D (int8): meaning, kernels and how they are called."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from seatool.ir import Array, Attributes
from seatool.kernels.base import (
    WHOLE,
    Activation,
    Admission,
    Call,
    Constant,
    Cost,
    Field,
    Padding,
    QuantizationRule,
    Ref,
    TFLiteForm,
    Tile,
    Variant,
    operator,
    variant,
)
from seatool.kernels.weighted import WeightedOperator
from seatool.kernels.window import Axis


@dataclass(frozen=True)
class Conv2DAttributes(Attributes):
    """Conv2DOptions of the TFLite schema."""

    padding: Padding
    stride_w: int
    stride_h: int
    fused_activation_function: Activation = Activation.NONE
    dilation_w_factor: int = 1
    dilation_h_factor: int = 1

    def __post_init__(self) -> None:
        if min(self.stride_w, self.stride_h, self.dilation_w_factor, self.dilation_h_factor) < 1:
            raise ValueError("strides and dilations must be positive")


class Convolution(WeightedOperator):
    """Windows over an NHWC tensor; weights (out or 1, height, width, in or out channels)."""

    @property
    def kernel_size(self) -> tuple[int, int]:
        """Height and width in taps."""
        return self.weights.shape[1], self.weights.shape[2]

    def axes(self) -> tuple[Axis, Axis]:
        """The windows along height and width."""
        a, (_, height, width, _), (kernel_height, kernel_width) = self.attributes, self.input(0).shape, self.kernel_size
        return (
            Axis.of(a.padding, height, kernel_height, a.stride_h, a.dilation_h_factor),
            Axis.of(a.padding, width, kernel_width, a.stride_w, a.dilation_w_factor),
        )

    def window_problems(self) -> Iterator[str]:
        """Problems of ranks and of the output's shape."""
        if any(len(t.shape) != 4 for t in (self.input(0), self.weights, self.output)):
            yield "input, weights and output must have 4 dimensions"
            return
        y, x = self.axes()
        expected = (self.input(0).shape[0], y.output, x.output, self.out_channels)
        if self.output.shape != expected:
            yield f"the output's shape is {list(self.output.shape)}; input and options make it {list(expected)}"

    def windows(self, x: Array) -> Array:
        """What each output sees, padded with 0: a view (N, H', W', C, kernel height, kernel width)."""
        a, (y, w) = self.attributes, self.axes()
        padded = np.pad(x, ((0, 0), (y.before, y.after), (w.before, w.after), (0, 0)))
        reach = ((y.kernel - 1) * y.dilation + 1, (w.kernel - 1) * w.dilation + 1)
        views = np.lib.stride_tricks.sliding_window_view(padded, reach, axis=(1, 2))
        views = views[:, :: y.stride, :: w.stride, :, :: y.dilation, :: w.dilation]
        return views[:, : y.output, : w.output]

    def exact_type(self) -> type[np.float32] | type[np.float64]:
        """The float type that holds every partial sum exactly, so that the reference can use BLAS."""
        low, high = self.operand_range
        reach = max(-low, high) * int(np.abs(self.filters).sum(axis=1).max())
        return np.float32 if reach < 1 << 24 else np.float64

    def geometry(self) -> dict[str, int]:
        """The fields that every kernel's arguments have."""
        (batches, height, width, channels), (y, x) = self.input(0).shape, self.axes()
        low, high = self.output_range
        return {
            "batches": batches,
            "input_height": height,
            "input_width": width,
            "in_channels": channels,
            "output_height": y.output,
            "output_width": x.output,
            "out_channels": self.out_channels,
            "kernel_height": y.kernel,
            "kernel_width": x.kernel,
            "stride_y": y.stride,
            "stride_x": x.stride,
            "dilation_y": y.dilation,
            "dilation_x": x.dilation,
            "pad_top": y.before,
            "pad_left": x.before,
            "input_offset": self.input_offset,
            "output_offset": self.output.zero_point,
            "output_min": low,
            "output_max": high,
            "requantize": self.requantize_form,
        }


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

    def problems(self) -> Iterator[str]:
        yield from self.weighted_problems()
        channels, depth = self.input(0).shape[-1], self.weights.shape[-1]
        if channels % depth or self.out_channels % (channels // depth):
            yield f"weights for {depth} of {channels} input channels and {self.out_channels} output channels form no groups"
        yield from self.window_problems()

    def sums(self, x: Array, weights: Array) -> Array:
        """Sums of products, in the type of ``x``: (N, H', W', out channels)."""
        windows = self.windows(x).transpose(0, 1, 2, 4, 5, 3)
        depth, count = self.weights.shape[3], self.out_channels // self.groups
        parts = []
        for group in range(self.groups):
            taps = windows[..., group * depth : (group + 1) * depth].reshape(-1, math.prod(self.weights.shape[1:]))
            parts.append(taps @ weights[group * count : (group + 1) * count].reshape(count, -1).astype(x.dtype).T)
        return np.concatenate(parts, axis=1).reshape(self.output.shape)

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        x, weights, bias = (*inputs, None)[:3]
        assert x is not None
        assert weights is not None
        operand = (x.astype(np.int32) + self.input_offset).astype(self.exact_type())
        return (self.requantize(self.sums(operand, weights), bias),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        x, weights, bias = (*inputs, None)[:3]
        assert x is not None
        assert weights is not None
        return (self.finish_float(self.sums(x.astype(np.float32), weights), bias),)

    def macs(self) -> int:
        return self.output.elements * math.prod(self.weights.shape[1:])


def channel_constants(op: WeightedOperator, weights: npt.NDArray[np.int8]) -> tuple[Constant, ...]:
    """Weights, bias and the fixed-point multipliers of the output channels."""
    multiplier, shift = op.multipliers
    return (
        Constant("weights", weights),
        Constant("bias", op.bias),
        Constant("multiplier", multiplier.astype(np.int32), "of 2^31"),
        Constant("shift", shift.astype(np.int8), "left"),
    )


CHANNEL_REFS = {name: Ref("constant", name) for name in ("weights", "bias", "multiplier", "shift")}

_GEMM_SCRATCH = 24 * 1024
_GEMM_OVERREAD = 2


@variant(Conv2D)
class ConvGemm(Variant):
    """Matrix product of int16 pairs: gathers the taps of some pixels, then two output channels by four pixels."""

    name, header = "gemm", "nn_conv_gemm_s8.h"

    def words(self, op: Conv2D) -> int:
        """Words of four weights per output channel."""
        return -(-math.prod(op.weights.shape[1:]) // 4)

    def panel_pixels(self, op: Conv2D) -> int:
        """Output pixels computed at a time: as few panels as the scratch limit allows, of equal size."""
        pixels, words = math.prod(op.output.shape[:3]), self.words(op)
        most = max(4, _GEMM_SCRATCH // (8 * words) // 4 * 4)
        return -(-(-(-pixels // -(-pixels // most))) // 4) * 4

    def cost(self, op: Conv2D, tile: Tile = WHOLE) -> Cost:
        words, panel = self.words(op), self.panel_pixels(op)
        scratch = 4 * (4 * words + panel * 2 * words + 2 * _GEMM_OVERREAD) + 4 * words
        return Cost(0, scratch, 0)

    def constants(self, op: Conv2D) -> tuple[Constant, ...]:
        rows = op.filters.astype(np.int8)
        return channel_constants(op, np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4))))

    def call(self, op: Conv2D) -> Call:
        fields = {
            "input": Ref("input"),
            "output": Ref("output"),
            "scratch": Ref("scratch"),
            **CHANNEL_REFS,
            **op.geometry(),
            "groups": op.groups,
            "panel_pixels": self.panel_pixels(op),
        }
        return Call("nn_conv_gemm_s8", "nn_conv_args", fields)


_ROWS_SCRATCH = 32 * 1024
_ROWS_FIELD_LIMIT = 1 << 20
_ROWS_UNROLL = 3
_ROWS_OVERREAD = 8


@dataclass(frozen=True)
class RowTiles:
    """How a row of outputs is cut into tiles of four and three pairs, see firmware/nn/nn_rows.h."""

    quads: int
    triples: int
    closing: bool

    @property
    def instructions(self) -> int:
        """Of one step over the whole row, loops not counted."""
        return 15 * self.quads + 12 * self.triples + 2 * self.closing

    @property
    def words(self) -> int:
        """Of one step over the whole row."""
        return 5 * self.quads + 4 * self.triples + self.closing

    @property
    def pairs(self) -> int:
        return 4 * self.quads + 3 * self.triples

    @classmethod
    def of(cls, width: int, may_close: bool) -> RowTiles:
        """The cheapest way to cover a row of ``width`` outputs."""

        def cover(pairs: int) -> Iterator[tuple[int, int]]:
            return ((quads, max(0, -(-(pairs - 4 * quads) // 3))) for quads in range(-(-pairs // 4) + 1))

        options = [cls(*counts, False) for counts in cover(width // 2 + 1)]
        if may_close and width % 2 == 0:
            # Tiles that reach behind the row would complete the last output a second time.
            exact = [counts for counts in cover(width // 2) if 4 * counts[0] + 3 * counts[1] == width // 2]
            options += [cls(*counts, True) for counts in exact]
        return min(options, key=lambda tiles: (tiles.instructions, tiles.words))


@variant(Conv2D)
class ConvRows(Variant):
    """Packed 64-bit products: two pixels by two taps per SMLAL, three multiply-accumulates per instruction."""

    name, header = "rows", "nn_conv_rows_s8.h"

    def admits(self, op: Conv2D) -> Admission:
        y, x = op.axes()
        if x.kernel not in (3, 4):
            return Admission(False, "the kernel is not 3 or 4 columns wide")
        return Admission.when(
            (x.stride, x.dilation, y.dilation, op.groups) == (1, 1, 1, 1), "strided along rows, dilated or grouped"
        )

    def tiles(self, op: Conv2D) -> RowTiles:
        _, x = op.axes()
        return RowTiles.of(x.output, may_close=x.kernel == 3 and x.before > 0)

    def chunks(self, op: Conv2D) -> tuple[int, int]:
        """Number and steps of the chunks: the fewest for which no field of an accumulator can overflow."""
        taps = op.filters.reshape(op.out_channels, op.kernel_size[0], op.kernel_size[1], -1)
        positive, negative = (
            f(taps, 0).sum(axis=2).reshape(op.out_channels, -1) for f in (np.maximum, np.minimum)
        )
        low, high = op.operand_range
        highest = high * positive + low * negative
        lowest = low * positive + high * negative
        steps = positive.shape[1]
        for count in range(1, steps + 1):
            chunk = -(-(-(-steps // count)) // _ROWS_UNROLL) * _ROWS_UNROLL
            starts = range(0, steps, chunk)
            if (
                np.add.reduceat(highest, starts, axis=1).max() < _ROWS_FIELD_LIMIT
                and np.add.reduceat(lowest, starts, axis=1).min() >= -_ROWS_FIELD_LIMIT
            ):
                return len(starts), chunk
        raise AssertionError("three steps always fit")

    def band_rows(self, op: Conv2D) -> int:
        """Output rows computed at a time: as few bands as the scratch limit allows, of about equal size."""
        height = op.output.shape[1]
        most = max([rows for rows in range(1, height + 1) if self.scratch(op, rows) <= _ROWS_SCRATCH], default=1)
        return -(-height // -(-height // most))

    def scratch(self, op: Conv2D, rows: int) -> int:
        """Bytes for a band of ``rows`` output rows: sums, weights of a channel, panels."""
        tiles, (count, chunk), (y, _) = self.tiles(op), self.chunks(op), op.axes()
        depth = op.input(0).shape[3]
        panel_rows = (rows - 1) * y.stride + y.kernel
        beyond = (count * chunk - y.kernel * depth) * 6 + _ROWS_OVERREAD
        return 4 * (2 * tiles.pairs + 1 + 2 * count * chunk + panel_rows * depth * tiles.words + beyond)

    def cost(self, op: Conv2D, tile: Tile = WHOLE) -> Cost:
        return Cost(0, self.scratch(op, self.band_rows(op)), 0)

    def constants(self, op: Conv2D) -> tuple[Constant, ...]:
        assert op.weights.data is not None
        return channel_constants(op, op.weights.data)

    def call(self, op: Conv2D) -> Call:
        geometry = op.geometry()
        for absent in ("stride_x", "dilation_y", "dilation_x"):
            del geometry[absent]
        tiles, (count, chunk) = self.tiles(op), self.chunks(op)
        fields = {
            "input": Ref("input"),
            "output": Ref("output"),
            "scratch": Ref("scratch"),
            **CHANNEL_REFS,
            **geometry,
            "quads": tiles.quads,
            "triples": tiles.triples,
            "closing": int(tiles.closing),
            "band_rows": self.band_rows(op),
            "chunks": count,
            "chunk_steps": chunk,
        }
        return Call("nn_conv_rows_s8", "nn_conv_rows_args", fields)
