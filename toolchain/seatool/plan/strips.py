"""Chains of layers computed band by band: the tensors between them never exist as a whole.

Each stage produces rows when its reader asks for them, a band at a time, into a ring of rows; before that it asks its
own input's stage for the rows that the band sees. What a band costs and how many rows a ring has to hold follow from
playing that through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from seatool.ir import Tensor
from seatool.kernels import Bands, Cost, Operator
from seatool.plan.placement import ALIGNMENT
from seatool.plan.program import Stage

Passes = Callable[[tuple[Operator, ...]], tuple[Stage, ...]]
"""The ways to compute some operators in one pass."""

GAIN = 0.005
"""Saving fewer instructions than this share is not worth any memory."""

STAGES = 4
"""Most stages of a chain."""

_NEARLY = 1.05
"""Times the fewest instructions of a kernel: what its bands may cost in chains of more than two stages."""

_CALL_INSTRUCTIONS = 30
"""Of deciding what to compute next, per band."""


@dataclass(frozen=True)
class Strip:
    """How the stages of a chain take turns.

    rings: rows of the ring behind each stage but the last. bands: how each stage is computed. offsets: where each ring,
    and behind them the scratch that the stages share, begin in the step's scratch. inplace: the output may overwrite
    the input. cost: of the whole step.
    """

    bands: tuple[Bands, ...]
    rings: tuple[int, ...]
    offsets: tuple[int, ...]
    inplace: bool
    cost: Cost


@dataclass(frozen=True)
class _Course:
    """What happens when a chain is played through: calls by stage and number of rows, and the rows that rings hold.

    ``inplace``: the output never catches up with the input that is still needed.
    """

    calls: tuple[dict[int, int], ...]
    rings: tuple[int, ...]
    inplace: bool


class _Play:
    """Bands of a chain in the order in which the generated C computes them."""

    def __init__(self, bands: Sequence[Bands], input_row: int, output_row: int) -> None:
        self.bands = bands
        self.row_bytes = input_row, output_row
        self.inplace = True
        self.done = [0] * len(bands)
        self.calls: list[dict[int, int]] = [{} for _ in bands]
        self.rings = [0] * (len(bands) - 1)

    def course(self) -> _Course:
        self._produce(len(self.bands) - 1, self.bands[-1].height)
        return _Course(tuple(self.calls), tuple(self.rings), self.inplace)

    def _produce(self, stage: int, end: int) -> None:
        """Rows of ``stage`` before ``end``."""
        band = self.bands[stage]
        while (first := self.done[stage]) < end:
            rows = min(band.rows, end - first)
            if stage:
                self._pull(stage, first, rows)
            self.calls[stage][rows] = self.calls[stage].get(rows, 0) + 1
            self.done[stage] += rows
            if stage == len(self.bands) - 1:
                self._check_overlap()

    def _check_overlap(self) -> None:
        """Whether the output so far lies before the first input row that is still needed."""
        (input_row, output_row), band = self.row_bytes, self.bands[0]
        needed = self.done[0] * band.window.stride - band.window.before
        written = self.done[-1] // self.bands[-1].stored
        if self.done[0] < band.height and written * output_row > needed * input_row:
            self.inplace = False

    def _pull(self, stage: int, first: int, rows: int) -> None:
        """The rows of the stage before that the next band of ``stage`` sees."""
        band, before = self.bands[stage], self.bands[stage - 1]
        self._produce(stage - 1, before.stored * input_end(band, first + rows))
        oldest = max(0, first * band.window.stride - band.window.before)
        held = self.done[stage - 1] // before.stored - oldest
        self.rings[stage - 1] = max(self.rings[stage - 1], held)


def input_end(band: Bands, end: int) -> int:
    """The input row behind the last one that output rows before ``end`` see."""
    window = band.window
    reach = (window.kernel - 1) * window.dilation + 1
    return min(window.size, (end - 1) * window.stride - window.before + reach)


def strips(chain: tuple[Operator, ...], passes: Passes) -> Iterator[tuple[tuple[Stage, ...], Strip]]:
    """The ways worth considering to compute ``chain`` in two stages or more.

    ``passes`` yields the ways to compute some operators in one pass.
    """
    courses: dict[tuple[int, ...], _Course] = {}
    for cut in _cuts(chain):
        for picked in product(*(_banded(passes(part), thrifty=len(cut) > 2) for part in cut)):
            stages, bands = tuple(one.stage for one in picked), tuple(one.bands for one in picked)
            key = (*map(len, cut), *(band.rows for band in bands))
            if key not in courses:
                courses[key] = _Play(bands, _row_bytes(chain[0].input(0)), _row_bytes(chain[-1].output)).course()
            yield stages, _strip(stages, bands, courses[key])


@dataclass(frozen=True)
class _Banded:
    """A stage in bands, and what that takes for the whole image."""

    stage: Stage
    bands: Bands

    @cached_property
    def instructions(self) -> int:
        return -(-self.bands.height // self.bands.rows) * self.bands.instructions(self.bands.rows)

    def beats(self, other: _Banded) -> bool:
        """Whether it needs no more memory and hardly more instructions."""
        mine, others = self.stage, other.stage
        return (
            self.instructions <= other.instructions * (1 + GAIN)
            and self.bands.rows <= other.bands.rows
            and mine.cost.scratch <= others.cost.scratch
            and mine.flash + mine.cost.code <= others.flash + others.cost.code
        )


def _banded(stages: Iterable[Stage], thrifty: bool) -> list[_Banded]:
    """The stages that can take turns, but for those that others beat.

    Args:
        thrifty: Of each kernel only the smallest bands and the smallest that are nearly as fast as its fastest.
    """
    found = [_Banded(stage, bands) for stage in stages if (bands := stage.bands) and bands.rows < bands.height]
    found.sort(key=lambda one: (one.bands.rows, one.stage.cost.scratch, one.instructions))
    kept: list[_Banded] = []
    for one in found:
        if not any(better.beats(one) for better in kept):
            kept.append(one)
    if not thrifty:
        return kept
    of_kernel: dict[str, list[_Banded]] = {}
    for one in kept:
        of_kernel.setdefault(one.stage.variant.name, []).append(one)
    return [one for same in of_kernel.values() for one in _smallest(same)]


def _smallest(same: list[_Banded]) -> Iterator[_Banded]:
    """The first of the stages, and the first that is nearly the fastest."""
    least = min(one.instructions for one in same)
    near = next(one for one in same if one.instructions <= _NEARLY * least)
    yield same[0]
    if near is not same[0]:
        yield near


def _cuts(chain: tuple[Operator, ...]) -> Iterator[list[tuple[Operator, ...]]]:
    """Divisions of ``chain`` into two to ``STAGES`` parts of one or two operators."""
    if not chain:
        return
    for size in (1, 2):
        head, rest = chain[:size], chain[size:]
        if 1 <= len(rest) <= 2:
            yield [head, rest]
        for tail in _cuts(rest):
            if len(tail) < STAGES:
                yield [head, *tail]


def _strip(stages: tuple[Stage, ...], bands: tuple[Bands, ...], course: _Course) -> Strip:
    offsets, end = [], 0
    for stage, ring in zip(stages[:-1], course.rings, strict=True):
        offsets.append(end)
        end += -(-ring * _row_bytes(stage.output) // ALIGNMENT) * ALIGNMENT
    offsets.append(end)
    costs = [stage.cost for stage in stages]
    instructions = sum(
        count * (band.instructions(rows) + _CALL_INSTRUCTIONS)
        for band, calls in zip(bands, course.calls, strict=True)
        for rows, count in calls.items()
    )
    cost = Cost(instructions, end + max(cost.scratch for cost in costs), sum(cost.code for cost in costs))
    return Strip(bands, course.rings, tuple(offsets), course.inplace, cost)


def _row_bytes(tensor: Tensor) -> int:
    """Of an NHWC tensor of one image."""
    return tensor.bytes // tensor.shape[1]
