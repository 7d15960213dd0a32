"""CONV_2D (int8) by packed rows: the kernel for three or four taps per row at stride 1."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from seatool.kernels.base import WHOLE, Admission, Call, Constant, Cost, Tile, Variant, variant
from seatool.kernels.conv_2d import Conv2D
from seatool.kernels.rounding import ceil_div, round_up
from seatool.kernels.weighted import BUFFERS, channel_constants

_SCRATCH = 32 * 1024
_FIELD_LIMIT = 1 << 20
_UNROLL = 3
_OVERREAD = 8


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
            return ((quads, max(0, ceil_div(pairs - 4 * quads, 3))) for quads in range(ceil_div(pairs, 4) + 1))

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
        positive, negative = (f(taps, 0).sum(axis=2).reshape(op.out_channels, -1) for f in (np.maximum, np.minimum))
        low, high = op.operand_range
        highest = high * positive + low * negative
        lowest = low * positive + high * negative
        steps = positive.shape[1]
        for count in range(1, steps + 1):
            chunk = round_up(ceil_div(steps, count), _UNROLL)
            starts = range(0, steps, chunk)
            if (
                np.add.reduceat(highest, starts, axis=1).max() < _FIELD_LIMIT
                and np.add.reduceat(lowest, starts, axis=1).min() >= -_FIELD_LIMIT
            ):
                return len(starts), chunk
        raise AssertionError("three steps always fit")

    def band_rows(self, op: Conv2D) -> int:
        """Output rows computed at a time: as few bands as the scratch limit allows, of about equal size."""
        height = op.output.shape[1]
        most = max([rows for rows in range(1, height + 1) if self.scratch(op, rows) <= _SCRATCH], default=1)
        return ceil_div(height, ceil_div(height, most))

    def scratch(self, op: Conv2D, rows: int) -> int:
        """Bytes for a band of ``rows`` output rows: sums, weights of a channel, panels."""
        tiles, (count, chunk), (y, _) = self.tiles(op), self.chunks(op), op.axes()
        depth = op.input(0).shape[3]
        panel_rows = (rows - 1) * y.stride + y.kernel
        beyond = (count * chunk - y.kernel * depth) * 6 + _OVERREAD
        return 4 * (2 * tiles.pairs + 1 + 2 * count * chunk + panel_rows * depth * tiles.words + beyond)

    def cost(self, op: Conv2D, tile: Tile = WHOLE) -> Cost:
        tiles, (count, chunk), (y, _) = self.tiles(op), self.chunks(op), op.axes()
        batches, height, width, channels = op.output.shape
        depth, rows, steps = op.input(0).shape[3], self.band_rows(op), count * chunk
        bands = ceil_div(height, rows)
        packed = bands * (max(y.kernel - y.stride, 0) + rows * y.stride) * tiles.words * (25 + 7 * depth)
        weights = bands * channels * (70 + 9 * steps)
        per_tile = 32 + steps // 2 + count * 54
        row = 60 + steps * tiles.instructions + (tiles.quads + tiles.triples) * per_tile + 2 * tiles.pairs
        output = height * width * channels * (1 + op.output_instructions)
        instructions = batches * (packed + weights + height * channels * row + output)
        return Cost(instructions, self.scratch(op, rows), 3200)

    def constants(self, op: Conv2D) -> tuple[Constant, ...]:
        assert op.weights.data is not None
        return channel_constants(op, op.weights.data)

    def call(self, op: Conv2D) -> Call:
        geometry = op.geometry()
        for absent in ("stride_x", "dilation_y", "dilation_x"):
            del geometry[absent]
        tiles, (count, chunk) = self.tiles(op), self.chunks(op)
        fields = {
            **BUFFERS,
            **geometry,
            "quads": tiles.quads,
            "triples": tiles.triples,
            "closing": int(tiles.closing),
            "band_rows": self.band_rows(op),
            "chunks": count,
            "chunk_steps": chunk,
        }
        return Call("nn_conv_rows_s8", "nn_conv_rows_args", fields)
