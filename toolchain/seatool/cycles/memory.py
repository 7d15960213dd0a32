"""A board's memory as the cycle estimate sees it."""

from __future__ import annotations

from dataclasses import dataclass

from seatool.boards.board import Board


@dataclass(frozen=True)
class Cache:
    """A first-level cache, sizes in bytes; size 0: there is none."""

    size: int = 0
    ways: int = 1
    line_bytes: int = 32


@dataclass(frozen=True)
class CachedRegion:
    """A region of memory at ``address`` on the board and at ``emulator_address`` in the emulator.

    line_fill_cycles: core cycles until a line that is not in the cache is there; 0 for memory that is never cached
    because it is as fast as the core (TCM).
    """

    name: str
    address: int
    emulator_address: int
    size: int
    line_fill_cycles: int


@dataclass(frozen=True)
class Memory:
    """The caches of a board and the regions of memory behind them that the emulator has, too."""

    instruction_cache: Cache
    data_cache: Cache
    regions: tuple[CachedRegion, ...]


