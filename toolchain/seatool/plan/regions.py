"""Which memory region holds which block.

Scratch is the hottest memory (kernels read it once per output channel), so it comes first in the fastest region; the
hottest activations follow as far as dividing them does not raise their sum above the liveness bound. That is compared
with all activations together in one region, and with a division that keeps the sum of all regions small; where nothing
else fits, they are split as it comes. Resident memory is read as constants in flash are: it takes what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from seatool.plan.placement import Block, Placement, divide, lowest_offset, peak, place, place_above

SPLIT_DEAD_ENDS = 1_000
"""How often the search over splits may go back; a count, so that plans are reproducible."""


@dataclass(frozen=True)
class Room:
    """The bytes of a region that the model may use."""

    region: str
    bytes: int


@dataclass(frozen=True)
class Layout:
    """A region and an offset for every block.

    ``heights`` are the bytes of the model's block by region, ``activations`` those among them that hold an activation
    at some time, ``resident`` those of resident memory.
    """

    places: Mapping[str, tuple[str, int]]
    heights: Mapping[str, int]
    activations: Mapping[str, int]
    resident: Mapping[str, int]

    @property
    def activation_bytes(self) -> int:
        return sum(self.activations.values())

    @property
    def total(self) -> int:
        return sum(self.heights.values())


Homes = dict[str, str]
"""Region by block name."""


@dataclass(frozen=True)
class Demand:
    """What has to be placed.

    ``heat``: work per byte by activation block; the higher, the more fast memory helps. ``resident``: blocks that live
    all the time.
    """

    activations: tuple[Block, ...]
    scratch: tuple[Block, ...]
    heat: Mapping[str, float]
    resident: tuple[Block, ...] = ()

    @property
    def blocks(self) -> tuple[Block, ...]:
        return self.activations + self.scratch + self.resident

    def coolness(self, block: Block) -> tuple[float, int, str]:
        """Sorts activations: the hottest first, then the earliest."""
        return -self.heat.get(block.name, 0.0), block.first, block.name


def arrange(demand: Demand, rooms: Sequence[Room], limit: int | None = None, *, hot: bool = False) -> Layout | None:
    """The layout for ``demand`` in ``rooms`` (fastest first) with at most ``limit`` bytes in all, if one is found.

    Of those tried, the one with the least scratch outside the fastest region (none, with ``hot``), of these the
    smallest, of these the one whose activations are nearest to the liveness bound.
    """
    floor, least = peak(demand.activations)[1], peak(demand.blocks)[1]
    total = sum(room.bytes for room in rooms)
    limit = total if limit is None else min(limit, total)
    if least > limit:
        return None
    rooms = [Room(room.region, min(room.bytes, limit)) for room in rooms]
    for assignments in (_ordinary(demand, rooms), _splits(demand, rooms, hot)):
        best: tuple[tuple[int, int, int], Layout] | None = None
        for homes in assignments:
            layout = _layout(demand, homes, rooms)
            if layout is None or layout.total > limit:
                continue
            cold = sum(block.room for block in demand.scratch if homes[block.name] != rooms[0].region)
            if cold and hot:
                continue
            rank = (cold, layout.total, max(0, layout.activation_bytes - floor))
            if best is None or rank < best[0]:
                best = rank, layout
            if rank == (0, least, 0):
                break
        if best is not None:
            return best[1]
    return None


def covered(intervals: Iterable[tuple[int, int]]) -> int:
    """Bytes in the union of ``intervals`` (start, end).

    >>> covered([(0, 32), (16, 48), (64, 80)])
    64
    """
    count, end = 0, 0
    for low, high in sorted(intervals):
        count += max(0, high - max(low, end))
        end = max(end, high)
    return count


def _ordinary(demand: Demand, rooms: Sequence[Room]) -> Iterator[Homes]:
    """Assignments worth trying, the preferred first."""
    if (homes := _hot_first(demand, rooms)) is not None:
        yield homes
    yield from _together(demand, rooms)
    if (homes := _level(demand, rooms)) is not None:
        yield homes
    for room in rooms:
        yield {block.name: room.region for block in (*demand.activations, *demand.scratch)}


def _level(demand: Demand, rooms: Sequence[Room]) -> Homes | None:
    """Scratch in the fastest regions; activations, the largest first, where each raises the sum of peaks the least."""
    shelves = [_Shelf(room) for room in rooms]
    if not all(any(shelf.take(block) for shelf in shelves) for block in sorted(demand.scratch, key=_by_size)):
        return None
    for block in sorted(demand.activations, key=_by_size):
        growth = {shelf.room.region: shelf.peak_with(block) - shelf.peak for shelf in shelves}
        by_growth = sorted(shelves, key=lambda shelf: growth[shelf.room.region])
        if not any(shelf.take(block) for shelf in by_growth):
            return None
    return _assignment(shelves)


class _Shelf:
    """A region being filled: what is in it, what that needs by step, and where it could lie."""

    def __init__(self, room: Room, refused: frozenset[Block] = frozenset()) -> None:
        self.room, self.refused = room, refused
        self.blocks: tuple[Block, ...] = ()
        self.needs: dict[int, int] = {}
        self.offsets: dict[Block, int] = {}

    @property
    def peak(self) -> int:
        """The most bytes needed in a step."""
        return max(self.needs.values(), default=0)

    def peak_with(self, block: Block) -> int:
        """The most bytes needed in a step once ``block`` is here."""
        return max(self.peak, *(self.needs.get(step, 0) + need for step, need in block.needs.items()))

    def add(self, block: Block) -> None:
        """Take ``block`` without asking whether it fits."""
        self.blocks += (block,)
        for step, need in block.needs.items():
            self.needs[step] = self.needs.get(step, 0) + need

    def remove(self) -> None:
        """Give back the last block."""
        block, self.blocks = self.blocks[-1], self.blocks[:-1]
        for step, need in block.needs.items():
            self.needs[step] -= need

    def may_take(self, block: Block) -> bool:
        """Whether nothing forbids ``block``: there are bytes enough at any time."""
        return block not in self.refused and self.peak_with(block) <= self.room.bytes

    def take(self, block: Block) -> bool:
        """Take ``block`` if there is a placement with it; others may move."""
        if not self.may_take(block):
            return False
        offset = lowest_offset(block, self.offsets)
        if offset + block.room <= self.room.bytes:
            self.offsets[block] = offset
        else:
            placement = place((*self.blocks, block))
            if placement.height > self.room.bytes:
                return False
            self.offsets = {b: placement.offsets[b.name] for b in (*self.blocks, block)}
        self.add(block)
        return True


def _assignment(shelves: Iterable[_Shelf]) -> Homes:
    return {block.name: shelf.room.region for shelf in shelves for block in shelf.blocks}


def _hot_first(demand: Demand, rooms: Sequence[Room]) -> Homes | None:
    """Scratch, then activations by heat, each in the fastest region where the sum of activations stays at the bound."""
    floor = peak(demand.activations)[1]
    shelves = [_Shelf(room) for room in rooms]
    if not all(any(shelf.take(block) for shelf in shelves) for block in sorted(demand.scratch, key=_by_size)):
        return None
    # The same shelves with activations alone, to know their sum.
    activations, peaks = [_Shelf(room) for room in rooms], [0 for _ in rooms]
    for block in sorted(demand.activations, key=demand.coolness):
        for i, shelf in enumerate(shelves):
            need = activations[i].peak_with(block)
            if sum(peaks) - peaks[i] + need <= floor and shelf.take(block):
                activations[i].add(block)
                peaks[i] = need
                break
        else:
            return None
    return _assignment(shelves)


def _together(demand: Demand, rooms: Sequence[Room]) -> Iterator[Homes]:
    """Scratch in the fastest regions that have room; all activations in one region, the first that holds them or a
    later one, which may leave more for resident memory.
    """
    for number, room in enumerate(rooms):
        homes = {block.name: room.region for block in demand.activations}
        if place(demand.activations).height > room.bytes:
            continue
        for block in demand.scratch:
            before = [home for home in rooms[:number] if home.bytes >= block.room]
            homes[block.name] = before[0].region if before else room.region
        if _layout(demand, homes, rooms) is not None:
            yield homes
            if not demand.resident:
                return


def _splits(demand: Demand, rooms: Sequence[Room], hot: bool) -> Iterator[Homes]:
    """Each block into the first region where it fits beside those before it; then a search over all assignments.

    With ``hot``, scratch goes to the fastest region.
    """
    largest_first = sorted(rooms, key=lambda room: -room.bytes)
    bound = frozenset(demand.scratch) if hot else frozenset()
    for order in (_by_size, _by_time, _by_area):
        for preference in (rooms, largest_first):
            kinds = (demand.scratch, demand.resident, demand.activations)
            blocks = chain.from_iterable(sorted(kind, key=order) for kind in kinds)
            if (homes := _greedy(blocks, _shelves(preference, rooms[0], bound))) is not None:
                yield homes
    by_size = sorted(demand.blocks, key=lambda block: (block not in bound, *_by_size(block)))
    if (homes := _SplitSearch(by_size, _shelves(largest_first, rooms[0], bound)).run()) is not None:
        yield homes


def _shelves(rooms: Sequence[Room], fastest: Room, bound: frozenset[Block]) -> list[_Shelf]:
    """A shelf for each room; blocks that are ``bound`` to the fastest one are refused by the others."""
    return [_Shelf(room, refused=frozenset() if room == fastest else bound) for room in rooms]


def _by_size(block: Block) -> tuple[int, str]:
    return -block.room, block.name


def _by_time(block: Block) -> tuple[int, str]:
    return block.first, block.name


def _by_area(block: Block) -> tuple[int, str]:
    return -block.room * block.duration, block.name


def _greedy(blocks: Iterable[Block], shelves: Sequence[_Shelf]) -> Homes | None:
    if all(any(shelf.take(block) for shelf in shelves) for block in blocks):
        return _assignment(shelves)
    return None


class _SplitSearch:
    """Depth-first search for an assignment of blocks to regions in which every region's placement fits."""

    def __init__(self, blocks: Sequence[Block], shelves: Sequence[_Shelf]) -> None:
        self.blocks, self.shelves = blocks, shelves
        self.dead_ends = SPLIT_DEAD_ENDS

    def run(self) -> Homes | None:
        """The first assignment found before too many dead ends."""
        taken: list[int] = []
        following = 0
        while self.dead_ends > 0:
            if len(taken) == len(self.blocks) and self._fits():
                return _assignment(self.shelves)
            home = self._home(len(taken), following)
            if home is not None:
                self.shelves[home].add(self.blocks[len(taken)])
                taken.append(home)
                following = 0
            elif taken:
                self.dead_ends -= 1
                self.shelves[taken[-1]].remove()
                following = taken.pop() + 1
            else:
                return None
        return None

    def _fits(self) -> bool:
        return all(place(shelf.blocks).height <= shelf.room.bytes for shelf in self.shelves)

    def _home(self, index: int, first: int) -> int | None:
        """A shelf from number ``first`` on that may have room for block ``index``; None behind the last block too."""
        if index == len(self.blocks):
            return None
        block = self.blocks[index]
        return next((n for n in range(first, len(self.shelves)) if self.shelves[n].may_take(block)), None)


