"""Cycles of a kernel's call as a plan can foresee them, waiting for its constants included."""

from __future__ import annotations

from seatool.boards import Board, Core, Region
from seatool.kernels import Reading
from seatool.plan.program import Stage
from seatool.rounding import ceil_div


def foreseen(stage: Stage, board: Board, resident: Region) -> int:
    """Cycles of computing the whole of ``stage`` with one call; ``resident``: where that keeps what it fills once.

    This is a guess to compare plans by: ``seatool profile --cycles`` estimates the program that was built. Activations
    and scratch are taken to be where they are not waited for.
    """
    size, region = (stage.flash, board.flash) if stage.resident is None else (stage.resident_bytes, resident)
    lines = lines_from_memory(size, stage.variant.reading(stage.operator), board.core)
    worked = stage.cost.instructions * stage.variant.cycles_per_instruction
    return round(worked) + lines * (region.line_fill_cycles or 0)


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
