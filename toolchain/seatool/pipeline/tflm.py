"""The part of a project that runs the model in TFLM's interpreter."""

from __future__ import annotations

from dataclasses import dataclass

from seatool import audio, tflm
from seatool.boards import Board
from seatool.importers import tflite
from seatool.importers.tflite import records
from seatool.importers.tflite.records import RawModel
from seatool.ir import Graph
from seatool.kernels import bind
from seatool.pipeline.facts import Facts, region
from seatool.pipeline.manifest import Tflm
from seatool.plan.budget import Limits
from seatool.tflm import Arena, Layout, Needs, lifetimes
from seatool.tflm.allocations import allocations
from seatool.tflm.place import ARENA, CODE_BYTES, FRONT_END


@dataclass(frozen=True)
class TflmPart:
    """The files by path in the project, the arena, what the image needs, and where everything lies.

    ``further``: kinds of the operators in the file's other subgraphs.
    """

    files: dict[str, bytes]
    model: RawModel
    further: frozenset[str]
    arena: Arena
    needs: Needs
    layout: Layout


def tflm_part(model: bytes, graph: Graph, board: Board, limits: Limits) -> TflmPart:
    """Render the int8 ``model`` for TFLM; ``graph`` is what it holds, with the audio front end in front of it.

    Raises ToolError (TFLM cannot run it), InputError (custom operators) or BudgetError (its image does not fit).
    """
    model = tflite.drop_absent_bias(model, graph.name)
    raw = records.parse(model, graph.name)
    arena = tflm.estimate(raw, allocations(model, tflm.host_arena_bytes(raw, len(model))))
    needs = _needs(model, graph, arena)
    layout = tflm.place(graph.name, board, needs, limits)
    files = tflm.render(raw, model, graph.name, board, tflm.Placed(arena, layout.regions), graph.frontend)
    return TflmPart(files, raw, records.further_kinds(model, graph.name), arena, needs, layout)


def _needs(model: bytes, graph: Graph, arena: Arena) -> Needs:
    if graph.frontend is None:
        return Needs(len(model), {ARENA: arena.bytes})
    flash = audio.code_and_table_bytes(graph.frontend)
    blocks = {ARENA: arena.bytes, FRONT_END: audio.scratch_bytes(graph.frontend)}
    return Needs(len(model), blocks, flash.tables, CODE_BYTES + flash.code)


def tflm_facts(part: TflmPart) -> Tflm:
    """What the manifest says of it in any project that has it."""
    kernels = {registration.kind: registration.kernel for registration in tflm.registrations(part.model, part.further)}
    names = tflm.layer_names(part.model)
    return {
        "arena_bytes": part.arena.bytes,
        "head_bytes": part.arena.head,
        "tail_bytes": part.arena.tail,
        "allocating_bytes": part.arena.allocating,
        "margin_bytes": part.arena.margin,
        "arena_region": part.layout.regions[ARENA],
        "flash_bytes": part.layout.usage[0].needed,
        "operators": [
            {"index": op.index, "name": name, "kind": op.kind, "kernel": kernels[op.kind]}
            for op, name in zip(part.model.ops, names, strict=True)
        ],
    }


def only_tflm_facts(part: TflmPart, graph: Graph) -> Facts:
    """What the manifest says of a project without the compiled model: what it has of the interpreter's image."""
    return {
        "macs": sum(bind(op, graph).macs() for op in graph.ops),
        "ram_bytes": sum(part.needs.blocks.values()),
        "flash_bytes": part.layout.usage[0].needed,
        "liveness_bound_bytes": lifetimes.alive_at_once(lifetimes.tensors(part.model)),
        "budget": [region(use) for use in part.layout.usage],
        "layers": [],
    }
