"""CONV_2D 3x3 with stride 1 by exact integer Winograd: F(4x4, 3x3) and F(2x2, 3x3). docs/winograd.md derives it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from enum import Enum
from functools import cache

import numpy as np
import numpy.typing as npt

from seatool.kernels.base import Admission, Bands, Call, Constant, Cost, Reading, Ref, Resident, Variant
from seatool.kernels.conv_2d import Conv2D
from seatool.kernels.conv_2d_max_pool import ConvMaxPool, Pool
from seatool.kernels.fixed_point import Int64
from seatool.kernels.weighted import BUFFERS, EXACT, SHORT_RELU, channel_constants
from seatool.kernels.winograd_tiles import F2, F4, Form, Tiling, product_function
from seatool.rounding import ceil_div, round_up

FAST_SCRATCH = 120 * 1024
"""Leaves room for a stack in 128 KB of tightly coupled memory, where V and U are to lie."""
_NEARLY = 1.01
"""Times the fewest instructions: what the strips with the least memory may take."""
_TILE_ROWS = (1, 2, 3, 4, 6, 8)
"""Rows of tiles at a time that a plan may choose from, beside all of them."""
_PARTS = (2, 3, 4, 6)
"""How many parts a row of tiles may be cut into."""

_IN_ANY_CACHE = 4 * 1024
"""Bytes of U that even the smallest data cache keeps while tile after tile reads them."""

_LARGEST_INPUT = 255
"""Kernels take inputs as x + 128, whatever their zero point; padding is the zero point."""


class Weights(Enum):
    """Where the weights are, and in which form; the value is what it adds to the variant's name."""

    INT8 = ""
    """In flash as they are, and transformed for each strip."""
    STORED = "_stored"
    """In flash, transformed by the compiler."""
    RESIDENT = "_resident"
    """In flash as they are, and transformed into RAM once at start."""


