"""Model file to project folder: import, quantize, optimize, plan, render, write."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seatool import __version__, boards, build, importers, passes, plan, quantize, render
from seatool.importers import tflite
from seatool.ir import Graph
from seatool.pipeline.build import usage_to_json
from seatool.pipeline.progress import Stage, silent
from seatool.pipeline.project import (
    MANIFEST,
    REFERENCE,
    SCHEMA,
    Project,
    check_target,
    digest,
    dump,
    open_project,
    write_project,
)
from seatool.pipeline.recordings import FRONTEND, save_frontend
from seatool.plan.program import Program, Step


@dataclass(frozen=True)
class CompileOptions:
    """What the user may choose. ``calibration``: a folder of WAV files or an .npy/.npz file; limits in bytes."""

    board: str = "m7"
    name: str | None = None
    calibration: Path | None = None
    stack_bytes: int | None = None
    ram_limit: int | None = None
    flash_limit: int | None = None
    optimize: plan.Optimize = "speed"

    @property
    def planning(self) -> plan.PlanOptions:
        """What concerns the planner."""
        return plan.PlanOptions(self.stack_bytes, self.ram_limit, self.flash_limit, self.optimize)


@dataclass(frozen=True)
class Compiled:
    """A written project, the plan behind it, and what quantization lost (None for a model that was int8 already)."""

    project: Project
    program: Program
    fidelity: Mapping[str, Any] | None
    applied: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reference:
    """The int8 model that TFLM runs, and where it came from. The compiled graph is always read from these bytes."""

    model: bytes
    fidelity: Mapping[str, Any] | None
    key: str | None


def compile_model(
    model: Path, out: Path | None = None, options: CompileOptions | None = None, stage: Stage = silent
) -> Compiled:
    """Compile ``model`` into the project folder ``out`` (default ``build/<name>``).

    Raises InputError (unusable model, calibration, board or folder) or BudgetError (does not fit); in either case
    nothing is written and an older project stays as it was.
    """
    options = options or CompileOptions()
    board = boards.load(options.board)
    name = options.name or default_name(model)
    target = out or Path("build") / name
    check_target(target)
    ready = prepare(model, target, options, stage)
    reference = ready.reference
    with stage("planning"):
        program = plan.plan(ready.graph, board, options.planning)
    with stage("writing C"):
        files = project_files(program, reference, model)
        facts = manifest(program, model, options, reference)
        compiled = digest(dump({**facts, "files": {name: digest(data) for name, data in sorted(files.items())}}))
        project = write_project(target, {**files, MANIFEST: dump({**facts, "compiled": compiled})})
    return Compiled(project, program, reference.fidelity, ready.applied)


def plan_model(model: Path, options: CompileOptions | None = None, stage: Stage = silent) -> plan.Frontier:
    """Every plan for ``model`` within the limits of ``options`` that is worth anything; nothing is written.

    A float model is quantized as for compiling. Raises as :func:`compile_model` does.
    """
    options = options or CompileOptions()
    board = boards.load(options.board)
    ready = prepare(model, Path("build") / (options.name or default_name(model)), options, stage)
    with stage("planning"):
        return plan.frontier(ready.graph, board, options.planning)


@dataclass(frozen=True)
class Ready:
    """The int8 graph to plan, what was optimized in it, and the model that it was read from."""

    graph: Graph
    applied: tuple[str, ...]
    reference: Reference


def prepare(model: Path, target: Path, options: CompileOptions, stage: Stage) -> Ready:
    """Import ``model``, quantize it unless the project ``target`` holds the result, and optimize it."""
    name = options.name or default_name(model)
    with stage(f"importing {model.name}"):
        graph = importers.load(model, name)
    reference = int8_reference(graph, model, target, options, stage)
    int8 = replace(tflite.read(reference.model, name), frontend=graph.frontend)
    optimized, applied = passes.optimize(int8)
    return Ready(optimized, applied, reference)


def default_name(model: Path) -> str:
    """A C identifier from the file's name: ``Student-2.h5.gz`` becomes ``student_2``."""
    stem = re.sub(r"(\.(h5|hdf5|keras|tflite|gz))+$", "", model.name, flags=re.IGNORECASE)
    word = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_") or "model"
    return word if word[0].isalpha() else f"model_{word}"


