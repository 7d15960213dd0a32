"""The dynamic program of the search: combinations of choices from an operator to the last one, as arrays.

Three needs of a combination add up over its choices: flash, resident RAM and effort. The bytes alive at once do
not: of them the largest counts, and a search is made for one limit on them at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seatool.plan.alive import Choice
from seatool.plan.pareto import Numbers, by_speed, unbeaten, undominated
from seatool.plan.placement import divide
from seatool.plan.shared import SharedCode

FLASH, RESIDENT, EFFORT = range(3)
"""Columns of needs. The objective is the last one."""

_COMPARED = 4
"""Times the rows to keep: so many are compared with each other; of more, a selection."""
_UNKNOWN = -2
_RESIDENT_CELLS = 8
"""Intervals of resident RAM where not all combinations can be kept."""


@dataclass(frozen=True)
class Options:
    """What may be chosen at an operator and leads on to operator ``end``, a row per choice.

    needs: int64[n, 3], flash without shared code. ram: bytes alive while it runs. resident: its blocks of resident RAM.
    shared: the functions that it shares, a set of :class:`SharedCode`. choice: its number.
    """

    end: int
    needs: Numbers
    ram: Numbers
    resident: tuple[tuple[int, ...], ...]
    shared: Numbers
    choice: Numbers

    @classmethod
    def of(cls, end: int, numbered: Sequence[tuple[int, Choice]], code: SharedCode) -> Options:
        """From choices with their numbers."""
        numbers, choices = zip(*numbered, strict=True)
        sets, rest = zip(*(code.split(choice) for choice in choices), strict=True)
        flash = [choice.flash + own for choice, own in zip(choices, rest, strict=True)]
        needs = [flash, [sum(choice.resident) for choice in choices], [choice.effort for choice in choices]]
        return cls(
            end,
            np.array(needs, np.int64).T,
            np.array([choice.ram for choice in choices], np.int64),
            tuple(choice.resident for choice in choices),
            np.array(sets, np.int64),
            np.array(numbers, np.int64),
        )

    def within(self, ram: int, code: SharedCode) -> Options:
        """Those that need at most ``ram`` bytes and that no other of them beats, with shared code and without."""
        allowed = np.flatnonzero(self.ram <= ram)
        needs = self.needs[allowed]
        everything = needs[:, FLASH] + code.bytes(self.shared[allowed])
        rows = allowed[undominated(np.column_stack([everything, needs]), self.ram[allowed])]
        resident = tuple(self.resident[row] for row in rows.tolist())
        return Options(self.end, self.needs[rows], self.ram[rows], resident, self.shared[rows], self.choice[rows])


@dataclass(frozen=True)
class Table:
    """Combinations from some operator to the last, a row each, the fastest first.

    needs: int64[n, 3]. peak: the most bytes alive at once. blocks: which blocks of resident RAM, a number of
    :class:`Packing`. shared: a set of :class:`SharedCode`. choice: of this operator. rest: the row in the table of the
    operator that the choice leads on to. behind: these tables, by operator.
    """

    needs: Numbers
    peak: Numbers
    blocks: Numbers
    shared: Numbers
    choice: Numbers
    rest: Numbers
    behind: Mapping[int, Table]

    @classmethod
    def last(cls, floor: int) -> Table:
        """Behind the last operator nothing more is needed, but ``floor`` bytes are alive at some time anyway."""
        zero = np.zeros(1, np.int64)
        return cls(np.zeros((1, 3), np.int64), zero + floor, zero, zero, zero, zero, {})

    def __len__(self) -> int:
        return len(self.peak)

    @property
    def ram(self) -> Numbers:
        """Bytes in all, by row."""
        return self.peak + self.needs[:, RESIDENT]

    @property
    def highest(self) -> int:
        """The largest peak; 0 where there is no row."""
        return int(self.peak.max(initial=0))

    def within(self, ram: int | None) -> Numbers:
        """Rows that need at most ``ram`` bytes in all."""
        return np.arange(len(self)) if ram is None else np.flatnonzero(self.ram <= ram)

    def rows(self, chosen: Numbers) -> Table:
        needs, peak, blocks, shared, choice, rest = (column[chosen] for column in self._columns)
        return Table(needs, peak, blocks, shared, choice, rest, self.behind)

    @property
    def _columns(self) -> tuple[Numbers, ...]:
        return self.needs, self.peak, self.blocks, self.shared, self.choice, self.rest

    @classmethod
    def joined(cls, parts: Sequence[Table], behind: Mapping[int, Table]) -> Table:
        """The rows of ``parts``."""
        columns = zip(*(part._columns for part in parts), strict=True)
        needs, peak, blocks, shared, choice, rest = (np.concatenate(column) for column in columns)
        return cls(needs, peak, blocks, shared, choice, rest, behind)


class Packing:
    """Sets of blocks that live all the time, by number; -1 is every set that regions of ``rooms`` bytes cannot hold."""

    def __init__(self, rooms: Sequence[int]) -> None:
        self.rooms = tuple(rooms)
        self._sets: list[tuple[int, ...]] = [()]
        self._numbers: dict[tuple[int, ...], int] = {(): 0}
        self._joined: dict[tuple[int, ...], Numbers] = {}

    def join(self, numbers: Numbers, more: tuple[int, ...]) -> Numbers:
        """The number of each set with the blocks ``more`` in addition."""
        if not more:
            return numbers
        known = self._joined.get(more, np.zeros(0, np.int64))
        known = np.pad(known, (0, len(self._sets) - len(known)), constant_values=_UNKNOWN)
        for number in dict.fromkeys(numbers[known[numbers] == _UNKNOWN].tolist()):
            known[number] = self._number((*self._sets[number], *more))
        self._joined[more] = known
        return known[numbers]

    def _number(self, blocks: tuple[int, ...]) -> int:
        blocks = tuple(sorted(blocks, reverse=True))
        if blocks not in self._numbers:
            self._numbers[blocks] = -1 if divide(blocks, self.rooms) is None else len(self._sets)
            self._sets += [blocks] if self._numbers[blocks] >= 0 else []
        return self._numbers[blocks]


@dataclass(frozen=True)
class Bounds:
    """The most flash and resident RAM that the combinations of a table may need, what the latter has to fit, and the
    code that they may share.
    """

    flash: int
    resident: int
    packing: Packing
    code: SharedCode


def extend(options: Sequence[Options], tables: Sequence[Table | None], bounds: Bounds, size: int) -> Table:
    """The table of an operator from those behind it, with about ``size`` rows at most."""
    behind = {one.end: table for one in options if (table := tables[one.end]) is not None}
    every = Table.joined([_joined(one, behind[one.end], bounds) for one in options], behind)
    return every.rows(_selection(every.needs, every.peak, size))


def _joined(options: Options, table: Table, bounds: Bounds) -> Table:
    """Every option with every row of ``table``, within the bounds."""
    count, rows = len(options.choice), len(table)
    blocks = [bounds.packing.join(table.blocks, resident) for resident in options.resident]
    needs = options.needs[:, None] + table.needs
    needs[:, :, FLASH] += bounds.code.added(options.shared, table.shared)
    every = Table(
        needs.reshape(-1, 3),
        np.maximum(options.ram[:, None], table.peak).reshape(-1),
        np.concatenate([*blocks, np.zeros(0, np.int64)]),
        (options.shared[:, None] | table.shared).reshape(-1),
        np.repeat(options.choice, rows),
        np.tile(np.arange(rows), count),
        {},
    )
    possible = (every.blocks >= 0) & (every.needs[:, FLASH] <= bounds.flash)
    return every.rows(np.flatnonzero(possible & (every.needs[:, RESIDENT] <= bounds.resident)))


def _selection(needs: Numbers, peak: Numbers, size: int) -> Numbers:
    """Rows that no other beats, the fastest first.

    Of more than ``size`` the fastest in each cell of a grid over flash and resident RAM, and those that need the least.
    """
    order = by_speed(needs, peak)
    if len(order) > _COMPARED * size:
        order = order[_thinned(needs[order], _COMPARED * size)]
    order = order[unbeaten(needs[order])]
    return order if len(order) <= size else order[_thinned(needs[order], size)]


def _thinned(needs: Numbers, size: int) -> Numbers:
    """The first row in each of ``size`` cells, and those with the least flash and the least resident RAM."""
    flash, resident = needs[:, FLASH], needs[:, RESIDENT]
    columns = min(_RESIDENT_CELLS, len(np.unique(resident)))
    cells = _interval(flash, size // columns) * columns + _interval(resident, columns)
    _, first = np.unique(cells, return_index=True)
    least = [np.lexsort((resident, flash))[0], np.lexsort((flash, resident))[0]]
    return np.unique(np.concatenate([first, least]))


def _interval(need: Numbers, count: int) -> Numbers:
    """In which of ``count`` intervals of its range each value lies.

    They are narrow where little is needed: there a kilobyte is a larger share of the whole.
    """
    low, high = int(need.min()), int(need.max())
    return (np.sqrt((need - low) / (high - low + 1)) * count).astype(np.int64)
