"""What a Winograd convolution of F(4x4, 3x3) or F(2x2, 3x3) takes: memory, instructions and code."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seatool.kernels.conv_2d_max_pool import Pool
from seatool.rounding import ceil_div

_STEPS_IN_LINE = (4, 8, 12, 16, 24, 32, 48, 64)
"""For which nn_winograd_gemm.h has a product without a loop over the channels."""


@dataclass(frozen=True)
class Work:
    """Instructions of the parts of nn_winograd_strips.h, counted on the emulated Cortex-M7."""

    column: int
    """Four channels of a column of inputs."""
    tile: int
    """Four channels of a tile to V."""
    group: int
    """Four channels of a row of tiles, apart from columns and tiles."""
    weights: int
    """Four input channels of an output channel to U."""
    block: int
    """Four output channels of a tile, apart from their outputs."""
    outputs: tuple[int, int, int]
    """One channel of a tile, by Pool."""
    rounding: int
    """More for each requantization that is not SHORT_RELU with saturation."""
    exact: int
    """More for each that is EXACT."""


@dataclass(frozen=True)
class Code:
    """Bytes of the functions that layers share, from gcc 12 at -O2."""

    columns: int
    tiles: int
    weights: int
    outputs: tuple[tuple[int, ...], ...]
    """By Pool, in the order of NN_WINOGRAD_OUTPUTS_POOLED: exact, short, relu, and the latter two with saturation."""


@dataclass(frozen=True, eq=False)
class Form:
    """F(tile x tile, 3x3).

    ``filters`` is G, its rows scaled to integers; ``limit`` is what absolute sums must stay below to be told from the
    scaled outputs modulo 2^32.
    """

    name: str
    tile: int
    filters: npt.NDArray[np.int64]
    limit: int
    work: Work
    code: Code

    @property
    def lines(self) -> int:
        """Rows and columns of the input that a tile of outputs sees."""
        return self.tile + 2

    @property
    def positions(self) -> int:
        return self.lines**2


F4 = Form(
    "f4",
    4,
    np.array([[1, 0, 0], [1, 1, 1], [1, -1, 1], [1, 2, 4], [1, -2, 4], [0, 0, 1]]),
    1 << 25,
    Work(60, 436, 96, 318, 111, (319, 285, 270), 1, 22),
    Code(
        columns=260,
        tiles=384,
        weights=1224,
        outputs=((6244, 4368, 4694, 2396, 2220), (2634, 2240, 2224, 1724, 1708), (1680,)),
    ),
)
F2 = Form(
    "f2",
    2,
    np.array([[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]]),
    1 << 29,
    Work(34, 150, 90, 178, 43, (84, 77, 75), 1, 20),
    Code(
        columns=160,
        tiles=246,
        weights=680,
        outputs=((1630, 1206, 1198, 610, 614), (798, 612, 616, 542, 540), (464,)),
    ),
)


@dataclass(frozen=True)
class Tiling:
    """A layer cut into tiles, and these into strips of ``strip_rows`` x ``strip_columns`` to transform at a time."""

    form: Form
    height: int
    width: int
    input_width: int
    in_channels: int
    out_channels: int
    strip_rows: int
    strip_columns: int

    @property
    def groups(self) -> int:
        """Of four input channels."""
        return ceil_div(self.in_channels, 4)

    @property
    def blocks(self) -> int:
        """Of four output channels."""
        return ceil_div(self.out_channels, 4)

    @property
    def rows(self) -> int:
        """Of tiles."""
        return ceil_div(self.height, self.form.tile)

    @property
    def columns(self) -> int:
        """Of tiles."""
        return ceil_div(self.width, self.form.tile)

    @property
    def parts(self) -> list[int]:
        """Tiles of each part of a row of tiles."""
        return _cut(self.columns, self.strip_columns)

    @property
    def strips(self) -> list[int]:
        """Tiles of each strip."""
        return [rows * tiles for rows in _cut(self.rows, self.strip_rows) for tiles in self.parts]

    @property
    def block_words(self) -> int:
        """Of U of four output channels."""
        return self.form.positions * self.groups * 8

    def scratch(self, u: bool, pool: Pool) -> int:
        """Bytes, as nn_winograd_memory_of lays them out: maxima, V, then M, with ``u`` also U, or what V is made of."""
        f = self.form
        maxima = self.out_channels if pool is Pool.GLOBAL else 0
        v = ceil_div(self.strips[0], 2) * f.positions * self.groups * 4
        u_and_m = (self.block_words if u else 0) + 8 * f.positions
        seen = self.parts[0] * f.tile + 2
        columns = seen * 2 * f.lines
        inside = min(seen, self.input_width)
        padding = ceil_div(inside * self.in_channels, 4)
        narrow = f.lines * inside if self.in_channels % 4 else 0
        return 4 * (maxima + v + max(u_and_m, columns + padding + narrow))

    @property
    def transform_instructions(self) -> int:
        """Of transforming all weights once."""
        narrow = 150 if self.in_channels % 4 else 0
        return 4 * self.blocks * (40 + self.form.work.weights * self.groups + narrow)

    @property
    def copy_instructions(self) -> int:
        """Of copying U of all channels."""
        return self.blocks * (20 + self.block_words // 2)

    def instructions(self, u: int, outputs: int) -> int:
        """Estimate of one call; ``u``: of making U in each strip, ``outputs``: of one tile and channel."""
        work, tiles, strips = self.form.work, self.rows * self.columns, len(self.strips)
        pairs = sum(ceil_div(strip, 2) for strip in self.strips)
        seen = sum(tiles * self.form.tile + 2 for tiles in self.parts)
        columns = self.rows * (len(self.parts) * (150 + self.groups * work.group) + self.groups * work.column * seen)
        to_v = self.groups * work.tile * 2 * pairs
        steps = 2 * self.groups
        products = pairs * self.blocks * (40 + self.form.positions * (6 + 14 * steps + _loops(steps)))
        if self.in_channels % 4:  # the last ones are copied, to make four of them
            columns += 5 * self.rows * self.form.lines * self.input_width
        from_m = tiles * (work.block * self.blocks + outputs * self.out_channels)
        return columns + to_v + products + from_m + strips * (u + 100 + 150 * self.blocks)


def product_function(steps: int) -> tuple[str, int]:
    """The function of nn_winograd_gemm.h for so many steps, and its bytes."""
    if steps in _STEPS_IN_LINE:
        return f"nn_winograd_gemm_{steps}", 58 + 56 * steps
    block = _loop_block(steps)
    return f"nn_winograd_gemm_by_{block}", 76 + 112 * block


def _cut(count: int, size: int) -> list[int]:
    """``count`` in parts of ``size``, and a smaller last one for the rest."""
    return [min(size, count - first) for first in range(0, count, size)]


def _loops(steps: int) -> int:
    """Instructions of the loop over the channels, at one position."""
    if steps in _STEPS_IN_LINE:
        return 0
    return 4 + 4 * steps // _loop_block(steps)


def _loop_block(steps: int) -> int:
    """Steps in a turn of the loop."""
    return next(block for block in (16, 4, 2) if steps % block == 0)
