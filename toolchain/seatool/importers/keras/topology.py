"""From model_config to the layers in execution order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Any

from seatool.errors import InputError
from seatool.importers.keras.config import Layer

Key = tuple[str, int]


@dataclass(frozen=True)
class Topology:
    """The nodes of a model in execution order, and which of them are its inputs and outputs, in the model's order."""

    nodes: list[Layer]
    inputs: list[Key]
    outputs: list[Key]


def topology(config: Mapping[str, Any], file: str) -> Topology:
    """The layers of a Sequential or functional model.

    Raises:
        InputError: The description is damaged, cyclic, or of a model that is neither.
    """
    kind = config.get("class_name")
    if kind == "Sequential":
        return _sequential(config["config"], file)
    if kind in ("Model", "Functional"):
        return _functional(config["config"], file)
    raise InputError(
        f"{file}: the model is a {kind!r}, not Sequential or functional",
        "subclassed models keep their structure in Python code: export them with TFLiteConverter",
    )


def _damaged(file: str, what: str) -> InputError:
    return InputError(f"{file}: the model's description (model_config) is damaged: {what}")


def _layers(config: Any, file: str) -> Iterator[tuple[str, str, Mapping[str, Any], Mapping[str, Any]]]:
    """Class, name, settings and the whole entry of each layer."""
    entries = config.get("layers") if isinstance(config, dict) else config
    if not isinstance(entries, list) or not entries:
        raise _damaged(file, "it has no list of layers")
    for number, entry in enumerate(entries):
        settings = entry.get("config") if isinstance(entry, dict) else None
        if not isinstance(settings, dict) or not isinstance(entry.get("class_name"), str):
            raise _damaged(file, f"layer {number} has no class or no settings")
        name = entry.get("name", settings.get("name"))
        if not isinstance(name, str) or not name:
            raise _damaged(file, f"layer {number} has no name")
        yield entry["class_name"], name, settings, entry


def _sequential(config: Any, file: str) -> Topology:
    nodes: list[Layer] = []
    for kind, name, settings, _ in _layers(config, file):
        if not nodes and kind != "InputLayer":
            nodes.append(Layer(file, "InputLayer", f"{name}_input", settings))
        nodes.append(Layer(file, kind, name, settings, inputs=(nodes[-1].key,) if nodes else ()))
    return Topology(nodes, [nodes[0].key], [nodes[-1].key])


def _functional(config: Any, file: str) -> Topology:
    if not isinstance(config, dict):
        raise _damaged(file, "a functional model's config is an object")
    nodes: dict[Key, Layer] = {}
    for kind, name, settings, entry in _layers(config, file):
        calls = entry.get("inbound_nodes") or [[]]
        if not isinstance(calls, list):
            raise _damaged(file, f"layer {name!r}: inbound_nodes is not a list")
        for number, call in enumerate(calls):
            sources = tuple(_reference(source, file) for source in _call_inputs(call, name, file))
            nodes[name, number] = Layer(file, kind, name, settings, number, sources)
    outputs = _references(config.get("output_layers"), file)
    order = _ordered(nodes, outputs, file)
    entries = {node.key for node in order if node.kind == "InputLayer"}
    inputs = [key for key in _references(config.get("input_layers"), file) if key in entries]
    if set(inputs) != entries:
        raise _damaged(file, "its list of inputs is not complete")
    return Topology(order, inputs, outputs)


def _references(value: Any, file: str) -> list[Key]:
    """The model's inputs or outputs; a single one may be written as one flat reference."""
    if not isinstance(value, list) or not value:
        raise _damaged(file, "it names no input or output layers")
    return [_reference(item, file) for item in ([value] if isinstance(value[0], str) else value)]


def _call_inputs(call: Any, name: str, file: str) -> list[Any]:
    if not isinstance(call, list):
        raise _damaged(file, f"layer {name!r}: its inputs are {call!r}")
    return [call] if call and isinstance(call[0], str) else call


def _reference(reference: Any, file: str) -> Key:
    """[layer, node, tensor, ...] -> (layer, node)."""
    if not isinstance(reference, list) or len(reference) < 3 or not isinstance(reference[0], str):
        raise _damaged(file, f"{reference!r} is no reference to a layer")
    if type(reference[1]) is not int or reference[2] != 0:
        raise _damaged(file, f"{reference!r}: only layers with one output are supported")
    return reference[0], reference[1]


def _ordered(nodes: dict[Key, Layer], outputs: list[Key], file: str) -> list[Layer]:
    """The nodes that the outputs need, each after its inputs, otherwise in the file's order."""
    needed: dict[Key, int] = {}
    queue = list(outputs)
    while queue:
        key = queue.pop()
        if key not in nodes:
            raise _damaged(file, f"layer {key[0]!r} (use {key[1]}) is referred to but does not exist")
        if key not in needed:
            needed[key] = len(set(nodes[key].inputs))
            queue.extend(nodes[key].inputs)
    readers: dict[Key, list[Key]] = {}
    for key in nodes:
        for source in set(nodes[key].inputs) if key in needed else ():
            readers.setdefault(source, []).append(key)
    position = {key: number for number, key in enumerate(nodes)}
    ready = [position[key] for key, count in needed.items() if count == 0]
    heapify(ready)
    keys, order = list(nodes), []
    while ready:
        key = keys[heappop(ready)]
        order.append(nodes[key])
        for reader in readers.get(key, ()):
            needed[reader] -= 1
            if needed[reader] == 0:
                heappush(ready, position[reader])
    if len(order) < len(needed):
        stuck = next(key[0] for key in nodes if needed.get(key, 0) > 0)
        raise _damaged(file, f"the layers form a cycle at {stuck!r}")
    return order
