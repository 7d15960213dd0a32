"""CONV_2D on int16 activations: kernel and how it is called."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from seatool.kernels.assembly import GEMM_2X4, GEMM_OVERREAD, VECTOR_4
from seatool.kernels.base import (
    BAND_ROWS,
    Admission,
    Bands,
    Call,
    Constant,
    Cost,
    Reading,
    Variant,
    all_rows,
    variant,
    wide,
)
from seatool.kernels.conv_2d import FEW_PIXELS, Conv2D
from seatool.kernels.weighted import output_blocks
from seatool.kernels.weighted_int16 import WideWeightedOperator, buffers, exchanged, vector_code, vector_instructions
from seatool.rounding import ceil_div, round_up

_SMALL_PANEL = 8 * 1024


@wide(Conv2D)
class Conv2DInt16(WideWeightedOperator, Conv2D):
    """Sums over windows and input channels on int16. Source: TFLM integer_ops/conv.h (ConvPerChannel)."""


@variant(Conv2DInt16)
class ConvWide(Variant):
    """int16 activations: matrix product of int16 pairs, two output channels by four pixels."""

    name, header = "gemm_s16", "nn_conv_s16.h"
    cycles_per_instruction = 0.65

    def __init__(self, scratch_limit: int = 24 * 1024, rows: int | None = None) -> None:
        self.scratch_limit = scratch_limit
        """Bytes that the panel may take."""
        self.rows = rows
        """Of a band; None: all of the output."""

    def options(self, op: Conv2DInt16) -> Iterable[ConvWide]:
        heights = (None, *(rows for rows in BAND_ROWS if rows < op.output.shape[1]))
        options = [ConvWide(limit, rows) for rows in heights for limit in (self.scratch_limit, _SMALL_PANEL)]
        return {(option.rows, option.panel_pixels(op)): option for option in options}.values()

    def bands(self, op: Conv2DInt16) -> Bands | None:
        if self.rows is None:
            return None
        pixels = self.rows * op.output.shape[2]
        panels = ceil_div(pixels, self.panel_pixels(op))
        return op.bands(self.rows, lambda rows: self.instructions(op, rows * op.output.shape[2]), Reading(panels))

    def panel_pixels(self, op: Conv2DInt16) -> int:
        """Output pixels computed at a time: as few panels as the scratch limit allows, of equal size."""
        images, height, width, _ = op.output.shape
        pixels, words = images * height * width if self.rows is None else self.rows * width, ceil_div(op.taps, 4)
        most = max(4, self.scratch_limit // (8 * words) // 4 * 4)
        return round_up(ceil_div(pixels, ceil_div(pixels, most)), 4)

    def is_pointwise(self, op: Conv2DInt16) -> bool:
        """Whether the taps of an output lie side by side in the input, so that nothing is gathered."""
        return op.kernel_size == (1, 1) and op.input(0).shape[3] % 4 == 0 and op.groups == 1

    def instructions(self, op: Conv2DInt16, pixels: int) -> int:
        """Of computing ``pixels`` outputs in all channels."""
        words, panel = ceil_div(op.taps, 4), self.panel_pixels(op)
        pairs = op.groups * ceil_div(op.out_channels // op.groups, 2)
        panels, tiles = ceil_div(pixels, panel), ceil_div(pixels, 4)
        chunks = ceil_div(words, op.chunk_words(op.filters))
        gather = 0 if self.is_pointwise(op) else 12 * words + 12 * op.kernel_size[0] + 30
        fill = op.groups * pixels * (30 + 5 * words + gather)
        weights = panels * pairs * (60 + 11 * words)
        core = tiles * pairs * (18 * chunks + 30 * words)
        return fill + weights + core + pixels * op.out_channels * op.output_instructions

    def cost(self, op: Conv2DInt16) -> Cost:
        words, panel = ceil_div(op.taps, 4), self.panel_pixels(op)
        scratch = 4 * (4 * words + panel * 2 * words + 2 * GEMM_OVERREAD) + 8 * words
        code = (640 if self.is_pointwise(op) else 1000) + 8 * op.output_code
        return Cost(self.instructions(op, math.prod(op.output.shape[:3])), scratch, code, (GEMM_2X4,))

    def reading(self, op: Conv2DInt16) -> Reading:
        return Reading(passes=ceil_div(math.prod(op.output.shape[:3]), self.panel_pixels(op)))

    def inplace(self, op: Conv2DInt16) -> tuple[int, ...]:
        """Where an output sees one pixel and is no larger: a panel has left its inputs behind before it is written."""
        y, x = op.axes()
        alone = (*op.kernel_size, y.stride, x.stride, op.groups) == (1,) * 5
        return (0,) if alone and op.out_channels <= op.input(0).shape[3] else ()

    def constants(self, op: Conv2DInt16) -> tuple[Constant, ...]:
        return (Constant("weights", exchanged(op.filters)), *op.sum_constants())

    def call(self, op: Conv2DInt16) -> Call:
        return Call("nn_conv_s16", "nn_conv_s16_args", {**_fields(op), "panel_pixels": self.panel_pixels(op)})


def _fields(op: Conv2DInt16) -> dict[str, Any]:
    """The fields that both kernels' arguments have."""
    geometry = op.geometry()
    for absent in ("input_offset", "output_offset"):
        del geometry[absent]
    chunk = op.chunk_words(op.filters)
    return {**buffers(op), **geometry, **all_rows(op), "groups": op.groups, "chunk_words": chunk}


@variant(Conv2DInt16)
class ConvVectorWide(Variant):
    """int16 activations: pixel by pixel as matrix times vector, for outputs of hardly any pixels."""

    name, header = "vector_s16", "nn_conv_vector_s16.h"

    def admits(self, op: Conv2DInt16) -> Admission:
        if op.groups > 1:
            return Admission(False, "grouped")
        few = math.prod(op.output.shape[:3]) <= FEW_PIXELS
        return Admission.when(few, f"more than {FEW_PIXELS} pixels share the work on weights")

    def cost(self, op: Conv2DInt16) -> Cost:
        words = ceil_div(op.taps, 4)
        gather = 12 * words + 12 * op.kernel_size[0] + 30
        instructions = math.prod(op.output.shape[:3]) * (gather + vector_instructions(op, op.taps))
        code = vector_code(op) + (80 if op.kernel_size == (1, 1) else 350)
        return Cost(instructions, 8 * words, code, (VECTOR_4,))

    def reading(self, op: Conv2DInt16) -> Reading:
        return Reading(passes=math.prod(op.output.shape[:3]))

    def constants(self, op: Conv2DInt16) -> tuple[Constant, ...]:
        blocks = output_blocks(exchanged(op.filters).astype(np.int64))
        return (Constant("weights", blocks), *op.sum_constants())

    def call(self, op: Conv2DInt16) -> Call:
        return Call("nn_conv_vector_s16", "nn_conv_s16_args", {**_fields(op), "panel_pixels": 0})
