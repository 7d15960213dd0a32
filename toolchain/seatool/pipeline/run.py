"""Run a project's firmware in the emulator on recordings or tensors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seatool import audio, emulate, files
from seatool.errors import InputError
from seatool.importers import tflite
from seatool.ir import Array
from seatool.pipeline.build import build_project
from seatool.pipeline.progress import Stage, silent
from seatool.pipeline.project import Project
from seatool.pipeline.recordings import load_frontend
from seatool.pipeline.tensors import load_tensors, pack, unpack


@dataclass(frozen=True)
class Embeddings:
    """What edgel3's npz holds: ``embedding`` float32 [windows, dimensions], ``timestamps`` float64 [windows] in s."""

    embedding: Array
    timestamps: Array
    instructions: int


@dataclass(frozen=True)
class Outputs:
    """Model outputs by alias, else tensor, each with the examples along the first axis, as the model gives them."""

    tensors: dict[str, Array]
    instructions: int


def run_recording(
    project: Project, wav: Path, hop_size: float = 0.1, center: bool = True, stage: Stage = silent
) -> Embeddings:
    """Embeddings of a recording, computed by the firmware from the PCM samples on.

    ``hop_size`` in seconds. Framing and resampling happen on the host as edgel3 does them; the front end and the
    network run in the emulator. Raises InputError where the model has no front end.
    """
    if not project.manifest["frontend"]:
        raise InputError(f"{project.path}: this model has no audio front end", "pass tensors with --input FILE.npy")
    samples, rate = audio.read_wav(wav)
    windows, timestamps = audio.frames(samples, rate, load_frontend(project), hop_size=hop_size, center=center)
    graph = tflite.read(project.reference, project.manifest["name"])
    _, built = build_project(project, stage)
    pcm = [window.tobytes() for window in windows]
    with stage(f"running {len(pcm)} windows of {wav.name} in the emulator") as advance:
        run = emulate.run(built.emulator_elf, pcm, pcm=True, sequence=bool(graph.states), progress=advance)
    embedding = np.stack([np.frombuffer(output, np.float32) for output in run.outputs])
    return Embeddings(embedding, timestamps, run.instructions)


def run_tensors(project: Project, file: Path, stage: Stage = silent) -> Outputs:
    """Outputs of the model for the inputs in an .npy or .npz file, computed by the firmware in the emulator.

    A model with states takes them in order, from its first state on.
    """
    graph = tflite.read(project.reference, project.manifest["name"])
    examples = load_tensors(file, graph)
    _, built = build_project(project, stage)
    packed = [pack(inputs) for inputs in examples]
    with stage(f"running {len(packed)} inputs in the emulator") as advance:
        run = emulate.run(built.emulator_elf, packed, sequence=bool(graph.states), progress=advance)
    tensors = [graph.tensors[name] for name in graph.outputs]
    rows = [unpack(output, tensors) for output in run.outputs]
    stacked = {
        graph.aliases.get(tensor.name, tensor.name): np.stack([row[i] for row in rows])
        for i, tensor in enumerate(tensors)
    }
    return Outputs(stacked, run.instructions)


def save(path: Path, arrays: dict[str, Array]) -> None:
    """Write ``arrays`` as an .npz; the file appears whole or not at all."""
    with files.replacing(path) as temporary:
        np.savez(temporary, allow_pickle=False, **arrays)
