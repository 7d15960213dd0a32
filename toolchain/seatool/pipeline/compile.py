"""Model file to project folder: import, quantize, optimize, plan, render, write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seatool import boards, build, importers, passes, plan, render
from seatool.boards import Board
from seatool.files import shown_name
from seatool.importers import tflite
from seatool.ir import Graph
from seatool.pipeline.facts import common_facts, program_facts
from seatool.pipeline.options import CompileOptions, project_name
from seatool.pipeline.progress import Stage, silent
from seatool.pipeline.project import BOARD, REFERENCE, Project, check_target, dump, write_project
from seatool.pipeline.recordings import FRONTEND, save_frontend
from seatool.pipeline.reference import Reference, int8_reference
from seatool.pipeline.tflm import TflmPart, only_tflm_facts, tflm_facts, tflm_part
from seatool.plan.labels import numbered
from seatool.plan.program import Program
from seatool.render.names import prefix


@dataclass(frozen=True)
class Compiled:
    """A written project, the plan behind it, and what was done to the model.

    ``program``: None for a project that runs the model in TFLM alone. ``fidelity``: what quantization lost, None for a
    model that was int8 already; ``kept``: it was taken from the older project. ``applied``: a sentence on each operator
    that was merged or dropped.
    """

    project: Project
    program: Program | None
    fidelity: Mapping[str, Any] | None
    kept: bool = False
    applied: tuple[str, ...] = ()


def compile_model(
    model: Path,
    out: Path | None = None,
    options: CompileOptions | None = None,
    stage: Stage = silent,
    *,
    force: bool = False,
) -> Compiled:
    """Compile ``model`` into the project folder ``out`` (default ``build/<name>``).

    Raises InputError (unusable model, calibration, board, option or folder), BudgetError (does not fit) or ToolError
    (with TFLM: it refuses the model); in any case nothing is written and an older project stays as it was. An older
    project in which files were edited or added is replaced with ``force`` only.
    """
    options = options or CompileOptions()
    name = project_name(model, options.name)
    target = out or Path("build") / name
    described = boards.resolve(options.board)
    board = boards.parse(described, Path(options.board))
    limits = options.planning.limits(board)
    check_target(target, force)
    ready = prepare(model, name, target, options, stage)
    program, part = None, None
    if options.runtime != "tflm":
        with stage("planning"):
            program = plan.plan(ready.graph, board, options.planning)
    if options.runtime != "aot":
        with stage("measuring TFLM's arena"):
            part = tflm_part(ready.reference.model, ready.int8, board, limits)
    with stage("writing C"):
        files = project_files(ready, board, limits.stack, model, program, part)
        files[BOARD] = dump(described)
        facts = common_facts(ready.int8, board, model, options, ready.reference)
        facts |= program_facts(program) if program else {}
        facts |= only_tflm_facts(part, ready.int8) if part and not program else {}
        facts["tflm"] = tflm_facts(part) if part else None
        project = write_project(target, files, facts, force)
    applied = ready.applied if program else ()
    return Compiled(project, program, ready.reference.fidelity, ready.reference.kept, applied)


def plan_model(model: Path, options: CompileOptions | None = None, stage: Stage = silent) -> plan.Frontier:
    """Every plan for ``model`` within the limits of ``options`` that is worth anything; nothing is written.

    A float model is quantized as for compiling. Raises as :func:`compile_model` does.
    """
    options = options or CompileOptions()
    name = project_name(model, options.name)
    board = boards.load(options.board)
    options.planning.limits(board)
    ready = prepare(model, name, Path("build") / name, options, stage)
    with stage("planning"):
        return plan.frontier(ready.graph, board, options.planning)


def alternatives(program: Program, options: CompileOptions) -> dict[plan.Optimize, Program]:
    """What the other values of ``options.optimize`` make of the model of ``program``."""
    others = [optimize for optimize in plan.OPTIMIZE if optimize != options.optimize]
    return {
        other: plan.plan(program.graph, program.board, replace(options, optimize=other).planning) for other in others
    }


@dataclass(frozen=True)
class Ready:
    """The int8 graph as it is in the model that TFLM runs, as it is planned, and what was optimized in between."""

    int8: Graph
    graph: Graph
    applied: tuple[str, ...]
    reference: Reference


def prepare(model: Path, name: str, target: Path, options: CompileOptions, stage: Stage) -> Ready:
    """Import ``model``, quantize it unless the project ``target`` holds the result, and optimize it."""
    with stage(f"importing {shown_name(model)}"):
        graph = importers.load(model, name)
    reference = int8_reference(graph, model, target, options.calibration, stage)
    int8 = replace(tflite.read(reference.model, name), frontend=graph.frontend, notes=graph.notes)
    optimized, applied = passes.optimize(int8, merge=options.fuse)
    return Ready(int8, optimized, applied, reference)


def project_files(
    ready: Ready, board: Board, stack_bytes: int, model: Path, program: Program | None, part: TflmPart | None
) -> dict[str, bytes]:
    """The project's files by relative path, but for the board's description and the manifest.

    ``program`` is the compiled model and ``part`` the model in TFLM; one of them at least is there.
    """
    name, frontend = ready.int8.name, ready.int8.frontend
    files = dict(render.render(program)) if program else {}
    if program:
        files |= build.project_files(board, name, sorted(files), stack_bytes)
    else:
        files |= build.shared_files(board, stack_bytes)
    files |= part.files if part else {}
    if frontend is not None:
        files[FRONTEND] = save_frontend(frontend)
    files["README.md"] = readme(ready.int8, board, shown_name(model), program is not None, part is not None)
    files[REFERENCE] = ready.reference.model
    return files


def readme(graph: Graph, board: Board, file: str, compiled: bool, in_tflm: bool) -> bytes:
    """The project's README.md: what lies where and how to use it."""
    frontend = graph.frontend
    text = build.render_template(
        "README.md.j2",
        name=graph.name,
        prefix=prefix(graph.name),
        ports=[*_ports("input", graph.inputs, graph), *_ports("output", graph.outputs, graph)],
        remembers=bool(graph.states),
        title=board.title,
        probe=bool(board.probe),
        file=file,
        compiled=compiled,
        in_tflm=in_tflm,
        frontend=frontend is not None,
        pcm=frontend.window_samples if frontend else 0,
        rate=frontend.sample_rate if frontend else 0,
    )
    return text.encode()


def _ports(role: str, tensors: tuple[str, ...], graph: Graph) -> Iterator[tuple[str, str]]:
    """What C calls inputs or outputs, and what they are."""
    for name, argument in numbered(role, tensors):
        tensor, alias = graph.tensors[name], graph.aliases.get(name, name)
        yield argument, f"{tensor.dtype.value} {list(tensor.shape)}, `{alias.replace('|', '/').replace('`', ' ')}`"
