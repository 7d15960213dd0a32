"""Where the blocks of the TFLM image lie, and whether it fits the board."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from seatool.boards.board import Board
from seatool.errors import BudgetError
from seatool.plan.budget import CODE, TABLES, Limits, describe, firmware_ram, ram_usage
from seatool.plan.program import Part, Usage

CODE_BYTES = 77_824
"""TFLM, the kernels of CMSIS-NN that a model takes, and the application: 56 to 73 KB measured."""

STATIC_BYTES = 1_024
"""Variables beyond the application's: the interpreter, and 28 B for each operator in the resolver."""

MODEL, ARENA, FRONT_END = "model", "arena", "front end"


@dataclass(frozen=True)
class Needs:
    """Bytes of the TFLM image.

    ``model``, ``tables`` and ``code``, an estimate, are in flash. ``blocks`` are blocks of RAM by name; each has to lie
    in one region.
    """

    model: int
    blocks: Mapping[str, int]
    tables: int = 0
    code: int = CODE_BYTES


@dataclass(frozen=True)
class Layout:
    """The region of each block, and what every region of the board holds."""

    regions: Mapping[str, str]
    usage: tuple[Usage, ...]


def place(name: str, board: Board, needs: Needs, limits: Limits) -> Layout:
    """Put each block, the largest first, into the fastest region that has room for it.

    Raises BudgetError where a block has no room, or the image exceeds the flash or ``limits``.
    """
    parts = {region.name: list(_fixed(board, region.name, limits.stack)) for region in board.ram}
    regions: dict[str, str] = {}
    for block, size in sorted(needs.blocks.items(), key=lambda item: (-item[1], item[0])):
        home = next((r for r in board.ram if sum(p.bytes for p in parts[r.name]) + size <= r.size), None)
        if home is None:
            raise _no_room(name, board, block, size)
        regions[block] = home.name
        parts[home.name].insert(0, Part(block, size))
    usage = (_flash(board, needs, limits), *(Usage(r.name, r.size, tuple(parts[r.name])) for r in board.ram))
    short = [use for use in (*usage, ram_usage(usage, board, limits.ram)) if not use.fits]
    if short:
        lines = "\n".join(map(describe, short))
        raise BudgetError(f"{name} in TFLM does not fit {board.name}\n{lines}", _REMEDY)
    return Layout(regions, usage)


_REMEDY = "the compiled model may fit: --runtime aot"


def _fixed(board: Board, region: str, stack_bytes: int) -> tuple[Part, ...]:
    if region != board.stack_region.name:
        return ()
    *reserved, data = firmware_ram(stack_bytes)
    return (*reserved, replace(data, bytes=data.bytes + STATIC_BYTES, estimated=True))


def _flash(board: Board, needs: Needs, limits: Limits) -> Usage:
    capacity = board.flash.size if limits.flash is None else min(limits.flash, board.flash.size)
    parts = (Part(MODEL, needs.model), Part(TABLES, needs.tables), Part(CODE, needs.code, estimated=True))
    return Usage(board.flash.name, capacity, tuple(part for part in parts if part.bytes))


def _no_room(name: str, board: Board, block: str, size: int) -> BudgetError:
    regions = " · ".join(f"{region.name} {region.size:,}" for region in board.ram)
    return BudgetError(
        f"{name} in TFLM does not fit {board.name}\n"
        f"  {block:<6} needs {size:,} B in one piece, beside the stack where that is; the regions are {regions}",
        _REMEDY,
    )
