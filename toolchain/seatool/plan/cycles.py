"""Cycles as a plan can foresee them: of the kernels, and of waiting for what they read from memory behind a cache.

This is a guess to compare plans by: ``seatool profile --cycles`` estimates the program that was built. Tightly coupled
memory is not waited for, and stores do not wait.
"""

from __future__ import annotations

from dataclasses import dataclass

from seatool.boards import Board, Core
from seatool.kernels.base import ONCE, Reading
from seatool.plan.program import Stage
from seatool.rounding import ceil_div


def effort(cycles: int, instructions: int) -> int:
    """What plans are chosen by: estimated cycles, and a tenth of the instructions.

    Estimates of cycles are off by more than that, and instructions are counted exactly: of plans that take about the
    same time the one with fewer instructions is the better bet.
    """
    return cycles + instructions // 10


@dataclass(frozen=True)
class Memory:
    """The memory of ``board``."""

    board: Board

    @property
    def resident(self) -> str:
        """The region where resident memory is expected: the fastest one that activations do not need first."""
        return self.board.ram[min(1, len(self.board.ram) - 1)].name

    def waits(self, region: str, count: int, reading: Reading = ONCE) -> int:
        """Cycles for ``count`` bytes of ``region``."""
        return lines_from_memory(count, reading, self.board.core) * (self.board.region(region).line_fill_cycles or 0)

    def stage_waits(self, stage: Stage, reading: Reading, resident: str | None = None) -> int:
        """For the constants and the resident memory of a stage; ``resident`` is the region of the latter, if known."""
        kept = stage.resident
        if kept is None:
            return self.waits(self.board.flash.name, stage.flash, reading)
        constants = self.waits(self.board.flash.name, stage.flash - kept.source_bytes, reading)
        return constants + self.waits(resident or self.resident, kept.bytes, reading)


def lines_from_memory(size: int, reading: Reading, core: Core) -> int:
    """Lines that come from memory where ``size`` bytes are read as ``reading`` says, the rest being in the cache."""
    part = ceil_div(size, reading.parts)
    again = reading.parts * (reading.repeats - 1) * _missing(part, core)
    return ceil_div(size, core.cache_line_bytes) + (reading.passes - 1) * _missing(size, core) + reading.passes * again


def _missing(size: int, core: Core) -> int:
    """Lines that the data cache no longer has when ``size`` bytes were read in order and are read again.

    It replaces the least recently used line, so a set that sees more lines than it has ways keeps none of them.
    """
    lines = ceil_div(size, core.cache_line_bytes)
    sets = core.dcache_bytes // core.dcache_ways // core.cache_line_bytes
    if not sets:
        return lines
    each, more = divmod(lines, sets)
    return (sets - more) * each * (each > core.dcache_ways) + more * (each + 1) * (each + 1 > core.dcache_ways)
