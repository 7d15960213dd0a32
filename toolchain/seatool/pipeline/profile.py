"""Measure a project in the emulator: instructions per layer, stack, RAM high-water; estimate its cycles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict, cast

from seatool import audio, emulate
from seatool.boards import Board
from seatool.build import Built
from seatool.cycles import MODEL, Cycles, Estimate, UnavailableError, estimate
from seatool.emulate import Result
from seatool.importers import tflite
from seatool.pipeline.build import build_project
from seatool.pipeline.manifest import Layer
from seatool.pipeline.progress import Stage, silent
from seatool.pipeline.project import Project, update_manifest
from seatool.pipeline.recordings import load_frontend, shipped_recording
from seatool.pipeline.tensors import pack
from seatool.pipeline.verify import random_cases


@dataclass(frozen=True)
class Profile:
    """The measured project: its manifest now holds instructions per layer, stack and region high-water marks.

    ``init_instructions`` are spent once, ``instructions`` in every inference.
    """

    project: Project
    layers: tuple[Layer, ...]
    init_instructions: int
    instructions: int
    stack_bytes: int
    region_bytes: dict[str, int]


class _Figures(TypedDict):
    """Estimated cycles as the manifest has them, of a layer or of all."""

    estimated_cycles: int | None
    stall_cycles: int | None
    estimated_ms: float | None


def profile_project(project: Project, stage: Stage = silent, *, cycles: bool = False) -> Profile:
    """Run one inference in the emulator and count.

    With a front end the run starts at the PCM samples of the recording that seatool ships.

    The counts are exact and the same on every run; they are instructions, not cycles. With ``cycles`` the manifest
    also holds an estimate of those for the project's board, or at ``cycles_unavailable`` why this computer has none.
    """
    project, built = build_project(project, stage)
    inputs, pcm = _input(project)
    found, unavailable = None, None
    with stage("counting instructions in the emulator"):
        if cycles:
            run, found, unavailable = _estimated(built, inputs, project.board, pcm)
        else:
            run = emulate.run(built.emulator_elf, inputs, pcm=pcm)
    layers = [_layer(layer, run, found, project.board) for layer in project.manifest["layers"]]
    project = update_manifest(
        project,
        layers=layers,
        init_instructions=run.init_instructions,
        instructions=run.instructions,
        stack_bytes=run.stack_bytes,
        region_bytes=dict(run.region_bytes),
        **_figures(found.whole if found else None, project.board),
        clock_mhz=project.board.core.clock_hz / 1e6 if found else None,
        cycles_model=MODEL if found else None,
        cycles_unavailable=unavailable,
    )
    return Profile(
        project,
        tuple(layers),
        run.init_instructions,
        run.instructions,
        run.stack_bytes,
        dict(run.region_bytes),
    )


def _input(project: Project) -> tuple[list[bytes], bool]:
    """One input, and whether it is PCM."""
    if project.manifest["frontend"]:
        samples, rate = audio.read_wav(shipped_recording())
        windows, _ = audio.frames(samples, rate, load_frontend(project))
        return [windows[0].tobytes()], True
    (case,) = random_cases(tflite.read(project.reference, project.manifest["name"]), 1)
    return [pack(case.inputs)], False


def _estimated(
    built: Built, inputs: list[bytes], board: Board, pcm: bool
) -> tuple[Result, Estimate | None, str | None]:
    """The run and its estimate; where there can be none, a plain run and why."""
    try:
        return *estimate(built.emulator_elf, inputs, board, pcm=pcm), None
    except UnavailableError as error:
        return emulate.run(built.emulator_elf, inputs, pcm=pcm), None, error.message


def _layer(layer: Layer, run: Result, found: Estimate | None, board: Board) -> Layer:
    name = layer["name"]
    estimated = found.layers.get(name, Cycles(0, 0)) if found else None
    figures = {"instructions": run.layer_instructions.get(name, 0), **_figures(estimated, board)}
    return cast(Layer, {**layer, **figures})


def _figures(cycles: Cycles | None, board: Board) -> _Figures:
    if cycles is None:
        return {"estimated_cycles": None, "stall_cycles": None, "estimated_ms": None}
    milliseconds = round(1000 * cycles.total / board.core.clock_hz, 4)
    return {"estimated_cycles": cycles.total, "stall_cycles": cycles.stalls, "estimated_ms": milliseconds}
