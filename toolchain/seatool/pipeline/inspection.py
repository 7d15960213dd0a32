"""What a model file holds, layer by layer, before anything is merged: shapes, types, scales, work, kernels, faults."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any

from seatool import importers, passes
from seatool.audio import LogMel
from seatool.errors import InputError, SeatoolError
from seatool.importers import Survey, tflite
from seatool.importers.tflite.trial import as_int8
from seatool.ir import DType, Graph, Op, Tensor
from seatool.kernels import Operator, bind, operators
from seatool.pipeline.edits import MANIFEST
from seatool.pipeline.manifest import Layer as Step
from seatool.pipeline.project import Project
from seatool.pipeline.reference import is_float
from seatool.plan.labels import tensor_labels
from seatool.quantize.check import obstacles


@dataclass(frozen=True)
class Port:
    """A tensor as a layer or the model has it.

    ``name`` is its short name, ``tensor`` the file's, ``alias`` the signature's. ``scale`` and ``zero_point`` are None
    without quantization and where there are several: ``channels`` is the number of scales, None per tensor.
    """

    name: str
    tensor: str
    alias: str | None
    shape: tuple[int, ...]
    dtype: str
    scale: float | None
    zero_point: int | None
    channels: int | None
    bytes: int


@dataclass(frozen=True)
class Layer:
    """An operator of the file.

    ``constants`` are its weights, biases, shapes; ``weight_bytes`` of weights and biases; ``activation_bytes`` of its
    results, 0 for a view. ``macs`` is None where it is not supported. ``kernels`` can compute it as it stands,
    ``rejected`` cannot, with the reason. ``problems``: why it cannot be compiled. ``step`` and ``kernel``: where a
    project computes it; None where it was merged into others, ``kernel`` also for a view.
    """

    index: int
    name: str
    operator: str
    version: int = 1
    source: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()
    constants: tuple[Port, ...] = ()
    macs: int | None = None
    weight_bytes: int = 0
    activation_bytes: int = 0
    is_view: bool = False
    kernels: tuple[str, ...] = ()
    rejected: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()
    step: str | None = None
    kernel: str | None = None


@dataclass(frozen=True)
class Inspection:
    """The file's name, what it holds, and ``obstacles``: the error that compiling it would end with, if any.

    ``quantized`` is None where too little is understood to say. ``peak_bytes``: the largest sum of activations needed
    at once if layers run one by one. ``frontend``: in words.
    """

    file: str
    quantized: bool | None
    layers: tuple[Layer, ...]
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()
    states: tuple[Port, ...] = ()
    weight_bytes: int = 0
    peak_bytes: int = 0
    frontend: str | None = None
    notes: tuple[str, ...] = ()
    obstacles: SeatoolError | None = None

    @property
    def macs(self) -> int:
        """Of the layers that are supported."""
        return sum(layer.macs or 0 for layer in self.layers)

    def to_json(self) -> dict[str, Any]:
        """As docs/json.md has it."""
        error = self.obstacles
        return {
            "file": self.file,
            "quantized": self.quantized,
            "compiles": error is None,
            "macs": self.macs,
            "weight_bytes": self.weight_bytes,
            "peak_activation_bytes": self.peak_bytes,
            "frontend": self.frontend,
            "notes": list(self.notes),
            "inputs": [vars(port) for port in self.inputs],
            "outputs": [vars(port) for port in self.outputs],
            "states": [vars(port) for port in self.states],
            "layers": [_layer_json(layer) for layer in self.layers],
            "problem": None if error is None else {"message": error.message, "hint": error.hint},
        }


def _layer_json(layer: Layer) -> dict[str, Any]:
    ports = {role: [vars(port) for port in getattr(layer, role)] for role in ("inputs", "outputs", "constants")}
    rejected = [{"kernel": kernel, "reason": reason} for kernel, reason in layer.rejected]
    return {**vars(layer), **ports, "rejected": rejected}


def inspect_model(path: Path) -> Inspection:
    """What the model file ``path`` holds, as it is in the file; a project's int8 model for a project folder.

    Unsupported operators are reported in the result. Raises InputError (missing, damaged, unknown type) and ToolError
    (TensorFlow is needed) as :func:`seatool.importers.load` does.
    """
    if path.is_dir() and (path / MANIFEST).is_file():
        from seatool.pipeline.project import open_project

        return _inspect_project(open_project(path))
    return _inspect(importers.survey(path), path.name)


def _inspect_project(project: Project) -> Inspection:
    survey = tflite.survey(project.reference, project.manifest["name"])
    return _inspect(survey, project.manifest["model"]["file"], project.manifest["layers"])


def _inspect(survey: Survey, file: str, steps: list[Step] | None = None) -> Inspection:
    graph = survey.graph
    if graph is None:
        layers = (
            Layer(index, name, kind, problems=survey.problems.get(name, ()))
            for index, (name, kind) in enumerate(survey.layers)
        )
        return Inspection(file, None, tuple(layers), obstacles=survey.refusal)
    computed = {name: step for step in steps or () for name in step["operators"]}
    view = _View(survey, graph, computed, tensor_labels(graph))
    weights = {tensor.name: tensor.bytes for op in graph.ops for tensor in view.weights(op)}
    return Inspection(
        file=file,
        quantized=not is_float(graph),
        layers=tuple(view.layer(index, op) for index, op in enumerate(graph.ops)),
        inputs=view.ports(graph.inputs),
        outputs=view.ports(graph.outputs),
        states=view.ports(tuple(state.value for state in graph.states)),
        weight_bytes=sum(weights.values()),
        peak_bytes=peak_bytes(graph),
        frontend=None if graph.frontend is None else _front_end(graph.frontend),
        notes=graph.notes,
        obstacles=survey.refusal or _obstacles(graph),
    )


def _front_end(front: LogMel) -> str:
    samples = f"{front.window_samples} samples at {front.sample_rate} Hz"
    return f"log-mel, {samples} to {front.bands} bands in {front.frames} frames"


@dataclass(frozen=True)
class _View:
    """A graph as people are shown it; ``steps``: a project's, by the operators in them; ``labels``: of tensors."""

    survey: Survey
    graph: Graph
    steps: Mapping[str, Step]
    labels: Mapping[str, str]

    def layer(self, index: int, op: Op) -> Layer:
        problems = self.survey.problems.get(op.name, ())
        operator = None if problems else self._trial(op)
        is_view = operator is not None and operator.is_view
        admissions = (
            [] if operator is None else [(kernel.name, kernel.admits(operator)) for kernel in operator.variants]
        )
        step = self.steps.get(op.name)
        return Layer(
            index=index,
            name=op.name,
            operator=op.kind,
            version=op.version,
            source=op.source,
            attributes={key: _plain(value) for key, value in vars(op.attributes).items()},
            inputs=self.ports(name for name in op.inputs if name and not self.graph.tensors[name].is_constant),
            outputs=self.ports(op.outputs),
            constants=tuple(self._port(tensor.name) for tensor in self.constants(op)),
            macs=None if operator is None else operator.macs(),
            weight_bytes=sum(tensor.bytes for tensor in self.weights(op)),
            activation_bytes=0 if is_view else sum(self.graph.tensors[name].bytes for name in op.outputs),
            is_view=is_view,
            kernels=tuple(name for name, admission in admissions if admission.ok),
            rejected=tuple((name, admission.reason) for name, admission in admissions if not admission.ok),
            problems=problems,
            step=step["name"] if step else None,
            kernel=step["variant"] if step else None,
        )

    def _trial(self, op: Op) -> Operator:
        """``op`` as kernels see it; a float one as int8 with made-up scales."""
        tensors = [self.graph.tensors[name] for name in (*op.inputs, *op.outputs) if name is not None]
        borders = op.kind in ("QUANTIZE", "DEQUANTIZE")
        is_real = not borders and any(tensor.dtype is DType.FLOAT32 for tensor in tensors)
        return as_int8(op, self.graph) if is_real else bind(op, self.graph)

    def constants(self, op: Op) -> list[Tensor]:
        """The constants that ``op`` reads."""
        tensors = (self.graph.tensors[name] for name in op.inputs if name is not None)
        return [tensor for tensor in tensors if tensor.is_constant]

    def weights(self, op: Op) -> list[Tensor]:
        """Of its constants weights and biases, not shapes and axes."""
        family = operators().get(op.kind)
        bias = family.quantization.bias if family else None
        name = op.inputs[bias] if bias is not None and bias < len(op.inputs) else None
        return [t for t in self.constants(op) if t.quant is not None or t.dtype is DType.FLOAT32 or t.name == name]

    def ports(self, names: Iterable[str]) -> tuple[Port, ...]:
        return tuple(self._port(name) for name in names)

    def _port(self, name: str) -> Port:
        tensor, alias = self.graph.tensors[name], self.graph.aliases.get(name)
        quant = tensor.quant
        one = quant is not None and quant.axis is None
        return Port(
            name=self.labels.get(name, name),
            tensor=name,
            alias=alias,
            shape=tensor.shape,
            dtype=self.survey.types.get(name, tensor.dtype.value),
            scale=quant.scale[0] if quant and one else None,
            zero_point=quant.zero_point[0] if quant and one else None,
            channels=len(quant.scale) if quant and not one else None,
            bytes=tensor.bytes,
        )


