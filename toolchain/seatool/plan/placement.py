"""Where blocks of RAM lie: offsets for blocks that live at different times, as low as the liveness bound allows.

This is dynamic storage allocation, which is NP-hard, so cheap orderings come first and an exact search with a fixed
number of nodes follows where they miss the bound. Everything is deterministic.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from seatool.rounding import round_up

ALIGNMENT = 16
"""Every block starts at a multiple of this many bytes, and occupies a multiple of it."""

SEARCH_WORK = 500_000
"""Nodes times blocks that the exact search may visit; a count, not a time, so that plans are reproducible."""

SEARCH_BLOCKS = 200
"""The exact search is not tried on more blocks than this: it would not finish, and it recurses once per block."""


DIVISIONS = 1_000
"""Steps that looking for a division of blocks over regions may take, beside one per block."""


@dataclass(frozen=True)
class Span:
    """``size`` bytes that are needed from step ``first`` to step ``last``, both inclusive."""

    first: int
    last: int
    size: int

    @property
    def room(self) -> int:
        """``size`` rounded up to the alignment."""
        return round_up(self.size, ALIGNMENT)


@dataclass(frozen=True)
class Block:
    """Memory with one address. Several spans share it where an operator overwrites its input in place."""

    name: str
    spans: tuple[Span, ...]

    @property
    def room(self) -> int:
        return max(span.room for span in self.spans)

    @cached_property
    def needs(self) -> Mapping[int, int]:
        """Bytes by step, for the steps in which the block is needed."""
        needs: dict[int, int] = {}
        for span in self.spans:
            for step in range(span.first, span.last + 1):
                needs[step] = max(span.room, needs.get(step, 0))
        return needs

    @property
    def first(self) -> int:
        return min(self.needs)

    @property
    def duration(self) -> int:
        """Number of steps."""
        return len(self.needs)

    def room_beside(self, other: Block) -> int:
        """The most bytes that this block needs in any step that also needs ``other``; 0 if they never meet."""
        return max((self.needs[step] for step in self.needs.keys() & other.needs.keys()), default=0)


@dataclass(frozen=True)
class Placement:
    """Offsets by block name; ``height`` is the bytes from 0 to the highest end of a block."""

    offsets: Mapping[str, int]
    height: int


def demand(blocks: Iterable[Block]) -> dict[int, int]:
    """Bytes that ``blocks`` need together, by step.

    >>> demand([Block("a", (Span(0, 1, 64),)), Block("b", (Span(1, 2, 32),))])
    {0: 64, 1: 96, 2: 32}
    """
    total: dict[int, int] = {}
    for block in blocks:
        for step, need in block.needs.items():
            total[step] = total.get(step, 0) + need
    return total


def peak(blocks: Iterable[Block]) -> tuple[int, int]:
    """The first step that needs the most bytes, and these bytes; no placement can be lower.

    >>> peak([Block("a", (Span(0, 1, 64),)), Block("b", (Span(1, 2, 32),))])
    (1, 96)
    """
    return max(demand(blocks).items(), key=lambda pair: (pair[1], -pair[0]), default=(0, 0))


@lru_cache(maxsize=1024)
def place(blocks: tuple[Block, ...]) -> Placement:
    """Offsets of ``blocks`` with the least height that the search finds; the bound of :func:`peak` if it can.

    >>> place((Block("a", (Span(0, 1, 64),)), Block("b", (Span(1, 2, 32),)), Block("c", (Span(2, 3, 64),)))).height
    96
    """
    if not blocks:
        return Placement({}, 0)
    floor = peak(blocks)[1]
    beside = _rooms_beside(blocks)
    best: list[int] | None = None
    for order in _orders(blocks):
        offsets = _repaired(blocks, beside, order, floor)
        if best is None or _height(blocks, offsets) < _height(blocks, best):
            best = offsets
        if _height(blocks, best) == floor:
            break
    else:
        assert best is not None
        if len(blocks) <= SEARCH_BLOCKS:
            best = _Search(blocks, beside, best, floor).run()
    return Placement({block.name: offset for block, offset in zip(blocks, best, strict=True)}, _height(blocks, best))


def place_above(blocks: Iterable[Block], fixed: Placement, fixed_blocks: Sequence[Block]) -> Placement:
    """``fixed`` with ``blocks`` added, each at the lowest offset where it meets none of the blocks there."""
    placed = {block: fixed.offsets[block.name] for block in fixed_blocks}
    for block in sorted(blocks, key=lambda block: -block.room):
        placed[block] = lowest_offset(block, placed)
    height = max((offset + block.room for block, offset in placed.items()), default=0)
    return Placement({block.name: offset for block, offset in placed.items()}, height)


def divide(blocks: Sequence[int], rooms: Sequence[int], allowed: Sequence[Sequence[int]] = ()) -> list[int] | None:
    """The number of a room for each of ``blocks``, in bytes with the largest first; None if no division is found.

    Args:
        blocks: Bytes of blocks that live all the time.
        rooms: Bytes of each room, the preferred first.
        allowed: The rooms that each block may have; in order; all where it is empty.

    >>> divide((60, 50, 40), (100, 50)), divide((60, 50, 50), (100, 50))
    ([0, 1, 0], None)
    """
    if sum(blocks) > sum(rooms):
        return None
    free, chosen, following = list(rooms), list[int](), 0
    for _ in range(DIVISIONS + len(blocks)):
        if len(chosen) == len(blocks):
            return chosen
        block = blocks[len(chosen)]
        possible = allowed[len(chosen)] if allowed else range(len(rooms))
        room = next((n for n in possible if n >= following and free[n] >= block), None)
        if room is not None:
            free[room] -= block
            chosen.append(room)
            following = 0
        elif chosen:
            following = chosen.pop() + 1
            free[following - 1] += blocks[len(chosen)]
        else:
            return None
    return None


def lowest_offset(block: Block, placed: Mapping[Block, int]) -> int:
    """Where ``block`` can go among blocks that stay where they are."""
    return _lowest(
        [
            (offset - block.room_beside(other), offset + room)
            for other, offset in placed.items()
            if (room := other.room_beside(block))
        ]
    )


def _rooms_beside(blocks: Sequence[Block]) -> list[dict[int, int]]:
    """For block i, by block j that it meets: bytes of i that j must keep clear of."""
    alive: dict[int, list[int]] = {}
    for i, block in enumerate(blocks):
        for step in block.needs:
            alive.setdefault(step, []).append(i)
    table: list[dict[int, int]] = [{} for _ in blocks]
    for step, together in alive.items():
        for i in together:
            need = blocks[i].needs[step]
            for j in together:
                if i != j and table[i].get(j, 0) < need:
                    table[i][j] = need
    return table


def _orders(blocks: Sequence[Block]) -> Iterator[list[int]]:
    """Promising orders for first fit."""
    first = [block.first for block in blocks]
    numbers = range(len(blocks))
    yield sorted(numbers, key=lambda i: (-blocks[i].room, first[i]))
    yield sorted(numbers, key=lambda i: (-blocks[i].duration, -blocks[i].room))
    yield sorted(numbers, key=lambda i: (-blocks[i].duration * blocks[i].room, first[i]))
    yield sorted(numbers, key=lambda i: (first[i], -blocks[i].room))


def _repaired(blocks: Sequence[Block], beside: list[dict[int, int]], order: list[int], floor: int) -> list[int]:
    """First fit; while a block ends above ``floor``, it moves to the front of the order and all are placed again."""
    best = _first_fit(beside, order)
    moved: set[int] = set()
    offsets = best
    while (worst := _highest(blocks, offsets)) not in moved and _height(blocks, offsets) > floor:
        moved.add(worst)
        order = [worst, *(i for i in order if i != worst)]
        offsets = _first_fit(beside, order)
        if _height(blocks, offsets) < _height(blocks, best):
            best = offsets
    return best


def _first_fit(beside: list[dict[int, int]], order: Sequence[int]) -> list[int]:
    offsets = [-1] * len(order)
    for i in order:
        forbidden = [(offsets[j] - room, offsets[j] + beside[j][i]) for j, room in beside[i].items() if offsets[j] >= 0]
        offsets[i] = _lowest(forbidden)
    return offsets


def _lowest(forbidden: list[tuple[int, int]]) -> int:
    """The lowest offset from 0 that is strictly inside none of the ``forbidden`` intervals.

    >>> _lowest([(-16, 32), (40, 64), (20, 48)])
    64
    >>> _lowest([(16, 64)])
    0
    """
    offset = 0
    for low, high in sorted(forbidden):
        if low < offset < high:
            offset = high
    return offset


def _highest(blocks: Sequence[Block], offsets: Sequence[int]) -> int:
    return max(range(len(blocks)), key=lambda i: offsets[i] + blocks[i].room)


def _height(blocks: Sequence[Block], offsets: Sequence[int]) -> int:
    return max(offset + block.room for block, offset in zip(blocks, offsets, strict=True))


class _Search:
    """Branch and bound over stackings.

    Every placement can be lowered until each block stands at 0 or on one that it meets, and then built in the order of
    (offset, index), each block at the lowest offset above those it meets. So the search places blocks in that order
    only. It prunes where the bytes still to come in some step do not fit below the best height known.
    """

    def __init__(self, blocks: Sequence[Block], beside: list[dict[int, int]], best: list[int], floor: int) -> None:
        self.blocks, self.beside, self.floor = blocks, beside, floor
        self.best, self.best_height = best, _height(blocks, best)
        self.rest = demand(blocks)
        self.tops = dict.fromkeys(self.rest, 0)
        self.offsets = [-1] * len(blocks)
        self.nodes_left = SEARCH_WORK // len(blocks)

    def run(self) -> list[int]:
        """The best offsets found within the limit of nodes."""
        self._descend([0] * len(self.blocks), (0, -1))
        return self.best

    def _descend(self, lowest: list[int], last: tuple[int, int]) -> bool:
        """Place the remaining blocks after ``last`` = (offset, index); True when the search is over."""
        self.nodes_left -= 1
        waiting = [i for i, offset in enumerate(self.offsets) if offset < 0]
        if not waiting:
            self.best, self.best_height = list(self.offsets), _height(self.blocks, self.offsets)
            return self.best_height == self.floor
        if self.nodes_left < 0:
            return True
        ready = [i for i in waiting if (lowest[i], i) > last]
        ready.sort(key=lambda i: (lowest[i], -self.blocks[i].room, i))
        return any(self._try(i, lowest) for i in ready)

    def _try(self, i: int, lowest: list[int]) -> bool:
        """Place block ``i`` at its lowest offset and go on from there; everything is as before on return."""
        needs = self.blocks[i].needs
        offset, tops = lowest[i], {step: self.tops[step] for step in needs}
        for step, need in needs.items():
            self.tops[step] = offset + need
            self.rest[step] -= need
        self.offsets[i] = offset
        over = False
        if self._promises(offset):
            above = list(lowest)
            for j, room in self.beside[i].items():
                above[j] = max(above[j], offset + room)
            over = self._descend(above, (offset, i))
        self.offsets[i] = -1
        for step, need in needs.items():
            self.tops[step] = tops[step]
            self.rest[step] += need
        return over

    def _promises(self, offset: int) -> bool:
        """Whether the rest can still end below the best height, given that nothing more goes below ``offset``."""
        for step, rest in self.rest.items():
            top = self.tops[step]
            if (max(top, offset) + rest if rest else top) >= self.best_height:
                return False
        return True
