"""The plans that no other beats in RAM, flash and cycles: what `seatool plan` shows and --optimize picks from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from seatool.boards.board import Board
from seatool.ir import Graph
from seatool.plan.planner import OPTIMIZE, Planner, PlanOptions
from seatool.plan.search import Picks


@dataclass(frozen=True)
class Point:
    """One plan: RAM of the model and everything in flash in bytes (code estimated), estimated cycles and instructions.

    ``layers`` are names and kernels of its layers; ``chosen_by`` the values of --optimize that pick it.
    """

    ram_bytes: int
    flash_bytes: int
    cycles: int
    instructions: int
    layers: tuple[tuple[str, str], ...]
    chosen_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Frontier:
    """All points within the limits, from much RAM to little, and the multiply-accumulates of one inference."""

    points: tuple[Point, ...]
    macs: int

    def fastest(self, flash_bytes: int | None = None) -> tuple[Point, ...]:
        """Of the plans within ``flash_bytes`` those that no other beats in RAM and cycles, from much RAM on."""
        kept: list[Point] = []
        fitting = (p for p in self.points if flash_bytes is None or p.flash_bytes <= flash_bytes)
        for point in sorted(fitting, key=lambda p: (p.ram_bytes, p.cycles)):
            if not kept or point.cycles < kept[-1].cycles:
                kept.append(point)
        return tuple(reversed(kept))


def frontier(graph: Graph, board: Board, options: PlanOptions | None = None) -> Frontier:
    """The frontier within the limits of ``options``.

    Raises InputError (an operator cannot be compiled) or BudgetError (nothing fits), as planning does.
    """
    options = options or PlanOptions()
    planner = Planner.of(graph, board, options)
    points = [_point(planner, picks, picks.ram) for picks in planner.frontier()]
    for optimize in OPTIMIZE:
        picks, program = planner.choose(optimize)
        points.append(replace(_point(planner, picks, sum(program.blocks.values())), chosen_by=(optimize,)))
    macs = sum(operator.macs() for begins in planner.space.groups for operator in begins[0].operators)
    return Frontier(_undominated(points), macs)


def _point(planner: Planner, picks: Picks, ram: int) -> Point:
    return Point(ram, planner.flash_of(picks), picks.cycles, picks.instructions, tuple(planner.layers(picks)))


def _undominated(points: Sequence[Point]) -> tuple[Point, ...]:
    """Chosen points, and those that no other beats; equal ones become one."""
    kept: dict[tuple[int, int, int], Point] = {}
    for point in sorted(points, key=lambda p: (p.cycles, p.ram_bytes, p.flash_bytes)):
        key = (point.ram_bytes, point.flash_bytes, point.cycles)
        if key in kept:
            kept[key] = replace(kept[key], chosen_by=kept[key].chosen_by + point.chosen_by)
        elif point.chosen_by or not any(ram <= key[0] and flash <= key[1] for ram, flash, _ in kept):
            kept[key] = point
    return tuple(sorted(kept.values(), key=lambda p: (-p.ram_bytes, -p.flash_bytes)))
