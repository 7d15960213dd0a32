"""The search over groups, kernels and their configurations: which plans no other beats in RAM, flash and effort, which
is the estimated cycles for the most part.

Steps follow each other, so the RAM that comes and goes is that of the hungriest step: under a limit each step may take
whatever fits beside the activations alive then, whatever the others take. Flash adds up over the steps, and so does
resident RAM, which is filled once at start. So for each limit of the former that matters, from the largest down, the
best plans are found from the last operator back, keeping for each number of operators left the combinations that no
other beats in flash, resident RAM and effort (:mod:`seatool.plan.tables`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush

import numpy as np

from seatool.ir import Graph
from seatool.plan.alive import Choice, Live
from seatool.plan.choose import Group
from seatool.plan.pareto import undominated, worthy
from seatool.plan.shared import SharedCode, shared_bytes
from seatool.plan.strips import GAIN
from seatool.plan.tables import EFFORT, FLASH, Bounds, Options, Packing, Table, extend

FRONT_SIZE = 512
"""Most combinations kept per operator. Where there are more, flash and resident RAM are divided into as many cells and
the fastest of each is kept: the loss is less than what a cell of memory can gain."""

FRONTIER_SIZE = 128
"""The same where all limits of RAM are searched."""


@dataclass(frozen=True)
class Picks:
    """A choice for every step, in order, and what they need together.

    ``floor`` bytes are alive at some time anyway. RAM and flash are estimates of what is placed and linked in the end.
    """

    choices: tuple[Choice, ...]
    floor: int = 0

    @cached_property
    def at_once(self) -> int:
        """The most bytes alive at once, resident RAM left aside."""
        return max((self.floor, *(choice.ram for choice in self.choices)))

    @cached_property
    def resident(self) -> int:
        """Bytes that are alive all the time."""
        return sum(sum(choice.resident) for choice in self.choices)

    @property
    def ram(self) -> int:
        return self.at_once + self.resident

    @cached_property
    def flash(self) -> int:
        """Constants and code of the layers."""
        shared = shared_bytes(choice.candidate.cost for choice in self.choices if choice.candidate)
        return sum(choice.flash for choice in self.choices) + shared

    @cached_property
    def effort(self) -> int:
        """What plans are chosen by."""
        return sum(choice.effort for choice in self.choices)

    @property
    def cycles(self) -> int:
        """Estimated, waiting for constants and resident RAM included."""
        return sum(choice.candidate.cycles for choice in self.choices if choice.candidate)

    @property
    def instructions(self) -> int:
        """Estimated."""
        return sum(choice.candidate.cost.instructions for choice in self.choices if choice.candidate)


@dataclass(frozen=True)
class Space:
    """Everything that may be chosen.

    ``floor``: RAM that is needed before the first operator. ``rooms``: bytes of the regions; a block of resident RAM
    lies in one of them.
    """

    graph: Graph
    groups: tuple[tuple[Group, ...], ...]
    floor: int = 0
    rooms: tuple[int, ...] = ()

    @cached_property
    def choices(self) -> tuple[tuple[Choice, ...], ...]:
        """For every operator the choices that begin with it."""
        live = Live(self.graph, [begins[0] for begins in self.groups])
        return tuple(tuple(choice for group in begins for choice in live.choices(group)) for begins in self.groups)

    def plans(self, ram: int | None = None, flash: int | None = None) -> Iterator[Picks]:
        """Plans within the limits, the fastest first.

        Those that are slower and need as much of everything are not among them.
        """
        waiting: list[tuple[int, int, int, int, Picks]] = []
        seen: set[tuple[int, ...]] = set()
        for front in self._fronts(ram, flash, FRONT_SIZE):
            for row in front.within(ram).tolist():
                key = (*front.needs[row].tolist(), int(front.peak[row]))
                if key not in seen:
                    seen.add(key)
                    picks = self._picks(front, row)
                    heappush(waiting, (picks.effort, picks.ram, picks.flash, len(seen), picks))
            # Less RAM at once makes nothing faster.
            while waiting and waiting[0][0] <= front.needs[0, EFFORT]:
                yield heappop(waiting)[-1]
        while waiting:
            yield heappop(waiting)[-1]

    def fastest(self, ram: int | None = None, flash: int | None = None) -> Picks | None:
        """The fastest plan within the limits; None if there is none."""
        return next(self.plans(ram, flash), None)

    def smallest(self, ram: int | None = None, flash: int | None = None) -> Picks | None:
        """The plan within the limits that needs the least flash; None if there is none."""
        best: Picks | None = None
        for front in self._fronts(ram, flash, FRONTIER_SIZE):
            if best is not None and best.flash <= front.needs[:, FLASH].min():
                break
            if len(fitting := front.within(ram)):
                found = self._picks(front, int(fitting[front.needs[fitting, FLASH].argmin()]))
                best = found if best is None else min(best, found, key=lambda picks: picks.flash)
        return best

    def least_ram(self, flash: int | None = None) -> Picks | None:
        """The plan within ``flash`` bytes that needs the least RAM, and of those the fastest; None if there is none."""
        enough = next(self._fronts(None, flash, FRONTIER_SIZE), None)
        if enough is None:
            return None

        def suffices(ram: int) -> bool:
            return any(len(front.within(ram)) for front in self._fronts(ram, flash, FRONTIER_SIZE))

        least = bisect_left(range(int(enough.ram.min())), True, key=suffices)
        return self.fastest(least, flash)

    def frontier(self, ram: int | None = None, flash: int | None = None) -> tuple[Picks, ...]:
        """Plans within the limits that no other beats in RAM, flash and effort, from much RAM to little.

        One that is faster by less than ``GAIN`` than another that needs no more memory is left out.
        """
        fronts = list(self._fronts(ram, flash, FRONTIER_SIZE))
        found = np.zeros((0, 5), np.int64)
        for number, front in enumerate(fronts):
            rows = front.within(ram)
            needs = front.needs[rows, FLASH], front.ram[rows], front.needs[rows, EFFORT]
            found = np.concatenate([found, np.column_stack([*needs, np.full(len(rows), number), rows])])
            found = found[undominated(found[:, :3])]
        kept = found[worthy(found[:, :3], GAIN)]
        picks = [self._picks(fronts[number], row) for number, row in kept[:, 3:].tolist()]
        return tuple(sorted(picks, key=lambda p: (-p.ram, -p.flash)))

    def _fronts(self, ram: int | None, flash: int | None, size: int) -> Iterator[Table]:
        """The table of the first operator, for each limit of the RAM at once that matters, from ``ram`` down.

        The next limit is one byte below what the last plans need.
        """
        code = SharedCode(choice for choices in self.choices for choice in choices)
        options = [_options(choices, code) for choices in self.choices]
        bounds = self._bounds(ram, flash, code)
        limit = max(choice.ram for choices in self.choices for choice in choices) if ram is None else ram
        tables: list[Table | None] = [None] * len(options) + [Table.last(self.floor)]
        while limit >= self.floor:
            for number in reversed(range(len(options))):
                if (known := tables[number]) is None or known.highest > limit:
                    within = [one.within(limit, code) for one in options[number]]
                    tables[number] = extend(within, tables, bounds[number], size)
            front = tables[0]
            if front is None or not len(front):
                return
            yield front
            limit = front.highest - 1

    def _bounds(self, ram: int | None, flash: int | None, code: SharedCode) -> list[Bounds]:
        """What the operators from each one on may need: the limits less what is needed for the others at least."""
        count = len(self.choices)
        before = [0] + [_NEVER] * count
        for number, choices in enumerate(self.choices):
            for choice in choices:
                before[choice.group.end] = min(before[choice.group.end], before[number] + choice.flash)
        at_once = [_NEVER] * count + [self.floor]
        for number, choices in reversed(list(enumerate(self.choices))):
            at_once[number] = min(max(choice.ram, at_once[choice.group.end]) for choice in choices)
        resident = _NEVER if ram is None else ram - at_once[0]
        limit = _NEVER if flash is None else flash
        packing = Packing(self.rooms)
        return [Bounds(limit - needed, resident, packing, code) for needed in before[:-1]]

    def _picks(self, front: Table, row: int) -> Picks:
        """The plan in a row of the first operator's table."""
        chosen: list[Choice] = []
        table, number = front, 0
        while number < len(self.choices):
            chosen.append(self.choices[number][int(table.choice[row])])
            row, number = int(table.rest[row]), chosen[-1].group.end
            table = table.behind[number]
        return Picks(tuple(chosen), self.floor)


_NEVER = 1 << 62
"""More bytes than there are."""


def _options(choices: Sequence[Choice], code: SharedCode) -> list[Options]:
    """``choices`` of an operator by the operator that they lead on to."""
    ends = sorted({choice.group.end for choice in choices})
    return [Options.of(end, [(n, c) for n, c in enumerate(choices) if c.group.end == end], code) for end in ends]
