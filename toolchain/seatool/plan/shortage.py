"""The message for a model that does not fit: what is needed, what there is, and what would make it fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seatool.boards.board import Board
from seatool.errors import BudgetError
from seatool.ir import Graph
from seatool.plan.bars import size
from seatool.plan.budget import WEIGHTS, describe
from seatool.plan.program import Usage
from seatool.plan.students import student_of, students


@dataclass(frozen=True)
class Peak:
    """The step that needs the most RAM: its layer's name and the bytes of everything alive then, by name."""

    layer: str
    live: Mapping[str, int]

    @property
    def bytes(self) -> int:
        return sum(self.live.values())

    def __str__(self) -> str:
        live = " + ".join(f"{name} {count:,}" for name, count in self.live.items())
        return f"at {self.layer} at once: {live}"


@dataclass(frozen=True)
class Needs:
    """What a model needs. ``ram`` is the least over all regions; ``peak`` the step that needs it.

    ``largest`` is the name and the bytes of the largest buffer, which has to lie in one region; ``placed`` says whether
    a division of the buffers over the regions was found; ``budgets`` are limits that would do, in words.
    """

    flash: Usage
    ram: Usage
    peak: Peak
    largest: tuple[str, int]
    placed: bool
    budgets: tuple[str, ...] = ()


def shortage(graph: Graph, board: Board, needs: Needs) -> BudgetError:
    """The error for a model that needs more than ``board``, or the limits asked for, give."""
    lines = [f"{graph.name} does not fit {board.name}", describe(needs.flash), describe(needs.ram)]
    hints = [*needs.budgets, *([] if needs.flash.fits else flash_remedies(graph, needs.flash))]
    if not needs.placed:
        region = max(board.ram, key=lambda region: region.size)
        name, count = needs.largest
        lines.append(f"           {needs.peak}")
        if count > region.size:
            lines.append(
                f"           {name} alone needs {count:,} B; the largest region, {region.name}, has {region.size:,}"
            )
            hints.append(f"{name} of at most {region.size:,} B")
        elif needs.ram.fits:
            regions = " · ".join(f"{region.name} {region.size:,}" for region in board.ram)
            lines.append(f"           these cannot be divided over {regions}")
            hints.append(f"smaller buffers at {needs.peak.layer}")
        else:
            hints += ram_remedies(needs.ram, needs.peak)
    return BudgetError("\n".join(lines), "what would fit: " + ", or ".join(hints))


def flash_remedies(graph: Graph, flash: Usage) -> list[str]:
    """What would make the constants fit, the easiest first."""
    weights = next(part.bytes for part in flash.parts if part.label == WEIGHTS)
    left = flash.capacity - (flash.needed - weights)
    remedies = []
    if (own := student_of(graph)) is not None:
        smaller = [s for s in students() if s.constant_bytes <= left and s.constant_bytes < own.constant_bytes]
        remedies += [f"{s.title} ({s.embedding}-d, {size(s.constant_bytes)})" for s in smaller[:1]]
    bits = left * 8 // weights if weights else 0
    if 1 <= bits < 8:
        remedies.append(f"weights of {bits} bit{'s' if bits > 1 else ''}")
    return [*remedies, f"{flash.needed - flash.capacity:,} B less in flash"]


def ram_remedies(ram: Usage, peak: Peak) -> list[str]:
    """What would make the RAM fit, the easiest first."""
    excess = ram.needed - ram.capacity
    share = (peak.bytes - excess) * 100 // peak.bytes
    remedies = [f"{share} % of the input area or the channels of {peak.layer}"] if share > 0 else []
    return [*remedies, f"{excess:,} B less in RAM"]
