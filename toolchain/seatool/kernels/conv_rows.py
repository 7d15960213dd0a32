"""CONV_2D (int8) by packed rows: the kernel for three or four taps per row at stride 1."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from seatool.kernels.base import BAND_ROWS, Admission, Bands, Call, Constant, Cost, Reading, Variant, all_rows, variant
from seatool.kernels.conv_2d import Conv2D
from seatool.kernels.fixed_point import Int64
from seatool.kernels.weighted import BUFFERS, EXACT, channel_constants
from seatool.rounding import ceil_div

_FIELD_LIMIT = 1 << 20
_OVERREAD = 8
_LONGEST_STEP = 6
_INPUTS = (-128, 127)
_CHUNK_INSTRUCTIONS = 56
_RUNS = 4


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

    @property
    def shared_code(self) -> tuple[tuple[str, int], ...]:
        """The functions of nn_rows.h that compute the tiles."""
        closing_quad, closing_triple = self.closing and self.quads > 0, self.closing and self.quads == 0
        functions = (
            ("nn_rows_4_closing", 704, closing_quad),
            ("nn_rows_3_closing", 582, closing_triple),
            ("nn_rows_4", 656, self.quads > closing_quad),
            ("nn_rows_3", 538, self.triples > closing_triple),
        )
        return tuple((name, size) for name, size, used in functions if used)

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


@dataclass(frozen=True)
class Chunks:
    """How the steps of a run are cut so that no field of an accumulator overflows: ``count`` chunks of ``steps``."""

    count: int
    steps: int
    padding: int
    """Steps of the last chunk that have no weights."""

    @property
    def total(self) -> int:
        return self.count * self.steps

    @classmethod
    def of(cls, weights: Int64, low: int, high: int, step_instructions: int) -> Chunks:
        """The cheapest cut.

        Args:
            weights: (out channels, steps, taps of a step).
            low, high: The range of the operands.
            step_instructions: What a step of padding costs.
        """
        positive, negative = np.maximum(weights, 0).sum(axis=2), np.minimum(weights, 0).sum(axis=2)
        highest, lowest = high * positive + low * negative, low * positive + high * negative
        steps = weights.shape[1]

        def fits(length: int) -> bool:
            starts = range(0, steps, length)
            return bool(
                np.add.reduceat(highest, starts, axis=1).max() < _FIELD_LIMIT
                and np.add.reduceat(lowest, starts, axis=1).min() >= -_FIELD_LIMIT
            )

        lengths = sorted({ceil_div(steps, count) for count in range(1, steps + 1)}, reverse=True)
        options = [cls(ceil_div(steps, length), length, -steps % length) for length in lengths if fits(length)]
        return min(options, key=lambda c: c.count * _CHUNK_INSTRUCTIONS + c.total * step_instructions)


# Planning asks for these again and again.
@lru_cache(maxsize=64)
def _tiles(op: Conv2D) -> RowTiles:
    _, x = op.axes()
    return RowTiles.of(x.output, may_close=(x.kernel, x.before, x.after) == (3, 1, 1))


@lru_cache(maxsize=64)
def _runs(op: Conv2D) -> tuple[Chunks, ...]:
    """The one run of a row: all kernel rows."""
    taps = _taps(op)
    weights = taps.reshape(op.out_channels, -1, taps.shape[3])
    return (Chunks.of(weights, *_INPUTS, _tiles(op).instructions),)


@lru_cache(maxsize=64)
def _f2_runs(op: Conv2D) -> tuple[Chunks, ...]:
    """The four runs of two rows, see firmware/nn/nn_conv_rows_f2_s8.h."""
    g0, g1, g2 = _taps(op).swapaxes(0, 1)
    low, high = _INPUTS
    difference = (low - high, high - low)
    products = ((g0, difference), (g0 + g1 + g2, (2 * low, 2 * high)), (g0 - g1 + g2, difference), (g2, difference))
    return tuple(Chunks.of(weights, *operands, _tiles(op).instructions) for weights, operands in products)


def _taps(op: Conv2D) -> Int64:
    """The weights as (out channels, kernel rows, in channels, kernel columns)."""
    shape = (op.out_channels, *op.kernel_size, op.input(0).shape[3])
    return op.filters.reshape(shape).swapaxes(2, 3)


class _PackedRows(Variant):
    """What the kernels by packed rows share."""

    cycles_per_instruction = 0.67
    function: ClassVar[str]
    scratch_limit: ClassVar[int]
    """Bytes that the height of a band may take."""
    code_bytes: ClassVar[int]

    def __init__(self, rows: int | None = None) -> None:
        self.rows = rows
        """Of a band; None: as few bands as the scratch limit allows."""

    def options(self, op: Conv2D) -> Iterator[_PackedRows]:
        heights = set(self.heights(op))
        yield from (type(self)(rows) for rows in sorted({self.band_rows(op), *BAND_ROWS} & heights))

    def bands(self, op: Conv2D) -> Bands | None:
        return op.bands(self.band_rows(op), lambda rows: self.instructions(op, rows))

    @abstractmethod
    def instructions(self, op: Conv2D, height: int) -> int:
        """Of computing ``height`` rows of the output in all channels."""

    def cost(self, op: Conv2D) -> Cost:
        batches, height, _, _ = op.output.shape
        instructions = batches * self.instructions(op, height)
        return Cost(instructions, self.scratch(op, self.band_rows(op)), self.code_bytes, _tiles(op).shared_code)

    def reading(self, op: Conv2D) -> Reading:
        return Reading(passes=op.output.shape[0] * ceil_div(op.output.shape[1], self.band_rows(op)))

    def admits(self, op: Conv2D) -> Admission:
        y, x = op.axes()
        if x.kernel not in (3, 4):
            return Admission(False, "the kernel is not 3 or 4 columns wide")
        return Admission.when(
            (x.stride, x.dilation, y.dilation, op.groups) == (1, 1, 1, 1), "strided along rows, dilated or grouped"
        )

    @abstractmethod
    def runs(self, op: Conv2D) -> tuple[Chunks, ...]:
        """The runs of steps, each with weights of its own, that make a row (or two) of the output."""

    @abstractmethod
    def scratch(self, op: Conv2D, rows: int) -> int:
        """Bytes for a band of ``rows`` output rows: sums, weights of a channel, panels."""

    @abstractmethod
    def heights(self, op: Conv2D) -> Iterable[int]:
        """Possible heights of a band, ascending."""

    def band_rows(self, op: Conv2D) -> int:
        """Output rows computed at a time: as few bands as the scratch limit allows, of about equal size."""
        if self.rows is not None:
            return self.rows
        first, *more = self.heights(op)
        most = max([rows for rows in more if self.scratch(op, rows) <= self.scratch_limit], default=first)
        bands = ceil_div(op.output.shape[1], most)
        return next(rows for rows in self.heights(op) if rows * bands >= op.output.shape[1])

    def panels(self, op: Conv2D, rows: int) -> int:
        """Bytes of panels of ``rows`` rows, with what the kernel reads behind them."""
        tiles, depth = _tiles(op), op.input(0).shape[3]
        beyond = max(run.padding for run in self.runs(op)) * _LONGEST_STEP + _OVERREAD
        return 4 * (rows * depth * tiles.words + beyond)

    def row_instructions(self, op: Conv2D, run: Chunks) -> int:
        """Of one run over a row."""
        tiles = _tiles(op)
        calls = (tiles.quads + tiles.triples) * (24 + run.total // 2)
        unpacking = run.count * (57 * tiles.quads + 45 * tiles.triples)
        return 25 + run.total * tiles.instructions + calls + unpacking + 2 * tiles.pairs

    def constants(self, op: Conv2D) -> tuple[Constant, ...]:
        assert op.weights.data is not None
        return channel_constants(op, op.weights.data)

    def call(self, op: Conv2D) -> Call:
        geometry = op.geometry()
        for absent in ("stride_x", "dilation_y", "dilation_x"):
            del geometry[absent]
        tiles, runs = _tiles(op), self.runs(op)
        unused = (0,) * (_RUNS - len(runs))
        fields = {
            **BUFFERS,
            **geometry,
            **all_rows(op),
            "quads": tiles.quads,
            "triples": tiles.triples,
            "closing": int(tiles.closing),
            "band_rows": self.band_rows(op),
            "chunks": tuple(run.count for run in runs) + unused,
            "chunk_steps": tuple(run.steps for run in runs) + unused,
        }
        return Call(self.function, "nn_conv_rows_args", fields)


@variant(Conv2D)
class ConvRows(_PackedRows):
    """Packed 64-bit products: two pixels by two taps per SMLAL, three multiply-accumulates per instruction."""

    name, header, function = "rows", "nn_conv_rows_s8.h", "nn_conv_rows_s8"
    scratch_limit, code_bytes = 32 * 1024, 1000

    def runs(self, op: Conv2D) -> tuple[Chunks, ...]:
        return _runs(op)

    def heights(self, op: Conv2D) -> Iterable[int]:
        return range(1, op.output.shape[1] + 1)

    def scratch(self, op: Conv2D, rows: int) -> int:
        y, _ = op.axes()
        (run,) = self.runs(op)
        return 4 * (2 * _tiles(op).pairs + 1 + 2 * run.total) + self.panels(op, (rows - 1) * y.stride + y.kernel)

    def instructions(self, op: Conv2D, height: int) -> int:
        (run,), (y, _) = self.runs(op), op.axes()
        _, _, width, channels = op.output.shape
        depth, rows = op.input(0).shape[3], self.band_rows(op)
        bands = ceil_div(height, rows)
        seen = max(y.kernel - y.stride, 0) + min(rows, height) * y.stride
        packed = bands * seen * _tiles(op).words * (25 + 7 * depth)
        weights = bands * channels * (70 + 9 * run.total)
        outputs = height * channels * (35 + self.row_instructions(op, run) + width * (1 + op.output_instructions))
        return packed + weights + outputs


@variant(Conv2D)
class ConvRowsF2(_PackedRows):
    """Packed products along the rows and Winograd's F(2, 3) down the columns: four runs for two rows instead of six."""

    name, header, function = "rows_f2", "nn_conv_rows_f2_s8.h", "nn_conv_rows_f2_s8"
    scratch_limit, code_bytes = 80 * 1024, 2000

    def admits(self, op: Conv2D) -> Admission:
        y, _ = op.axes()
        if (y.kernel, y.stride) != (3, 1):
            return Admission(False, "the kernel is not 3 rows high with stride 1")
        if op.requantize_form == EXACT:
            return Admission(False, "doubled sums or shifts exceed what the short requantization takes")
        return super().admits(op)

    def runs(self, op: Conv2D) -> tuple[Chunks, ...]:
        return _f2_runs(op)

    def heights(self, op: Conv2D) -> Iterable[int]:
        return range(2, op.output.shape[1] + 2, 2)

    def scratch(self, op: Conv2D, rows: int) -> int:
        runs, sums = self.runs(op), 2 * _tiles(op).pairs + 1
        fixed = 4 * sums + 4 * op.input(0).shape[3] + 2 * sum(run.total for run in runs)
        return 4 * fixed + self.panels(op, 2 * rows)

    def instructions(self, op: Conv2D, height: int) -> int:
        _, _, width, channels = op.output.shape
        depth, rows = op.input(0).shape[3], self.band_rows(op)
        bands, pairs = ceil_div(height, rows), ceil_div(height, 2)
        packed = _tiles(op).words * (pairs * (60 + 27 * depth) + bands * (40 + 13 * depth))
        weights = bands * channels * (70 + 30 * depth)
        row_pair = 60 + sum(self.row_instructions(op, run) for run in self.runs(op))
        outputs = pairs * channels * (row_pair + 2 * width * (5 + op.output_instructions))
        return packed + weights + outputs
