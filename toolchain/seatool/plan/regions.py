"""Which memory region holds which block.

Scratch is the hottest memory (kernels read it once per output channel), so it comes first in the fastest region; the
hottest activations follow as far as dividing them does not raise their sum above the liveness bound. Otherwise all
activations go together into the first region that holds them, and where none does they are split.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from seatool.plan.placement import Block, Placement, peak, place, place_above

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
        return -self.heat.get(block.name, 0.0), min(span.first for span in block.spans), block.name


def arrange(demand: Demand, rooms: Sequence[Room], limit: int | None = None) -> Layout | None:
    """The layout for ``demand`` in ``rooms`` (fastest first) with at most ``limit`` bytes in all.

    The first layout whose activations reach the liveness bound is taken, else the smallest; None if none is found.
    """
    floor = peak(demand.activations)[1]
    total = sum(room.bytes for room in rooms)
    limit = total if limit is None else min(limit, total)
    if peak(demand.blocks)[1] > limit:
        return None
    best: Layout | None = None
    for homes in _homes(demand, rooms):
        layout = _layout(demand, homes, rooms)
        if layout is None or layout.total > limit:
            continue
        if layout.activation_bytes <= floor:
            return layout
        if best is None or layout.total < best.total:
            best = layout
    return best


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


def _homes(demand: Demand, rooms: Sequence[Room]) -> Iterator[Homes]:
    """Assignments worth trying, the preferred first."""
    for homes in (_hot_first(demand, rooms), _together(demand, rooms)):
        if homes is not None:
            yield homes
    for room in rooms:
        yield {block.name: room.region for block in demand.blocks}
    yield from _splits(demand, rooms)


def _hot_first(demand: Demand, rooms: Sequence[Room]) -> Homes | None:
    """Scratch, then activations by heat, each in the fastest region where the sum of activations stays at the bound."""
    floor = peak(demand.activations)[1]
    held: dict[str, tuple[Block, ...]] = {room.region: () for room in rooms}
    activations = dict(held)
    peaks = dict.fromkeys(held, 0)
    for block in sorted(demand.scratch, key=_by_size) + sorted(demand.activations, key=demand.coolness):
        for room in rooms:
            name = room.region
            grown = activations[name] + ((block,) if block in demand.activations else ())
            need = peak(grown)[1]
            if sum(peaks.values()) - peaks[name] + need <= floor and _fits((*held[name], block), room):
                held[name] += (block,)
                activations[name], peaks[name] = grown, need
                break
        else:
            return None
    return {block.name: region for region, blocks in held.items() for block in blocks}


def _together(demand: Demand, rooms: Sequence[Room]) -> Homes | None:
    """Scratch in the fastest regions that have room; all activations in the first region that then holds them."""
    for number, room in enumerate(rooms):
        homes = {block.name: room.region for block in demand.activations}
        if not _fits(demand.activations, room):
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
    return min(span.first for span in block.spans), block.name


def _by_area(block: Block) -> tuple[int, str]:
    return -block.room * block.duration, block.name


def _greedy(blocks: Iterable[Block], rooms: Sequence[Room]) -> Homes | None:
    held: dict[str, tuple[Block, ...]] = {room.region: () for room in rooms}
    for block in blocks:
        for room in rooms:
            if _fits((*held[room.region], block), room):
                held[room.region] += (block,)
                break
        else:
            return None
    return {block.name: region for region, blocks_here in held.items() for block in blocks_here}


def _fits(blocks: tuple[Block, ...], room: Room) -> bool:
    return peak(blocks)[1] <= room.bytes and place(blocks).height <= room.bytes


class _SplitSearch:
    """Depth-first search for an assignment of blocks to regions in which every region's placement fits."""

    def __init__(self, blocks: Sequence[Block], rooms: Sequence[Room]) -> None:
        self.blocks, self.rooms = blocks, rooms
        self.held: dict[str, tuple[Block, ...]] = {room.region: () for room in rooms}
        self.nodes = 0

    def run(self) -> Homes | None:
        if not self._descend(0):
            return None
        return {block.name: region for region, blocks in self.held.items() for block in blocks}

    def _descend(self, index: int) -> bool:
        self.nodes += 1
        if index == len(self.blocks):
            return all(place(self.held[room.region]).height <= room.bytes for room in self.rooms)
        for room in self.rooms:
            before = self.held[room.region]
            self.held[room.region] = (*before, self.blocks[index])
            if peak(self.held[room.region])[1] <= room.bytes and self.nodes < SPLIT_NODES and self._descend(index + 1):
                return True
            self.held[room.region] = before
        return False


def _layout(demand: Demand, homes: Homes, rooms: Sequence[Room]) -> Layout | None:
    """Offsets for the given homes; None where a region overflows."""
    places: dict[str, tuple[str, int]] = {}
    heights: dict[str, int] = {}
    held: dict[str, int] = {}
    for room in rooms:
        activations = tuple(b for b in demand.activations if homes[b.name] == room.region)
        scratch = tuple(b for b in demand.scratch if homes[b.name] == room.region)
        placement = _pack(activations, scratch, room.bytes)
        if placement.height > room.bytes:
            return None
        places.update((name, (room.region, offset)) for name, offset in placement.offsets.items())
        heights[room.region] = placement.height
        offsets = placement.offsets
        held[room.region] = covered((offsets[b.name], offsets[b.name] + b.room) for b in activations)
    return Layout(places, {region: height for region, height in heights.items() if height}, held)


def _pack(activations: tuple[Block, ...], scratch: tuple[Block, ...], room: int) -> Placement:
    """Activations as low as they go and scratch around them, or all together if only that fits."""
    alone = place(activations)
    packed = place_above(scratch, alone, activations)
    if packed.height <= room or packed.height == peak(activations + scratch)[1]:
        return packed
    return min(packed, place(activations + scratch), key=lambda placement: placement.height)
