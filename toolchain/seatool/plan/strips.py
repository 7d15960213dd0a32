"""Chains of layers computed band by band: the tensors between them never exist as a whole.

Each stage produces rows when its reader asks for them, a band at a time, into a ring of rows; before that it asks its
own input's stage for the rows that the band sees. What a band costs and how many rows a ring has to hold follow from
playing that through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, product

import numpy as np

from seatool.ir import Tensor
from seatool.kernels import Bands, Cost, Operator, Reading
from seatool.plan.cycles import Memory, effort
from seatool.plan.pareto import undominated
from seatool.plan.placement import ALIGNMENT
from seatool.plan.program import Stage
from seatool.rounding import ceil_div, round_up

Passes = Callable[[tuple[Operator, ...]], tuple[Stage, ...]]
"""The ways to compute some operators in one pass."""

GAIN = 0.005
"""Saving fewer instructions than this share is not worth any memory."""

_SCRATCH = 3
"""Column of what stages use one after the other."""

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
    the input. readings: how each stage reads its constants. waits: cycles that takes. cost: of the whole step.
    """

    bands: tuple[Bands, ...]
    rings: tuple[int, ...]
    offsets: tuple[int, ...]
    inplace: bool
    readings: tuple[Reading, ...]
    waits: int
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


def strips(chain: tuple[Operator, ...], memory: Memory, passes: Passes) -> Iterator[tuple[tuple[Stage, ...], Strip]]:
    """The ways worth considering to compute ``chain`` in two stages or more.

    ``memory`` says what is waited for, ``passes`` yields the ways to compute some operators in one pass.
    """
    for cut in _cuts(chain):
        parts = [_by_rows(_banded(passes(part), thrifty=len(cut) > 2)) for part in cut]
        for options in product(*parts):
            ends = _row_bytes(chain[0].input(0)), _row_bytes(chain[-1].output)
            course = _Play([same[0].bands for same in options], *ends).course()
            rings = [
                round_up(ring * _row_bytes(part[-1].output), ALIGNMENT)
                for ring, part in zip(course.rings, cut, strict=False)
            ]
            played = [
                [_Played.of(one, calls, memory) for one in same]
                for same, calls in zip(options, course.calls, strict=True)
            ]
            for picked in _combinations(played):
                yield tuple(one.banded.stage for one in picked), _strip(picked, course, rings)


@dataclass(frozen=True)
class _Banded:
    """A stage in bands, and what that takes for the whole image."""

    stage: Stage
    bands: Bands

    @cached_property
    def instructions(self) -> int:
        return ceil_div(self.bands.height, self.bands.rows) * self.bands.instructions(self.bands.rows)

    @cached_property
    def memory(self) -> tuple[int, int, int, int]:
        """Bytes of flash without and with shared code, of resident RAM and of scratch."""
        flash, cost = self.stage.flash, self.stage.cost
        return flash + cost.code, flash + cost.all_code, self.stage.resident_bytes, cost.scratch

    def beats(self, other: _Banded) -> bool:
        """Whether it needs no more memory and hardly more instructions."""
        return (
            self.instructions <= other.instructions * (1 + GAIN)
            and self.bands.rows <= other.bands.rows
            and all(mine <= others for mine, others in zip(self.memory, other.memory, strict=True))
        )


@dataclass(frozen=True)
class _Played:
    """A stage on its course: instructions and cycles without waiting, how it reads its constants, what that waits."""

    banded: _Banded
    instructions: int
    cycles: int
    reading: Reading
    waits: int

    @classmethod
    def of(cls, banded: _Banded, calls: Mapping[int, int], memory: Memory) -> _Played:
        """With ``calls`` by number of rows."""
        bands, stage = banded.bands, banded.stage
        instructions = sum(count * (bands.instructions(rows) + _CALL_INSTRUCTIONS) for rows, count in calls.items())
        cycles, reading = (
            round(instructions * stage.variant.cycles_per_instruction),
            bands.reading * sum(calls.values()),
        )
        return cls(banded, instructions, cycles, reading, memory.stage_waits(stage, reading))

    @property
    def needs(self) -> tuple[int, ...]:
        """Memory and effort."""
        return (*self.banded.memory, effort(self.cycles + self.waits, self.instructions))


def _banded(stages: Iterable[Stage], thrifty: bool) -> list[_Banded]:
    """The stages that can take turns, but for those that others beat.

    Args:
        thrifty: Of each kernel only the smallest bands and the smallest that are nearly as fast as its fastest; and no
            resident memory, which makes no long chain worth more (docs/design.md).
    """
    usable = (stage for stage in stages if not (thrifty and stage.resident))
    found = [_Banded(stage, bands) for stage in usable if (bands := stage.bands) and bands.rows < bands.height]
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


def _by_rows(banded: Iterable[_Banded]) -> list[list[_Banded]]:
    """Those with bands of equally many rows together."""
    rows: dict[int, list[_Banded]] = {}
    for one in banded:
        rows.setdefault(one.bands.rows, []).append(one)
    return list(rows.values())


def _combinations(options: Sequence[Sequence[_Played]]) -> Iterator[tuple[_Played, ...]]:
    """One of the options of each stage, but for combinations that others beat."""
    needs, picked = np.zeros((1, len(options[0][0].needs)), np.int64), np.zeros((1, 0), np.int64)
    for same in options:
        own = np.array([one.needs for one in same], np.int64)
        joined = needs[:, None] + own
        joined[:, :, _SCRATCH] = np.maximum(needs[:, None, _SCRATCH], own[:, _SCRATCH])
        choice = np.column_stack([np.repeat(picked, len(same), axis=0), np.tile(np.arange(len(same)), len(needs))])
        joined = joined.reshape(len(choice), -1)
        kept = undominated(joined)
        needs, picked = joined[kept], choice[kept]
    for numbers in picked.tolist():
        yield tuple(same[number] for same, number in zip(options, numbers, strict=True))


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


def _strip(picked: Sequence[_Played], course: _Course, rings: Sequence[int]) -> Strip:
    """``rings``: bytes of the rings behind the stages."""
    costs = [one.banded.stage.cost for one in picked]
    cost = Cost(
        instructions=sum(one.instructions for one in picked),
        scratch=sum(rings) + max(cost.scratch for cost in costs),
        code=sum(cost.code for cost in costs),
        shared=tuple(dict.fromkeys(function for cost in costs for function in cost.shared)),
        cycles=sum(one.cycles for one in picked),
    )
    return Strip(
        bands=tuple(one.banded.bands for one in picked),
        rings=course.rings,
        offsets=tuple(accumulate(rings, initial=0)),
        inplace=course.inplace,
        readings=tuple(one.reading for one in picked),
        waits=sum(one.waits for one in picked),
        cost=cost,
    )


def _row_bytes(tensor: Tensor) -> int:
    """Of an NHWC tensor of one image."""
    return tensor.bytes // tensor.shape[1]
