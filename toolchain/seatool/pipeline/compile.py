"""Model file to project folder: import, quantize, optimize, plan, render, write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seatool import boards, build, importers, passes, plan, render
from seatool.importers import tflite
from seatool.ir import Graph
from seatool.pipeline.facts import facts
from seatool.pipeline.options import CompileOptions, project_name
from seatool.pipeline.progress import Stage, silent
from seatool.pipeline.project import BOARD, REFERENCE, Project, check_target, dump, write_project
from seatool.pipeline.recordings import FRONTEND, save_frontend
from seatool.pipeline.reference import Reference, int8_reference
from seatool.plan.program import Program


@dataclass(frozen=True)
class Compiled:
    """A written project, the plan behind it, and what was done to the model.

    ``fidelity``: what quantization lost, None for a model that was int8 already; ``kept``: it was taken from the older
    project. ``applied``: a sentence on each operator that was merged or dropped.
    """

    project: Project
    program: Program
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

    Raises InputError (unusable model, calibration, board, option or folder) or BudgetError (does not fit); in either
    case nothing is written and an older project stays as it was. An older project in which files were edited or added
    is replaced with ``force`` only.
    """
    options = options or CompileOptions()
    name = project_name(model, options.name)
    target = out or Path("build") / name
    described = boards.resolve(options.board)
    board = boards.parse(described, Path(options.board))
    options.planning.limits(board)
    check_target(target, force)
    ready = prepare(model, name, target, options, stage)
    with stage("planning"):
        program = plan.plan(ready.graph, board, options.planning)
    with stage("writing C"):
        files = project_files(program, ready.reference, model)
        files[BOARD] = dump(described)
        project = write_project(target, files, facts(program, model, options, ready.reference), force)
    return Compiled(project, program, ready.reference.fidelity, ready.reference.kept, ready.applied)


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
    """The int8 graph to plan, what was optimized in it, and the model that it was read from."""

    graph: Graph
    applied: tuple[str, ...]
    reference: Reference


def prepare(model: Path, name: str, target: Path, options: CompileOptions, stage: Stage) -> Ready:
    """Import ``model``, quantize it unless the project ``target`` holds the result, and optimize it."""
    with stage(f"importing {model.name}"):
        graph = importers.load(model, name)
    reference = int8_reference(graph, model, target, options.calibration, stage)
    int8 = replace(tflite.read(reference.model, name), frontend=graph.frontend, notes=graph.notes)
    optimized, applied = passes.optimize(int8, merge=options.fuse)
    return Ready(optimized, applied, reference)


def project_files(program: Program, reference: Reference, model: Path) -> dict[str, bytes]:
    """The project's files by relative path, but for the board's description and the manifest."""
    files = dict(render.render(program))
    files |= build.project_files(program.board, program.graph.name, sorted(files), program.stack_bytes)
    if program.graph.frontend is not None:
        files[FRONTEND] = save_frontend(program.graph.frontend)
    files["README.md"] = readme(program, model.name)
    files[REFERENCE] = reference.model
    return files


def readme(program: Program, file: str) -> bytes:
    """The project's README.md: what lies where and how to use it."""
    name, frontend = program.graph.name, program.graph.frontend
    text = build.render_template(
        "README.md.j2",
        name=name,
        upper=name.upper(),
        title=program.board.title,
        file=file,
        frontend=frontend is not None,
        pcm=frontend.window_samples if frontend else 0,
        rate=frontend.sample_rate if frontend else 0,
    )
    return text.encode()
