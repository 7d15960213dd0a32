"""Where blocks of RAM lie: offsets for blocks that live at different times, as low as the liveness bound allows.

This is dynamic storage allocation, which is NP-hard, so cheap orderings come first and an exact search with a fixed
number of nodes follows where they miss the bound. Everything is deterministic.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

ALIGNMENT = 16
"""Every block starts at a multiple of this many bytes, and occupies a multiple of it."""

SEARCH_NODES = 20_000
"""Nodes that the exact search may visit; a count, not a time, so that plans are reproducible."""

SEARCH_BLOCKS = 200
"""The exact search is not tried on more blocks than this: it would not finish, and it recurses once per block."""


@dataclass(frozen=True)
class Span:
    """``size`` bytes that are needed from step ``first`` to step ``last``, both inclusive."""

    first: int
    last: int
    size: int

    @property
    def room(self) -> int:
        """``size`` rounded up to the alignment."""
        return -(-self.size // ALIGNMENT) * ALIGNMENT

    def meets(self, other: Span) -> bool:
        """Whether both are needed in one step."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Block:
    """Memory with one address. Several spans share it where an operator overwrites its input in place."""

    name: str
    spans: tuple[Span, ...]

    @property
    def room(self) -> int:
        return max(span.room for span in self.spans)

    @property
    def duration(self) -> int:
        return max(span.last for span in self.spans) - min(span.first for span in self.spans) + 1

    def at(self, step: int) -> int:
        """Bytes that the block needs in ``step``."""
        return max((span.room for span in self.spans if span.first <= step <= span.last), default=0)

    def room_beside(self, other: Block) -> int:
        """The most bytes that this block needs in any step that also needs ``other``; 0 if they never meet."""
        return max((a.room for a in self.spans if any(a.meets(b) for b in other.spans)), default=0)


@dataclass(frozen=True)
class Placement:
    """Offsets by block name; ``height`` is the bytes from 0 to the highest end of a block."""

    offsets: Mapping[str, int]
    height: int


def live(blocks: Iterable[Block], step: int) -> int:
    """Bytes that ``blocks`` need in ``step``."""
    return sum(block.at(step) for block in blocks)


def peak(blocks: Sequence[Block]) -> tuple[int, int]:
    """The first step that needs the most bytes, and these bytes; no placement can be lower.

    >>> peak([Block("a", (Span(0, 1, 64),)), Block("b", (Span(1, 2, 32),))])
    (1, 96)
    """
    steps = sorted({span.first for block in blocks for span in block.spans})
    return max(((step, live(blocks, step)) for step in steps), key=lambda pair: pair[1], default=(0, 0))


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
    placed = [(block, fixed.offsets[block.name]) for block in fixed_blocks]
    for block in sorted(blocks, key=lambda block: -block.room):
        forbidden = [
            (offset - block.room_beside(other), offset + other.room_beside(block))
            for other, offset in placed
            if other.room_beside(block)
        ]
        placed.append((block, _lowest(forbidden)))
    height = max((offset + block.room for block, offset in placed), default=0)
    return Placement({block.name: offset for block, offset in placed}, height)


def _rooms_beside(blocks: Sequence[Block]) -> list[dict[int, int]]:
    """For block i, by block j that it meets: bytes of i that j must keep clear of."""
    table: list[dict[int, int]] = [{} for _ in blocks]
    for i, a in enumerate(blocks):
        for j, b in enumerate(blocks):
            if i != j and (room := a.room_beside(b)):
                table[i][j] = room
    return table


def _orders(blocks: Sequence[Block]) -> Iterator[list[int]]:
    """Promising orders for first fit."""
    first = [min(span.first for span in block.spans) for block in blocks]
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
        steps = sorted({span.first for block in blocks for span in block.spans})
        self.needs = [
            {number: need for number, step in enumerate(steps) if (need := block.at(step))} for block in blocks
        ]
        self.rest = [live(blocks, step) for step in steps]
        self.tops = [0] * len(steps)
        self.offsets = [-1] * len(blocks)
        self.nodes = 0

    def run(self) -> list[int]:
        """The best offsets found within the limit of nodes."""
        self._descend([0] * len(self.blocks), (0, -1))
        return self.best

    def _descend(self, lowest: list[int], last: tuple[int, int]) -> bool:
        """Place the remaining blocks after ``last`` = (offset, index); True when the search is over."""
        self.nodes += 1
        waiting = [i for i, offset in enumerate(self.offsets) if offset < 0]
        if not waiting:
            self.best, self.best_height = list(self.offsets), _height(self.blocks, self.offsets)
            return self.best_height == self.floor
        if self.nodes > SEARCH_NODES:
            return True
        ready = [i for i in waiting if (lowest[i], i) > last]
        ready.sort(key=lambda i: (lowest[i], -self.blocks[i].room, i))
        return any(self._try(i, lowest) for i in ready)

    def _try(self, i: int, lowest: list[int]) -> bool:
        """Place block ``i`` at its lowest offset and go on from there; everything is as before on return."""
        offset, tops = lowest[i], dict.fromkeys(self.needs[i], 0)
        for step, need in self.needs[i].items():
            tops[step] = self.tops[step]
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
        for step, need in self.needs[i].items():
            self.tops[step] = tops[step]
            self.rest[step] += need
        return over

    def _promises(self, offset: int) -> bool:
        """Whether the rest can still end below the best height, given that nothing more goes below ``offset``."""
        return all(
            (max(top, offset) if rest else top) + rest < self.best_height
            for top, rest in zip(self.tops, self.rest, strict=True)
        )
