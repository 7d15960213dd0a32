"""The audio front end as step 0 of a program: what it costs in time, RAM and flash."""

from __future__ import annotations

from dataclasses import dataclass, replace

from seatool import audio
from seatool.ir import Graph
from seatool.kernels import Cost

FRONT_END = "log_mel"
"""Name of the layer."""


_CYCLES_PER_INSTRUCTION = 0.9
"""As estimated by docs/cycles.md for the front end of the students."""


@dataclass(frozen=True)
class FrontEnd:
    """Bytes of scratch RAM, of tables and of (estimated) code in flash, and the estimated cost."""

    scratch_bytes: int
    table_bytes: int
    code_bytes: int
    cost: Cost


def front_end(graph: Graph) -> FrontEnd | None:
    """What the front end of ``graph`` needs; None if it has none."""
    if graph.frontend is None:
        return None
    code, tables = audio.code_and_table_bytes(graph.frontend)
    cost = audio.cost(graph.frontend)
    cost = replace(cost, cycles=round(cost.instructions * _CYCLES_PER_INSTRUCTION))
    return FrontEnd(audio.scratch_bytes(graph.frontend), tables, code, cost)
