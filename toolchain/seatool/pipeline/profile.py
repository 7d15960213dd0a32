"""Measure a project in the emulator: instructions per layer, stack, RAM high-water."""

from __future__ import annotations

from dataclasses import dataclass

from seatool import audio, emulate
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
    """The measured project: its manifest now holds instructions per layer, stack and region high-water marks."""

    project: Project
    layers: tuple[Layer, ...]
    instructions: int
    stack_bytes: int
    region_bytes: dict[str, int]


def profile_project(project: Project, stage: Stage = silent) -> Profile:
    """Run one inference in the emulator and count.

    With a front end the run starts at the PCM samples of the recording that seatool ships.

    The counts are exact and the same on every run; they are instructions, not cycles.
    """
    project, built = build_project(project, stage)
    graph = tflite.read(project.reference, project.manifest["name"])
    with stage("counting instructions in the emulator"):
        if project.manifest["frontend"]:
            samples, rate = audio.read_wav(shipped_recording())
            windows, _ = audio.frames(samples, rate, load_frontend(project))
            run = emulate.run(built.emulator_elf, [windows[0].tobytes()], pcm=True)
        else:
            (case,) = random_cases(graph, 1)
            run = emulate.run(built.emulator_elf, [pack(case.inputs)])
    layers: list[Layer] = [
        {**layer, "instructions": run.layer_instructions.get(layer["name"], 0)} for layer in project.manifest["layers"]
    ]
    project = update_manifest(
        project,
        layers=layers,
        instructions=run.instructions,
        stack_bytes=run.stack_bytes,
        region_bytes=dict(run.region_bytes),
    )
    return Profile(project, tuple(layers), run.instructions, run.stack_bytes, dict(run.region_bytes))