def is_float(graph: Graph) -> bool:
    """Whether the model still has to be quantized: none of its activations is quantized."""
    return all(tensor.is_constant or tensor.quant is None for tensor in graph.tensors.values())


def int8_reference(graph: Graph, model: Path, target: Path, options: CompileOptions, stage: Stage) -> Reference:
    """The int8 model as TFLite bytes: the user's own file if it is int8, else quantized here.

    Quantization is deterministic, so the result kept in an older project is reused when the model, the calibration
    data and this program are the same.
    """
    if not is_float(graph):
        return Reference(model.read_bytes(), None, None)
    key = digest(f"{__version__} {_content(model)} {_content(options.calibration)}".encode())
    if (kept := _kept(target, key)) is not None:
        return kept
    with stage("listening to the calibration data"):
        calibration = quantize.load_calibration(options.calibration, graph)
    with stage(f"quantizing with {calibration.description}") as advance:
        quantized = quantize.quantize(passes.prepare(graph), calibration, advance=advance)
    return Reference(tflite.write(quantized.graph), quantized.fidelity.to_json(), key)


def _content(path: Path | None) -> str:
    """Hash of a file, or of the names and contents of all files in a folder; "built-in" for None."""
    if path is None:
        return "built-in"
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    return digest("".join(f"{file.relative_to(path)} {digest(file.read_bytes())}\n" for file in files).encode())


def _kept(target: Path, key: str) -> Reference | None:
    if not (target / MANIFEST).is_file():
        return None
    old = open_project(target)
    quantization = old.manifest.get("quantization")
    if not quantization or quantization["key"] != key:
        return None
    data = old.reference.read_bytes()
    return Reference(data, quantization["fidelity"], key) if digest(data) == quantization["sha256"] else None


def project_files(program: Program, reference: Reference, model: Path) -> dict[str, bytes]:
    """Every file of the project but the manifest, by relative path."""
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


def manifest(program: Program, model: Path, options: CompileOptions, reference: Reference) -> dict[str, Any]:
    """``seatool.json``: what went in, what was chosen, what is predicted; measurements come later (docs/json.md)."""
    chosen = {key: value for key, value in vars(options).items() if key not in ("name", "calibration")}
    quantization = {
        "key": reference.key,
        "sha256": digest(reference.model),
        "fidelity": reference.fidelity,
    }
    return {
        "schema": SCHEMA,
        "seatool": __version__,
        "name": program.graph.name,
        "model": {"file": model.name, "sha256": _content(model)},
        "options": chosen,
        "quantization": quantization if reference.key else None,
        **summary(program),
        "instructions": None,
        "stack_bytes": None,
        "bit_exact": None,
    }


def summary(program: Program) -> dict[str, Any]:
    """What the plan predicts, at the keys that every command uses."""
    return {
        "board": program.board.name,
        "macs": program.macs,
        "ram_bytes": sum(program.blocks.values()),
        "flash_bytes": program.flash_bytes,
        "liveness_bound_bytes": program.liveness_bound,
        "budget": [usage_to_json(usage) for usage in program.usage],
        "layers": [_layer(step, program) for step in program.steps],
        "inputs": [_tensor(program, name) for name in program.graph.inputs],
        "outputs": [_tensor(program, name) for name in program.graph.outputs],
        "frontend": program.graph.frontend is not None,
    }


def _layer(step: Step, program: Program) -> dict[str, Any]:
    return {
        "index": step.index,
        "name": step.name,
        "operator": "+".join(operator.kind for operator in step.operators) or "LOG_MEL",
        "variant": step.kernel,
        "macs": step.macs,
        "estimated_instructions": step.cost.instructions,
        "instructions": None,
        "scratch_bytes": step.scratch.size if step.scratch else 0,
        "outputs": [tensor.name for tensor in step.outputs] or list(program.graph.inputs),
    }


def _tensor(program: Program, name: str) -> dict[str, Any]:
    tensor = program.graph.tensors[name]
    quant = tensor.quant
    return {
        "name": name,
        "shape": list(tensor.shape),
        "dtype": tensor.dtype.value,
        "scale": quant.scale[0] if quant else None,
        "zero_point": quant.zero_point[0] if quant else None,
    }
