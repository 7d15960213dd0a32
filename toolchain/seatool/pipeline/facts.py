"""What a compilation puts into the manifest: what went in, what was chosen, what is predicted."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from seatool.boards import Board
from seatool.files import content_digest, digest, shown_name
from seatool.ir import Graph
from seatool.pipeline.manifest import Fidelity, Layer, Options, Port, Quantization, Region
from seatool.pipeline.options import CompileOptions
from seatool.pipeline.reference import Reference
from seatool.plan.program import Part, Program, Step, Usage
from seatool.version import __version__

Facts = dict[str, Any]
"""Keys of the manifest."""


def common_facts(graph: Graph, board: Board, model: Path, options: CompileOptions, reference: Reference) -> Facts:
    """What went in and what was chosen, whatever runs the model (docs/json.md)."""
    return {
        "seatool": __version__,
        "name": graph.name,
        "board": board.name,
        "model": {"file": shown_name(model), "sha256": content_digest(model)},
        "options": _options(options),
        "quantization": _quantization(reference),
        "inputs": [_port(graph, name) for name in graph.inputs],
        "outputs": [_port(graph, name) for name in graph.outputs],
        "frontend": graph.frontend is not None,
        "notes": list(graph.notes),
    }


def program_facts(program: Program) -> Facts:
    """What is predicted of the compiled model."""
    return {
        "macs": program.macs,
        "ram_bytes": sum(program.blocks.values()),
        "flash_bytes": program.flash_bytes,
        "liveness_bound_bytes": program.liveness_bound,
        "budget": [region(usage) for usage in program.usage],
        "layers": [_layer(step, program) for step in program.steps],
    }


def _options(options: CompileOptions) -> Options:
    return {
        "stack_bytes": options.stack_bytes,
        "ram_limit": options.ram_limit,
        "flash_limit": options.flash_limit,
        "optimize": options.optimize,
        "fuse": options.fuse,
        "fast_code": options.fast_code,
        "runtime": options.runtime,
    }


def _quantization(reference: Reference) -> Quantization | None:
    if reference.key is None or reference.fidelity is None:
        return None
    fidelity = cast(Fidelity, dict(reference.fidelity))
    return {"key": reference.key, "sha256": digest(reference.model), "fidelity": fidelity}


def _layer(step: Step, program: Program) -> Layer:
    return {
        "index": step.index,
        "name": step.name,
        "operator": "+".join(operator.kind for operator in step.operators) or "LOG_MEL",
        "operators": [operator.op.name for operator in step.operators],
        "variant": step.kernel,
        "macs": step.macs,
        "estimated_instructions": step.cost.instructions,
        "planned_cycles": step.cycles,
        "instructions": None,
        "estimated_cycles": None,
        "stall_cycles": None,
        "estimated_ms": None,
        "scratch_bytes": step.scratch.size if step.scratch else 0,
        "resident_bytes": sum(program.residents[stage.name].size for stage in step.stages if stage.resident),
        "outputs": [tensor.name for tensor in step.outputs] or list(program.graph.inputs),
    }


def _port(graph: Graph, name: str) -> Port:
    tensor = graph.tensors[name]
    quant = tensor.quant
    return {
        "name": name,
        "alias": graph.aliases.get(name),
        "shape": list(tensor.shape),
        "dtype": tensor.dtype.value,
        "scale": quant.scale[0] if quant else None,
        "zero_point": quant.zero_point[0] if quant else None,
    }


def region(usage: Usage) -> Region:
    """One entry of the manifest's ``budget``."""
    return {
        "region": usage.region,
        "capacity_bytes": usage.capacity,
        "needed_bytes": usage.needed,
        "parts": [
            {"label": part.label, "bytes": part.bytes, "estimated": part.estimated, "predicted": part.predicted}
            for part in usage.parts
        ],
    }


def usage(value: Region) -> Usage:
    """Inverse of :func:`region`."""
    parts = (Part(part["label"], part["bytes"], part["estimated"], part["predicted"]) for part in value["parts"])
    return Usage(value["region"], value["capacity_bytes"], tuple(parts))
