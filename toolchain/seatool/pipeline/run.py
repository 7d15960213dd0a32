"""Run a project's firmware in the emulator on recordings or tensors."""

from __future__ import annotations

from collections.abc import Sequence
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
from seatool.pipeline.tensors import Source, load_inputs, pack, unpack
from seatool.pipeline.traces import ALL, Firmware, Trace
from seatool.plan.labels import tensor_labels


@dataclass(frozen=True)
class Embeddings:
    """What edgel3's npz holds: ``embedding`` float32 [windows, dimensions], ``timestamps`` float64 [windows] in s.

    ``traces``: the tensors asked for; ``absent``: where all were, labels of those that do not exist in the firmware.
    """

    embedding: Array
    timestamps: Array
    instructions: int
    traces: tuple[Trace, ...] = ()
    absent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outputs:
    """Model outputs by alias, else tensor, each with the examples along the first axis, as the model gives them.

    ``quantized``: a phrase on each input whose values were quantized. ``traces`` and ``absent``: as in
    :class:`Embeddings`.
    """

    tensors: dict[str, Array]
    instructions: int
    quantized: tuple[str, ...] = ()
    traces: tuple[Trace, ...] = ()
    absent: tuple[str, ...] = ()


def run_recording(
    project: Project,
    wav: Path,
    hop_size: float = 0.1,
    center: bool = True,
    stage: Stage = silent,
    *,
    dump: Sequence[str] = (),
) -> Embeddings:
    """Embeddings of a recording, computed by the firmware from the PCM samples on.

    ``hop_size`` in seconds. Framing and resampling happen on the host as edgel3 does them; the front end and the
    network run in the emulator. ``dump``: layers or tensors to return as well (:meth:`Firmware.chosen`). Raises
    InputError where the model has no front end, or a tensor to dump does not exist.
    """
    if not project.manifest["frontend"]:
        raise InputError(f"{project.path}: this model has no audio front end", "pass tensors with --input FILE.npy")
    samples, rate = audio.read_wav(wav)
    windows, timestamps = audio.frames(samples, rate, load_frontend(project), hop_size=hop_size, center=center)
    firmware, names = _firmware(project, dump)
    sequence = bool(firmware.graph.states)
    _, built = build_project(project, stage)
    pcm = [window.tobytes() for window in windows]
    with stage(f"running {len(pcm)} windows of {wav.name} in the emulator") as advance:
        run = emulate.run(built.emulator_elf, pcm, pcm=True, trace=bool(names), sequence=sequence, progress=advance)
    embedding = np.stack([np.frombuffer(output, np.float32) for output in run.outputs])
    traces = firmware.traces(run, None, names) if names else ()
    return Embeddings(embedding, timestamps, run.instructions, traces, _absent(firmware, dump))


def run_tensors(project: Project, source: Source, stage: Stage = silent, *, dump: Sequence[str] = ()) -> Outputs:
    """Outputs of the model for inputs from files, computed by the firmware in the emulator.

    ``source``: one .npy or .npz file, or a file for each input by its name. A model with states takes the examples in
    order, from its first state on. ``dump``: layers or tensors to return as well (:meth:`Firmware.chosen`). Raises
    InputError where a file does not fit, or a tensor to dump does not exist.
    """
    firmware, names = _firmware(project, dump)
    graph = firmware.graph
    inputs = load_inputs(source, graph)
    _, built = build_project(project, stage)
    packed = [pack(example) for example in inputs.examples]
    with stage(f"running {len(packed)} inputs in the emulator") as advance:
        run = emulate.run(built.emulator_elf, packed, trace=bool(names), sequence=bool(graph.states), progress=advance)
    tensors = [graph.tensors[name] for name in graph.outputs]
    rows = [unpack(output, tensors) for output in run.outputs]
    stacked = {
        graph.aliases.get(tensor.name, tensor.name): np.stack([row[i] for row in rows])
        for i, tensor in enumerate(tensors)
    }
    traces = firmware.traces(run, inputs.examples, names) if names else ()
    return Outputs(stacked, run.instructions, inputs.quantized, traces, _absent(firmware, dump))


def _firmware(project: Project, dump: Sequence[str]) -> tuple[Firmware, tuple[str, ...]]:
    """What the firmware has, and the tensors asked for."""
    graph = tflite.read(project.reference, project.manifest["name"])
    firmware = Firmware.of(graph, project.manifest["layers"])
    return firmware, firmware.chosen(dump)


def _absent(firmware: Firmware, dump: Sequence[str]) -> tuple[str, ...]:
    """Labels of what does not exist, where all was asked for."""
    labels = tensor_labels(firmware.graph)
    return tuple(labels[name] for name in firmware.absent) if ALL in dump else ()


def arrays(result: Embeddings | Outputs) -> dict[str, Array]:
    """What an .npz of the result holds, by name."""
    if isinstance(result, Outputs):
        return dict(result.tensors)
    return {"embedding": result.embedding, "timestamps": result.timestamps}


def save(path: Path, arrays: dict[str, Array]) -> None:
    """Write ``arrays`` as an .npz; the file appears whole or not at all."""
    with files.replacing(path) as temporary:
        np.savez(temporary, allow_pickle=False, **arrays)
