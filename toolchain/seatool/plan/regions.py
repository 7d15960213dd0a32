"""Which memory region holds which block.

Scratch is the hottest memory (kernels read it once per output channel), so it comes first in the fastest region; the
hottest activations follow as far as dividing them does not raise their sum above the liveness bound. That is compared
with all activations together in the first region that holds them, and with a division that keeps the sum of all regions
small; where nothing else fits, they are split as it comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from seatool.plan.placement import Block, Placement, lowest_offset, peak, place, place_above

SPLIT_NODES = 2_000
"""Nodes that the search over splits may visit; a count, so that plans are reproducible."""


@dataclass(frozen=True)
class Room:
    """The bytes of a region that the model may use."""

    region: str
    bytes: int


@dataclass(frozen=True)
class Layout:
    """A region and an offset for every block.

    ``heights`` are the bytes of the model's block by region, ``activations`` those among them that hold an activation
    at some time.
    """

    places: Mapping[str, tuple[str, int]]
    heights: Mapping[str, int]
    activations: Mapping[str, int]

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
    """What has to be placed. ``heat``: work per byte by activation block; the higher, the more fast memory helps."""

    activations: tuple[Block, ...]
    scratch: tuple[Block, ...]
    heat: Mapping[str, float]

    @property
    def blocks(self) -> tuple[Block, ...]:
        return self.activations + self.scratch

    def coolness(self, block: Block) -> tuple[float, int, str]:
        """Sorts activations: the hottest first, then the earliest."""
        return -self.heat.get(block.name, 0.0), block.first, block.name


def arrange(demand: Demand, rooms: Sequence[Room], limit: int | None = None) -> Layout | None:
    """The layout for ``demand`` in ``rooms`` (fastest first) with at most ``limit`` bytes in all, if one is found.

    Of those tried, the one with the least scratch outside the fastest region, of these the smallest, of these the one
    whose activations are nearest to the liveness bound.
    """
    floor, least = peak(demand.activations)[1], peak(demand.blocks)[1]
    total = sum(room.bytes for room in rooms)
    limit = total if limit is None else min(limit, total)
    if least > limit:
        return None
    rooms = [Room(room.region, min(room.bytes, limit)) for room in rooms]
    for assignments in (_ordinary(demand, rooms), _splits(demand, rooms)):
        best: tuple[tuple[int, int, int], Layout] | None = None
        for homes in assignments:
            layout = _layout(demand, homes, rooms)
            if layout is None or layout.total > limit:
                continue
            cold = sum(block.room for block in demand.scratch if homes[block.name] != rooms[0].region)
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
    for strategy in (_hot_first, _together, _level):
        if (homes := strategy(demand, rooms)) is not None:
            yield homes
    for room in rooms:
        yield {block.name: room.region for block in demand.blocks}


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

    def __init__(self, room: Room) -> None:
        self.room = room
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

    def take(self, block: Block) -> bool:
        """Take ``block`` if there is a placement with it; others may move."""
        if self.peak_with(block) > self.room.bytes:
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


def _together(demand: Demand, rooms: Sequence[Room]) -> Homes | None:
    """Scratch in the fastest regions that have room; all activations in the first region that then holds them."""
    for number, room in enumerate(rooms):
        homes = {block.name: room.region for block in demand.activations}
        if place(demand.activations).height > room.bytes:
            continue
        for block in demand.scratch:
            before = [home for home in rooms[:number] if home.bytes >= block.room]
            homes[block.name] = before[0].region if before else room.region
        if _layout(demand, homes, rooms) is not None:
            return homes
    return None


def _splits(demand: Demand, rooms: Sequence[Room]) -> Iterator[Homes]:
    """Each block into the first region where it fits beside those before it; then a search over all assignments."""
    largest_first = sorted(rooms, key=lambda room: -room.bytes)
    for order in (_by_size, _by_time, _by_area):
        for preference in (rooms, largest_first):
            blocks = chain(sorted(demand.scratch, key=order), sorted(demand.activations, key=order))
            if (homes := _greedy(blocks, preference)) is not None:
                yield homes
    if (homes := _SplitSearch(sorted(demand.blocks, key=_by_size), largest_first).run()) is not None:
        yield homes


def _by_size(block: Block) -> tuple[int, str]:
    return -block.room, block.name


def _by_time(block: Block) -> tuple[int, str]:
    return block.first, block.name


def _by_area(block: Block) -> tuple[int, str]:
    return -block.room * block.duration, block.name


def _greedy(blocks: Iterable[Block], rooms: Sequence[Room]) -> Homes | None:
    shelves = [_Shelf(room) for room in rooms]
    if all(any(shelf.take(block) for shelf in shelves) for block in blocks):
        return _assignment(shelves)
    return None


class _SplitSearch:
    """Depth-first search for an assignment of blocks to regions in which every region's placement fits."""

    def __init__(self, blocks: Sequence[Block], rooms: Sequence[Room]) -> None:
        self.blocks = blocks
        self.shelves = [_Shelf(room) for room in rooms]
        self.nodes_left = SPLIT_NODES

    def run(self) -> Homes | None:
        return _assignment(self.shelves) if self._descend(0) else None

    def _descend(self, index: int) -> bool:
        self.nodes_left -= 1
        if index == len(self.blocks):
            return all(place(shelf.blocks).height <= shelf.room.bytes for shelf in self.shelves)
        block = self.blocks[index]
        for shelf in self.shelves:
            if self.nodes_left > 0 and shelf.peak_with(block) <= shelf.room.bytes:
                shelf.add(block)
                if self._descend(index + 1):
                    return True
                shelf.remove()
        return False


def _layout(demand: Demand, homes: Homes, rooms: Sequence[Room]) -> Layout | None:
    """Offsets for the given homes; None where a region overflows."""
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
    return Layout(places, {region: height for region, height in heights.items() if height}, held)


def _pack(activations: tuple[Block, ...], scratch: tuple[Block, ...]) -> Placement:
    """Activations as low as they go and scratch around them, or all together if that is lower."""
    alone = place(activations)
    packed = place_above(scratch, alone, activations)
    if packed.height == peak(activations + scratch)[1]:
        return packed
    return min(packed, place(activations + scratch), key=lambda placement: placement.height)
