"""What ``diff`` compares: a model in its reference, a project's firmware in the emulator, or tensors from files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from seatool import audio, emulate, importers, passes, quantize
from seatool.audio import LogMel
from seatool.audio.log_mel import FULL_SCALE
from seatool.errors import InputError
from seatool.importers import tflite
from seatool.ir import Array, DType, Graph, Quantization, Tensor, dequantize_values, quantize_values
from seatool.pipeline import traces
from seatool.pipeline.build import build_project
from seatool.pipeline.edits import MANIFEST
from seatool.pipeline.options import project_name
from seatool.pipeline.progress import Stage
from seatool.pipeline.project import Project, open_project
from seatool.pipeline.recordings import load_frontend, shipped_recording
from seatool.pipeline.reference import is_float
from seatool.pipeline.tensors import Source, pack, read_inputs
from seatool.pipeline.traces import INPUT, Firmware, Trace
from seatool.plan.labels import tensor_labels
from seatool.quantize.calibration import evenly
from seatool.tflm.reference import IsolatedReference

Example = tuple[Array, ...]
_WINDOWS_APART_S = 0.5


@dataclass(frozen=True)
class Side:
    """One of the two.

    Attributes:
        path: As given.
        what: What computes it, in words.
        graph: The network, after :func:`passes.prepare` if it is float; None for tensors from files.
        frontend: The audio front end in front of it.
        run: Computes every tensor that there is, from inputs in the types of the graph's; files ignore these.
        absent: Labels of tensors of a firmware that do not exist because they lie inside fused steps.
    """

    path: Path
    what: str
    graph: Graph | None
    frontend: LogMel | None
    run: Callable[[Sequence[Example], Stage], tuple[Trace, ...]]
    absent: tuple[str, ...] = ()


def open_side(path: Path) -> Side:
    """What ``path`` is: a project, a folder or file of tensors, or a model file.

    Raises InputError where it is none of these, or damaged.
    """
    if path.is_dir() and (path / MANIFEST).is_file():
        return _firmware(open_project(path))
    if traces.is_traces(path):
        found = traces.read(path)
        what = f"{len(found)} tensor{'s' if len(found) > 1 else ''} from files"
        return Side(path, what, None, None, lambda inputs, stage: found, traces.absent(path))
    graph = importers.load(path, project_name(path))
    return _float_model(path, graph) if is_float(graph) else _int8_model(path, graph)


def _float_model(path: Path, graph: Graph) -> Side:
    prepared = passes.prepare(graph)

    def run(inputs: Sequence[Example], stage: Stage) -> tuple[Trace, ...]:
        execute, values = quantize.Executor(prepared), []
        with stage(f"computing {path.name} in numpy") as advance:
            for number, example in enumerate(inputs):
                values.append(execute(example, keep=prepared.tensors))
                advance(number + 1, len(inputs))
        return traces.traces_of(prepared, values, _computed(prepared))

    return Side(path, "float, computed in numpy", prepared, graph.frontend, run)


def _int8_model(path: Path, graph: Graph) -> Side:
    model = tflite.runnable(path.read_bytes(), path.name)

    def run(inputs: Sequence[Example], stage: Stage) -> tuple[Trace, ...]:
        values = []
        with stage(f"computing {path.name} in TFLM") as advance, IsolatedReference(model, graph.name) as reference:
            for number, example in enumerate(inputs):
                values.append(reference.run(example))
                advance(number + 1, len(inputs))
        return traces.traces_of(graph, values, [name for name in _computed(graph) if name in values[0]])

    return Side(path, "quantized, computed by TFLM", graph, graph.frontend, run)


def _firmware(project: Project) -> Side:
    graph = tflite.read(project.reference, project.manifest["name"])
    firmware = Firmware.of(graph, project.manifest["layers"])

    def run(inputs: Sequence[Example], stage: Stage) -> tuple[Trace, ...]:
        _, built = build_project(project, stage)
        packed = [pack(example) for example in inputs]
        with stage(f"running {project.path.name} in the emulator") as advance:
            result = emulate.run(built.emulator_elf, packed, trace=True, sequence=bool(graph.states), progress=advance)
        return firmware.traces(result, inputs, [*firmware.sources])

    frontend = load_frontend(project) if project.manifest["frontend"] else None
    labels = tensor_labels(graph)
    absent = tuple(labels[name] for name in firmware.absent)
    edits = len(project.edits())
    what = "firmware in the emulator" + (f", {edits} of its files edited" if edits else "")
    return Side(project.path, what, graph, frontend, run, absent)


def _computed(graph: Graph) -> list[str]:
    """Inputs and what operators make, in order."""
    made = (name for op in graph.ops for name in op.outputs)
    return [*graph.inputs, *(name for name in made if not graph.tensors[name].is_constant)]


@dataclass(frozen=True)
class Given:
    """Inputs for both sides: ``examples`` of real numbers, or of integers that ``quants`` gives a meaning.

    ``what``: where they come from, in words.
    """

    examples: Sequence[Example]
    quants: Sequence[Quantization | None]
    what: str

    def for_graph(self, graph: Graph) -> list[Example]:
        """The examples in the types of the inputs of ``graph``; InputError where they do not fit."""
        tensors = [graph.tensors[name] for name in graph.inputs]
        if [tensor.elements for tensor in tensors] != [array.size for array in self.examples[0]]:
            takes = ", ".join(str(list(tensor.shape)) for tensor in tensors)
            given = ", ".join(str(list(array.shape)) for array in self.examples[0])
            raise InputError(f"both sides need the same inputs: {graph.name} takes {takes}, not {given}")
        return [
            tuple(_fitted(v, q, t) for v, q, t in zip(example, self.quants, tensors, strict=True))
            for example in self.examples
        ]


def _fitted(values: Array, quant: Quantization | None, tensor: Tensor) -> Array:
    """``values`` as ``tensor`` takes them."""
    values = values.reshape(tensor.shape)
    if values.dtype == tensor.dtype.numpy and (quant is None or tensor.quant is None or quant == tensor.quant):
        return values
    if values.dtype.kind != "f" and quant is None:
        raise InputError(f"{values.dtype} values for input {tensor.name}, which is {tensor.dtype.value}")
    real = values.astype(np.float32) if quant is None else dequantize_values(values, quant)
    if tensor.dtype is DType.FLOAT32:
        return real
    if tensor.quant is None or tensor.dtype is DType.BOOL:
        raise InputError(f"input {tensor.name} is {tensor.dtype.value} without a scale; give that type with --input")
    return quantize_values(real, tensor.quant, tensor.dtype)


def from_files(source: Source, sides: Sequence[Side]) -> Given:
    """Inputs from .npy and .npz files, or of a .wav file through the front end of a side."""
    graphs = [side.graph for side in sides if side.graph is not None]
    if isinstance(source, Path) and source.suffix.lower() == ".wav":
        return _recorded(source, sides)
    examples = read_inputs(source, graphs[0])
    quants = [_meaning(array, index, graphs) for index, array in enumerate(examples[0])]
    name = source.name if isinstance(source, Path) else ", ".join(file.name for file in source.values())
    return Given(examples, quants, f"{len(examples)} of {name}")


def _meaning(values: Array, index: int, graphs: Sequence[Graph]) -> Quantization | None:
    """What integers mean: as the first side has it whose input is of their type."""
    tensors = [graph.tensors[graph.inputs[index]] for graph in graphs if index < len(graph.inputs)]
    return next((tensor.quant for tensor in tensors if tensor.quant and tensor.dtype.numpy == values.dtype), None)


def from_traces(found: Sequence[Trace], graph: Graph) -> Given:
    """The inputs that a folder of traces holds; InputError where one is missing."""
    labels = tensor_labels(graph)
    columns = []
    for name in graph.inputs:
        known = {name, graph.aliases.get(name, name), labels[name]}
        trace = next((t for t in found if t.operator in (INPUT, "") and {t.tensor, t.label} & known), None)
        if trace is None:
            raise InputError(
                f"the tensors from files do not hold the model's input {labels[name]}",
                "dump it too (--dump all), or give the inputs that they were computed from with --input",
            )
        columns.append(trace)
    examples = list(zip(*(trace.values for trace in columns), strict=True))
    return Given(examples, [trace.quant for trace in columns], f"{len(examples)} of the tensors from files")


def generated(sides: Sequence[Side], count: int, seed: int) -> Given:
    """``count`` inputs: of the recording that seatool ships behind a front end, else random ones.

    Random values are uniformly distributed over the type of a quantized side's input, or over [-1, 1].
    """
    if any(side.frontend is not None for side in sides):
        given = _recorded(shipped_recording(), sides)
        chosen = [given.examples[i] for i in evenly(len(given.examples), count)]
        return replace(given, examples=chosen, what=f"{len(chosen)} windows of the recording that seatool ships")
    graphs = [side.graph for side in sides if side.graph is not None]
    leads = []
    for index, name in enumerate(graphs[0].inputs):
        tensors = [graph.tensors[graph.inputs[index]] for graph in graphs if index < len(graph.inputs)]
        leads.append(next((tensor for tensor in tensors if tensor.quant is not None), graphs[0].tensors[name]))
    rng = np.random.default_rng(seed)
    examples = [tuple(_random(rng, tensor) for tensor in leads) for _ in range(count)]
    return Given(examples, [tensor.quant for tensor in leads], f"{count} random, seed {seed}")


def _random(rng: np.random.Generator, tensor: Tensor) -> Array:
    if tensor.dtype is DType.FLOAT32:
        return rng.uniform(-1, 1, tensor.shape).astype(np.float32)
    if tensor.dtype is DType.BOOL:
        return rng.integers(0, 2, tensor.shape).astype(bool)
    info = np.iinfo(tensor.dtype.numpy)
    return rng.integers(info.min, info.max, tensor.shape, endpoint=True).astype(tensor.dtype.numpy)


def _recorded(wav: Path, sides: Sequence[Side]) -> Given:
    """Windows of a recording, as features."""
    front = next((side.frontend for side in sides if side.frontend is not None), None)
    if front is None:
        raise InputError(f"{wav}: neither side has an audio front end", "pass tensors with --input FILE.npy")
    samples, rate = audio.read_wav(wav)
    windows, _ = audio.frames(samples, rate, front, hop_size=_WINDOWS_APART_S)
    examples = [(front.features(window / FULL_SCALE)[None],) for window in windows]
    return Given(examples, [None], f"{len(examples)} windows of {wav.name}")
