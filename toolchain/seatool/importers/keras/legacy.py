"""Read a Keras 2.x .h5 file (or .h5.gz) without Keras: description and weights to a float graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from seatool.audio.log_mel import LogMel
from seatool.errors import InputError
from seatool.importers.keras import frontend
from seatool.importers.keras.config import Layer
from seatool.importers.keras.emitter import Emitter
from seatool.importers.keras.hdf5 import KerasFile
from seatool.importers.keras.layers import CONVERTERS, limits
from seatool.importers.keras.topology import Key, Topology, topology
from seatool.importers.surveys import Survey
from seatool.ir import Graph


def read(file: KerasFile) -> Graph:
    """The float graph of a model; its audio layers become ``graph.frontend``.

    Raises:
        InputError: The file is damaged, or the model uses what is not supported (all of it is listed).
    """
    return survey(file).accepted()


def survey(file: KerasFile) -> Survey:
    """As :func:`read`, but what is not supported is reported, not raised; there is no graph then."""
    model = topology(file.model_config(), file.name)
    problems = _problems(model)
    if not problems:
        return Survey(_Reader(file, model).graph())
    layers = {layer.name: layer.kind for layer in model.nodes}
    reasons = {name: tuple(found) for (name, _), found in problems.items()}
    return Survey(None, _refusal(file, problems), reasons, layers=tuple(layers.items()))


def _problems(model: Topology) -> dict[tuple[str, str], list[str]]:
    """Why layers are not supported, by name and kind."""
    problems: dict[tuple[str, str], list[str]] = {}
    for layer in model.nodes:
        if layer.kind == frontend.KIND:
            found = list(frontend.limits(layer))
        elif layer.kind in CONVERTERS:
            found = list(limits(layer))
        else:
            found = [] if layer.kind == "InputLayer" else [""]
        if found:
            problems[layer.name, layer.kind] = found
    return problems


def _refusal(file: KerasFile, problems: Mapping[tuple[str, str], Sequence[str]]) -> InputError:
    width = max(len(name) for name, _ in problems)
    lines = [
        f"  {name:<{width}}  {kind}" + (f": {problem}" if problem else "")
        for (name, kind), found in problems.items()
        for problem in found
    ]
    noun = "layers are" if len(problems) > 1 else "layer is"
    return InputError(
        "\n".join([f"{file.name}: {len(problems)} {noun} not supported", *lines]),
        "supported layers: docs/importing.md; or convert the model with TFLiteConverter and compile the .tflite",
    )


class _Reader:
    def __init__(self, file: KerasFile, model: Topology) -> None:
        self.file = file
        self.model = model
        self.emit = Emitter()
        self.values: dict[Key, str] = {}
        self.inputs: dict[Key, str] = {}
        self.log_mel: LogMel | None = None
        self.readers = Counter(source for layer in model.nodes for source in layer.inputs)
        self.readers.update(model.outputs)

    def graph(self) -> Graph:
        nodes = self._behind_front_end()
        for layer in nodes:
            if layer.kind == "InputLayer":
                self.inputs[layer.key] = self.values[layer.key] = self.emit.input(
                    layer, layer.name, (1, *_input_shape(layer))
                )
            else:
                sources = [self.values[key] for key in layer.inputs]
                weights = self.file.weights(layer.name)
                self.values[layer.key] = CONVERTERS[layer.kind](self.emit, layer, sources, weights)
        outputs = [self.values[key] for key in self.model.outputs]
        inputs = [self.inputs[key] for key in self.model.inputs]
        if set(outputs) & set(inputs) or len(set(outputs)) < len(outputs):
            raise InputError(f"{self.file.name}: an output of the model is computed by no layer, or named twice")
        return self.emit.graph(self.file.name, inputs, outputs, self.log_mel)

    def _behind_front_end(self) -> list[Layer]:
        """The layers that stay, after the audio layers at the input (if any) have become ``log_mel``."""
        nodes = self.model.nodes
        if not any(layer.kind == frontend.KIND for layer in nodes):
            return nodes
        if len(self.model.inputs) != 1 or len(nodes) < 2 or nodes[1].kind != frontend.KIND:
            spectrogram = next(layer for layer in nodes if layer.kind == frontend.KIND)
            spectrogram.fail("only one input with the spectrogram right behind it is supported")
        sound, last = nodes[0], nodes[1]
        log_mel = frontend.front_end(last, self.file.weights(last.name), _input_shape(sound))
        folded = 2
        while (
            len(nodes) > folded and nodes[folded].kind.startswith("BatchNormalization") and self.readers[last.key] == 1
        ):
            last = nodes[folded]
            log_mel = frontend.normalized(log_mel, last, self.file.weights(last.name))
            folded += 1
        self.log_mel = log_mel
        features = self.emit.input(last, "log_mel", (1, *log_mel.shape))
        self.values[last.key] = self.inputs[sound.key] = features
        return nodes[folded:]


def _input_shape(layer: Layer) -> tuple[int, ...]:
    """Shape without the batch."""
    raw = layer.raw("batch_input_shape", layer.raw("batch_shape"))
    if not isinstance(raw, list) or len(raw) < 2:
        layer.fail("the file does not say the shape of the model's input")
    if any(d is None for d in raw[1:]):
        layer.fail(f"its shape {raw[1:]} is open", "give the model a fixed input shape before saving it")
    if raw[0] not in (None, 1) or any(type(d) is not int or not 0 < d <= 1 << 24 for d in raw[1:]):
        layer.fail(f"its shape {raw} is not possible")
    return tuple(raw[1:])
