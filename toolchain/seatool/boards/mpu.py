"""Memory protection in the emulator: the fewest ARMv7-M MPU regions that allow exactly a board's memory.

An MPU region is a power of two in size and aligned to it; from 256 bytes on it has eight equal subregions that can be
switched off one by one. Source: Armv7-M Architecture Reference Manual, B3.5.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from seatool.boards.board import Board
from seatool.boards.machines import Machine, Window

SMALLEST = 32
SMALLEST_WITH_SUBREGIONS = 256
SUBREGIONS = 8
NULL_GUARD = Window("null", 0, 1024)
"""A forbidden range over address 0, so that reading through a null pointer faults. The vector table lies in it; the
processor fetches vectors without asking the MPU."""


class Access(Enum):
    """What a region allows. The values are the fields XN, AP, TEX, S, C, B of MPU_RASR."""

    CODE = 6 << 24 | 1 << 17
    """Read and execute."""
    RAM = 1 << 28 | 3 << 24 | 1 << 17 | 1 << 16
    """Read and write."""
    DEVICE = 1 << 28 | 3 << 24 | 1 << 18 | 1 << 16
    """Read and write, in order."""
    NOTHING = 1 << 28


@dataclass(frozen=True)
class MpuRegion:
    """One entry of the MPU. Bit i of ``disabled`` switches subregion i off."""

    base: int
    size: int
    disabled: int
    access: Access

    @property
    def rasr(self) -> int:
        """The value of MPU_RASR."""
        return self.access.value | self.disabled << 8 | (self.size.bit_length() - 2) << 1 | 1

    def allowed(self) -> Iterator[tuple[int, int]]:
        """(start, size) of each enabled subregion."""
        if self.size < SMALLEST_WITH_SUBREGIONS:
            yield self.base, self.size
            return
        step = self.size // SUBREGIONS
        for i in range(SUBREGIONS):
            if not self.disabled >> i & 1:
                yield self.base + i * step, step


def protection(board: Board, machine: Machine) -> tuple[MpuRegion, ...]:
    """The MPU's entries for ``board``'s image in ``machine``, highest priority last.

    Raises ValueError where the board's regions cannot be told apart with the entries there are.
    """
    code = [window for window, kind in _windows(board) if kind in ("flash", "itcm")]
    data = [window for window, kind in _windows(board) if kind not in ("flash", "itcm")]
    entries = [
        *cover(code, Access.CODE),
        *cover([*data, machine.harness], Access.RAM),
        *cover(machine.peripherals, Access.DEVICE),
    ]
    if len(entries) > machine.mpu_regions:
        raise ValueError(
            f"the emulator needs {len(entries)} MPU regions to protect this memory map and has {machine.mpu_regions}"
        )
    if len(entries) < machine.mpu_regions:
        entries += cover([NULL_GUARD], Access.NOTHING)
    return tuple(entries)


def _windows(board: Board) -> Iterator[tuple[Window, str]]:
    for region in board.memory:
        if region.emulator_address is not None:
            yield Window(region.name, region.emulator_address, region.size), region.kind


def cover(windows: Sequence[Window], access: Access) -> list[MpuRegion]:
    """MPU regions that together allow exactly ``windows`` (greedily: the entry that covers most comes first).

    Raises ValueError for a window that does not start and end at a multiple of 32 bytes.

    >>> [hex(region.size) for region in cover([Window("ram", 0x3000_0000, 288 << 10)], Access.RAM)]
    ['0x40000', '0x8000']
    """
    for window in windows:
        if window.start % SMALLEST or window.size % SMALLEST:
            raise ValueError(f"{window.name} does not start and end at a multiple of {SMALLEST} bytes")
    regions: list[MpuRegion] = []
    open_parts = [(window.start, window.end) for window in windows]
    while open_parts:
        start = min(open_parts)[0]
        best = max(_candidates(start, windows, access), key=lambda region: (_gain(region, open_parts), -region.size))
        regions.append(best)
        for first, size in best.allowed():
            open_parts = list(_without(open_parts, first, first + size))
    return regions


def _candidates(address: int, windows: Sequence[Window], access: Access) -> Iterator[MpuRegion]:
    """MPU regions that allow ``address`` and nothing outside ``windows``."""
    for bits in range(SMALLEST.bit_length() - 1, 32):
        size = 1 << bits
        base = address & -size
        step = size // SUBREGIONS if size >= SMALLEST_WITH_SUBREGIONS else size
        disabled = sum(
            1 << i for i in range(size // step) if not any(window.holds(base + i * step, step) for window in windows)
        )
        if not disabled >> ((address - base) // step) & 1:
            yield MpuRegion(base, size, disabled, access)


def _gain(region: MpuRegion, open_parts: Iterable[tuple[int, int]]) -> int:
    """Bytes of ``open_parts`` that ``region`` allows."""
    return sum(
        max(0, min(end, first + size) - max(start, first))
        for first, size in region.allowed()
        for start, end in open_parts
    )


def _without(parts: Iterable[tuple[int, int]], first: int, last: int) -> Iterator[tuple[int, int]]:
    """``parts`` less the range from ``first`` to ``last``."""
    for start, end in parts:
        if start < min(end, first):
            yield start, min(end, first)
        if max(start, last) < end:
            yield max(start, last), end