def _plain(value: Any) -> Any:
    """A value of an operator's attributes as JSON has it."""
    return value.name if isinstance(value, IntEnum) else value


def _obstacles(graph: Graph) -> SeatoolError | None:
    """The error that keeps a ``graph`` of supported operators from being compiled, as far as it is known by now."""
    try:
        if not is_float(graph):
            lines = list(_without_kernel(passes.optimize(graph)[0]))
            what = "cannot be compiled"
        else:
            lines = obstacles(passes.prepare(graph))
            what = "cannot be quantized to int8"
    except InputError as error:
        return error
    if not lines:
        return None
    return InputError("\n  ".join([f"{graph.name} {what}", *lines]), "supported operators: docs/operators.md")


def _without_kernel(graph: Graph) -> Iterator[str]:
    for op in graph.ops:
        operator = bind(op, graph)
        if not operator.is_view and not any(kernel.admits(operator).ok for kernel in operator.variants):
            reasons = "; ".join(f"{kernel.name}: {kernel.admits(operator).reason}" for kernel in operator.variants)
            yield f"{op.source or op.name}  {op.kind}: no kernel computes it ({reasons})"


def peak_bytes(graph: Graph) -> int:
    """The largest sum of activations that are needed at once while the operators run one by one.

    Views share the bytes of what they view; states are always there.
    """
    roots = {name: name for name in graph.sources}
    for op in graph.ops:
        family = operators().get(op.kind)
        is_view = family is not None and family.is_view
        roots |= {name: roots.get(op.inputs[0] or "", name) if is_view else name for name in op.outputs}
    for state in graph.states:
        roots[state.next] = roots[state.value]
    last = {roots[name]: step for step, op in enumerate(graph.ops) for name in op.inputs if name in roots}
    last |= dict.fromkeys((roots[name] for name in graph.sinks if name in roots), len(graph.ops))
    alive, peak = {roots[name] for name in graph.sources}, 0
    for step, op in enumerate(graph.ops):
        alive |= {roots[name] for name in op.outputs}
        peak = max(peak, sum(graph.tensors[name].bytes for name in alive))
        alive = {name for name in alive if last.get(name, step) > step}
    return peak