def _layout(demand: Demand, homes: Homes, rooms: Sequence[Room]) -> Layout | None:
    """Offsets for the given homes; None where a region overflows.

    Resident memory that has no home yet lies in what is left of the fastest regions.
    """
    places: dict[str, tuple[str, int]] = {}
    heights: dict[str, int] = {}
    held: dict[str, int] = {}
    for room in rooms:
        activations = tuple(b for b in demand.activations if homes[b.name] == room.region)
        scratch = tuple(b for b in demand.scratch if homes[b.name] == room.region)
        placement = _pack(activations, scratch)
        if placement.height > room.bytes:
            return None
        places.update((name, (room.region, offset)) for name, offset in placement.offsets.items())
        heights[room.region] = placement.height
        offsets = placement.offsets
        held[room.region] = covered((offsets[b.name], offsets[b.name] + b.room) for b in activations)
    kept = dict.fromkeys(heights, 0)
    for block, region in _kept(demand.resident, homes, rooms, heights):
        places[block.name] = region, heights[region]
        heights[region] += block.room
        kept[region] += block.room
    if len(places) < len(demand.blocks):
        return None
    return Layout(places, {region: height for region, height in heights.items() if height}, held, kept)


def _kept(
    resident: tuple[Block, ...], homes: Homes, rooms: Sequence[Room], heights: Mapping[str, int]
) -> Sequence[tuple[Block, str]]:
    """A region for each block of resident memory, above what else is there; none if that cannot be."""
    blocks = sorted(resident, key=_by_size)
    free = [room.bytes - heights[room.region] for room in rooms]
    allowed = [
        [number for number, room in enumerate(rooms) if homes.get(block.name, room.region) == room.region]
        for block in blocks
    ]
    chosen = divide([block.room for block in blocks], free, allowed)
    return [] if chosen is None else [(b, rooms[number].region) for b, number in zip(blocks, chosen, strict=True)]


def _pack(activations: tuple[Block, ...], scratch: tuple[Block, ...]) -> Placement:
    """Activations as low as they go and scratch around them, or all together if that is lower."""
    alone = place(activations)
    packed = place_above(scratch, alone, activations)
    if packed.height == peak(activations + scratch)[1]:
        return packed
    return min(packed, place(activations + scratch), key=lambda placement: placement.height)