class Winograd(Variant):
    """Strips of tiles go through a domain where a tile takes a fraction of the products.

    Args:
        weights: In which form and where; transformed ones take 8 (F4) or 3.6 (F2) times as much memory.
        copied: Whether transformed weights are copied to the scratch memory, four output channels at a time, because
            every pair of tiles reads them again.
        scratch_limit: As few rows of tiles at a time as are nearly the fastest within so many bytes.
        strip: So many rows of tiles at a time and so many tiles of them, whatever memory they take.
    """

    cycles_per_instruction = 0.65

    def __init__(
        self,
        form: Form,
        weights: Weights = Weights.INT8,
        *,
        copied: bool = False,
        scratch_limit: int = 0,
        strip: tuple[int, int] | None = None,
    ) -> None:
        self.name, self.header = f"winograd_{form.name}{weights.value}", f"nn_conv3x3_{form.name}_s8.h"
        self.form, self.weights, self.copied = form, weights, copied
        self.scratch_limit, self.strip = scratch_limit, strip

    def scratch(self, tiling: Tiling, pool: Pool) -> int:
        """Bytes."""
        return tiling.scratch(self.weights is Weights.INT8 or self.copied, pool)

    def instructions(self, tiling: Tiling, outputs: int) -> int:
        """Estimate of one call; ``outputs``: of one tile and channel."""
        made = tiling.transform_instructions if self.weights is Weights.INT8 else 0
        return tiling.instructions(made + (tiling.copy_instructions if self.copied else 0), outputs)

    def reach(self, op: Conv2D | ConvMaxPool) -> Int64:
        """Bound on the absolute sum of each output channel, for any input and however much of it is padding."""
        filters = _conv(op).filters
        positive, negative = np.maximum(filters, 0).sum(axis=1), np.minimum(filters, 0).sum(axis=1)
        return np.asarray(_LARGEST_INPUT * np.maximum(positive, -negative), np.int64)

    def admits(self, op: Conv2D | ConvMaxPool) -> Admission:
        conv = _conv(op)
        y, x = conv.axes()
        if (y.kernel, x.kernel, y.stride, x.stride, y.dilation, x.dilation, conv.groups) != (3, 3, 1, 1, 1, 1, 1):
            return Admission(False, "not 3x3 with stride 1, undilated and ungrouped")
        reach = self.reach(op)
        channel = int(reach.argmax())
        if reach[channel] >= self.form.limit:
            sums = f"sums of output channel {channel} may reach {reach[channel]:,}"
            return Admission(False, f"{sums}, exact only below {self.form.limit:,}")
        scratch = self.cost(op).scratch
        if self.strip is None and scratch > self.scratch_limit:
            return Admission(False, f"two tiles need {scratch:,} B of scratch, more than {self.scratch_limit:,}")
        return Admission(True, f"|sum| <= {reach[channel] / self.form.limit:.3f} of the exactness bound")

    def tiling(self, op: Conv2D | ConvMaxPool) -> Tiling:
        """The strips that this variant takes."""
        conv, whole = _conv(op), 2 if _pool(op) is Pool.TWO_BY_TWO else 1
        (_, _, input_width, in_channels), (y, x) = conv.input(0).shape, conv.axes()
        height, width = y.output // whole * whole, x.output // whole * whole

        tile = self.form.tile
        rows, columns = ceil_div(height, tile), ceil_div(width, tile)

        def strips_of(strip: tuple[int, int]) -> Tiling:
            at_most = min(strip[0], rows), min(strip[1], columns)
            return Tiling(self.form, height, width, input_width, in_channels, conv.out_channels, *at_most)

        if self.strip is not None:
            return strips_of(self.strip)
        narrow = (strips_of((1, tiles)) for tiles in range(2, columns, 2))
        options = [*narrow, *(strips_of((n, columns)) for n in range(1, rows + 1))]
        fitting = [t for t in options if self.scratch(t, _pool(op)) <= self.scratch_limit] or options[:1]
        fastest = min(self.instructions(t, 0) for t in fitting)
        return next(t for t in fitting if self.instructions(t, 0) <= _NEARLY * fastest)

    def options(self, op: Conv2D | ConvMaxPool) -> Iterator[Winograd]:
        """Whole rows of tiles or parts of one at a time, evenly cut, with every form of the weights."""
        tiling = self.tiling(op)
        evenly = {ceil_div(tiling.columns, parts) for parts in _PARTS}
        narrow = {(1, tiles) for size in evenly for tiles in (size, round_up(size, 2)) if tiles < tiling.columns}
        heights = {ceil_div(tiling.rows, ceil_div(tiling.rows, count)) for count in (*_TILE_ROWS, tiling.rows)}
        large = 4 * tiling.block_words > _IN_ANY_CACHE
        for strip in sorted(narrow | {(rows, tiling.columns) for rows in heights}):
            for weights in Weights:
                yield Winograd(self.form, weights, strip=strip)
                if large and weights is not Weights.INT8:
                    yield Winograd(self.form, weights, copied=True, strip=strip)

    def bands(self, op: Conv2D | ConvMaxPool) -> Bands | None:
        tiling, pool = self.tiling(op), _pool(op)
        if pool is Pool.GLOBAL or op.input(0).shape[0] != 1:
            return None
        outputs = self.outputs(op)
        return Bands(
            height=tiling.height,
            rows=tiling.strip_rows * self.form.tile,
            stored=2 if pool is Pool.TWO_BY_TWO else 1,
            window=_conv(op).axes()[0],
            instructions=cache(lambda rows: self.instructions(replace(tiling, height=rows), outputs)),
            reading=self._reading(tiling, len(tiling.parts)),
        )

    def outputs(self, op: Conv2D | ConvMaxPool) -> int:
        """Instructions for the outputs of a tile in one channel."""
        conv, pool, work = _conv(op), _pool(op), self.form.work
        requantizations = {Pool.NONE: self.form.tile**2, Pool.TWO_BY_TWO: self.form.tile**2 // 4, Pool.GLOBAL: 0}[pool]
        plain = conv.requantize_form == SHORT_RELU and conv.output_range == (-128, 127)
        each = 0 if plain else work.exact if conv.requantize_form == EXACT else work.rounding
        return work.outputs[pool] + each * requantizations

    def cost(self, op: Conv2D | ConvMaxPool) -> Cost:
        tiling = self.tiling(op)
        batches, instructions = op.input(0).shape[0], self.instructions(tiling, self.outputs(op))
        return Cost(batches * instructions, self.scratch(tiling, _pool(op)), 720, self._shared_code(op))

    def _shared_code(self, op: Conv2D | ConvMaxPool) -> tuple[tuple[str, int], ...]:
        """The functions of nn_winograd*.h that other layers may use as well."""
        conv, pool, name, code = _conv(op), _pool(op), f"nn_{self.form.name}", self.form.code
        saturated = conv.output_range == (-128, 127) and conv.requantize_form != EXACT
        output = 0 if pool is Pool.GLOBAL else conv.requantize_form + 2 * saturated
        weights = () if self.weights is Weights.STORED else ((f"{name}_weights", code.weights),)
        return (
            (f"{name}_columns", code.columns),
            (f"{name}_tiles", code.tiles),
            *weights,
            (f"{name}_output_{pool.value}_{output}", code.outputs[pool][output]),
            product_function(2 * self.tiling(op).groups),
        )

    def reading(self, op: Conv2D | ConvMaxPool) -> Reading:
        tiling = self.tiling(op)
        return self._reading(tiling, op.input(0).shape[0] * len(tiling.strips))

    def _reading(self, tiling: Tiling, strips: int) -> Reading:
        """Every pair of tiles reads U of four output channels, unless that is made in the scratch or copied to it."""
        if self.weights is Weights.INT8 or self.copied:
            return Reading(strips)
        return Reading(strips, tiling.blocks, ceil_div(tiling.strips[0], 2))

    def flash(self, op: Conv2D | ConvMaxPool) -> int:
        in_flash = self.weights is Weights.STORED
        weights = self._transformed_bytes(op) if in_flash else 4 * ceil_div(_conv(op).weights.bytes, 4)
        return weights + 8 * op.out_channels + 4 * ceil_div(op.out_channels, 4)

    def _transformed_bytes(self, op: Conv2D | ConvMaxPool) -> int:
        """Of U, and of the word that the kernel reads in vain."""
        tiling = self.tiling(op)
        return 4 * (self.form.positions * tiling.groups * 2 * tiling.blocks * 4 + 1)

    def resident(self, op: Conv2D | ConvMaxPool) -> Resident | None:
        if self.weights is not Weights.RESIDENT:
            return None
        fields = {
            "weights": Ref("constant", "weights"),
            "transformed": Ref("resident"),
            "in_channels": op.input(0).shape[3],
            "out_channels": op.out_channels,
        }
        fill = Call(f"nn_conv3x3_{self.form.name}_weights", "nn_conv3x3_weights_args", fields)
        source_bytes = 4 * ceil_div(_conv(op).weights.bytes, 4)
        return Resident(self._transformed_bytes(op), fill, source_bytes, self.tiling(op).transform_instructions)

    def constants(self, op: Conv2D | ConvMaxPool) -> tuple[Constant, ...]:
        conv = _conv(op)
        assert conv.weights.data is not None
        weights, _, multiplier, shift = channel_constants(conv, conv.weights.data)
        bias = conv.bias - (128 + conv.input(0).zero_point) * conv.filters.sum(axis=1)
        wrapped = (bias & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
        if self.weights is Weights.STORED:
            weights = Constant("transformed", self.transformed(conv), "U, see nn_winograd.h")
        return (weights, Constant("bias", wrapped, "for inputs in excess 128"), multiplier, shift)

    def transformed(self, conv: Conv2D) -> npt.NDArray[np.uint32]:
        """U in the order of nn_winograd.h, and a word that the kernel reads in vain."""
        assert conv.weights.data is not None
        g = self.form.filters
        u = np.einsum("pi,oijc,qj->pqoc", g, conv.weights.data.astype(np.int64), g)
        u = np.pad(u, ((0, 0), (0, 0), (0, -u.shape[2] % 4), (0, -u.shape[3] % 4)))
        # Channels 0 and 2 of four make the first word, 1 and 3 the second; the low half comes first.
        lanes = u.reshape(self.form.positions, u.shape[2] // 4, 4, u.shape[3] // 4, 2, 2).transpose(1, 0, 3, 5, 2, 4)
        words = np.ascontiguousarray(lanes.astype("<i2")).view("<u4").reshape(-1)
        return np.append(words, np.uint32(0)).astype(np.uint32)

    def call(self, op: Conv2D | ConvMaxPool) -> Call:
        conv, pool, tiling = _conv(op), _pool(op), self.tiling(op)
        geometry = conv.geometry()
        for name in ("kernel_height", "kernel_width", "stride_y", "stride_x", "dilation_y", "dilation_x"):
            del geometry[name]
        buffers = dict(BUFFERS)
        if self.weights is not Weights.INT8:
            del buffers["weights"]
            in_flash = self.weights is Weights.STORED
            buffers["transformed"] = Ref("constant", "transformed") if in_flash else Ref("resident")
        fields = {
            **buffers,
            **geometry,
            "output_height": tiling.height,
            "output_width": tiling.width,
            "pool": pool,
            "copied": int(self.copied),
            "tile_rows": tiling.strip_rows,
            "tile_columns": tiling.strip_columns,
            "first_row": 0,
            "rows": tiling.height,
            "input_ring": conv.input(0).shape[1],
            "output_ring": op.output.shape[1],
        }
        return Call(f"nn_conv3x3_{self.form.name}_s8", "nn_conv3x3_args", fields)


def _conv(op: Conv2D | ConvMaxPool) -> Conv2D:
    return op.conv if isinstance(op, ConvMaxPool) else op


def _pool(op: Conv2D | ConvMaxPool) -> Pool:
    return op.pool if isinstance(op, ConvMaxPool) else Pool.NONE


VARIANTS = (
    Winograd(F4, scratch_limit=FAST_SCRATCH),
    Winograd(F2, scratch_limit=FAST_SCRATCH),
)

Conv2D.variants.extend(VARIANTS)
ConvMaxPool.variants.extend(VARIANTS)
