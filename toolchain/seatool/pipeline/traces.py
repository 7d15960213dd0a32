"""The tensors of a network while it runs: taken from the firmware's traces, written to a folder, read back.

A *trace* is one tensor over several inferences. People call it by its label: the layer that makes it, numbered where
that makes several, or ``input`` (:func:`seatool.plan.labels.tensor_labels`); ``inspect`` prints the labels.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seatool import files, passes
from seatool.arrays import SUFFIXES, read_arrays
from seatool.emulate import Result
from seatool.errors import InputError
from seatool.ir import Array, Graph, Quantization
from seatool.kernels import operators
from seatool.pipeline.manifest import Layer
from seatool.plan.labels import tensor_labels

LISTING, RESULT = "tensors.json", "result.npz"
"""In a folder of traces: what they are, and what ``run`` gave."""
ALL = "all"
"""Asks for every tensor."""
INPUT = "INPUT"
"""Stands for the kind of the operator where a tensor is an input of the model."""
_SCHEMA = 1


@dataclass(frozen=True, eq=False)
class Trace:
    """A tensor over several inferences.

    Attributes:
        label: Its short name.
        tensor: Its name in the model's file.
        operator: Kind of the operator that makes it, or :data:`INPUT`; "" where that is not known.
        values: [inferences, *shape], of the tensor's type.
        quant: Per tensor; None where values are real numbers, or never were.
    """

    label: str
    tensor: str
    operator: str
    values: Array
    quant: Quantization | None = None

    def to_json(self) -> dict[str, Any]:
        """As docs/json.md has it."""
        return {
            "name": self.label,
            "tensor": self.tensor,
            "operator": self.operator,
            "file": f"{self.label}.npy",
            "dtype": str(self.values.dtype),
            "shape": list(self.values.shape[1:]),
            "scale": self.quant.scale[0] if self.quant else None,
            "zero_point": self.quant.zero_point[0] if self.quant else None,
        }


def traces_of(graph: Graph, values: Sequence[Mapping[str, Array]], names: Sequence[str]) -> tuple[Trace, ...]:
    """The tensors ``names`` of ``graph`` in ``values``, which has one mapping by tensor per inference."""
    labels = tensor_labels(graph)
    kinds = {name: op.kind for op in graph.ops for name in op.outputs}
    found = []
    for name in names:
        quant = graph.tensors[name].quant
        stacked = np.stack([np.asarray(one[name]) for one in values])
        quant = quant if quant is not None and quant.axis is None else None
        found.append(Trace(labels[name], name, kinds.get(name, INPUT), stacked, quant))
    return tuple(found)


@dataclass(frozen=True)
class Firmware:
    """Which tensors of ``graph``, the model as its file has it, exist in the firmware made of it.

    ``sources``: by tensor, in order, the traced tensor with its bytes, or the input or view that it is a view of.
    ``absent``: tensors that an inference computes elsewhere and that do not exist here.
    """

    graph: Graph
    sources: Mapping[str, str]
    absent: tuple[str, ...]
    layers: Sequence[Layer]

    @classmethod
    def of(cls, graph: Graph, layers: Sequence[Layer]) -> Firmware:
        """``layers``: the manifest's."""
        made = {passes.same_bytes(name): name for layer in layers for name in layer["outputs"]}
        made |= {name: name for layer in layers for name in layer["outputs"]}
        computed = [name for op in passes.optimize(graph, merge=False)[0].ops for name in op.outputs]
        sources = {name: name for name in graph.inputs}
        views = {op.outputs[0]: op.inputs[0] for op in graph.ops if operators()[op.kind].is_view}
        for name in computed:
            origin = views.get(name)
            if name in made:
                sources[name] = made[name]
            elif origin in sources:
                sources[name] = str(origin)
        return cls(graph, sources, tuple(name for name in computed if name not in sources), layers)

    def chosen(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """Tensors by labels, layers, aliases or their own names, in order; :data:`ALL` means all that exist.

        A state's name means its value after an inference.

        Raises InputError that names what is unknown or does not exist in the firmware.
        """
        labels = tensor_labels(self.graph)
        known: dict[str, set[str]] = {name: {name} for name in labels}
        for op in self.graph.ops:
            known[op.name] = {*op.outputs}
        for others in (labels, self.graph.aliases):
            for name, other in others.items():
                known[other] = {name}
        for state in self.graph.states:
            known[labels[state.value]] = known[state.value] = {state.next}
        known[ALL] = {*self.sources}
        if unknown := [text for text in wanted if text not in known]:
            close = difflib.get_close_matches(unknown[0], [ALL, *labels.values()])
            near = f"there is {', '.join(close)}; " if close else ""
            raise InputError(
                f"the model has no layer or tensor {', '.join(unknown)}", f"{near}`seatool inspect` lists all names"
            )
        names = {name for text in wanted for name in known[text]}
        if constant := [labels[name] for name in labels if name in names - self.sources.keys() - {*self.absent}]:
            raise InputError(f"{', '.join(constant)}: always the same, and computed while compiling", "leave it out")
        if missing := [name for name in self.absent if name in names]:
            lines = [f"  {labels[name]}: {self._fate(name)}" for name in missing]
            raise InputError(
                "\n".join(["the firmware does not have every tensor asked for", *lines]),
                "compile --unfused keeps every tensor",
            )
        return tuple(name for name in self.sources if name in names)

    def _fate(self, tensor: str) -> str:
        """Why a tensor does not exist."""
        op = self.graph.producer(tensor)
        for layer in self.layers:
            if op is not None and op.name in layer["operators"]:
                return f"lies inside the step {layer['name']}, which is computed at once"
        return "its layer was merged into others"

    def traces(self, run: Result, given: Sequence[Sequence[Array]] | None, names: Sequence[str]) -> tuple[Trace, ...]:
        """The tensors ``names`` in a traced ``run``.

        ``given``: the inputs of every inference; None where they are traced themselves, behind a front end.
        """
        return traces_of(self.graph, self.values(run, given), names)

    def values(self, run: Result, given: Sequence[Sequence[Array]] | None) -> list[dict[str, Array]]:
        """Every tensor that exists, for every inference."""
        result = []
        for index, traced in enumerate(run.traces):
            values = {} if given is None else dict(zip(self.graph.inputs, given[index], strict=True))
            for name, source in self.sources.items():
                tensor = self.graph.tensors[name]
                if source in traced:
                    values[name] = np.frombuffer(traced[source], tensor.dtype.numpy).reshape(tensor.shape)
                elif source != name:
                    values[name] = values[source].reshape(tensor.shape)
            result.append(values)
        return result


def check_folder(path: Path) -> None:
    """Raise InputError unless traces may be written to the folder ``path``: absent, empty, or older traces."""
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise InputError(f"{path} exists and is not a folder", "with --dump, -o names a folder")
    if path.is_dir() and any(path.iterdir()) and not (path / LISTING).is_file():
        raise InputError(f"{path} is not empty and holds no tensors of an earlier run", "choose another folder with -o")


def write(path: Path, traces: Sequence[Trace], absent: Sequence[str], result: Mapping[str, Array]) -> dict[str, Any]:
    """Write ``traces`` into the folder ``path``, replaced as a whole; returns what its ``tensors.json`` holds.

    ``absent``: labels of the tensors that do not exist. ``result``: what the run gave, for ``result.npz``.
    """
    check_folder(path)
    listing = {"schema": _SCHEMA, "tensors": [trace.to_json() for trace in traces], "absent": list(absent)}
    with files.replacing_folder(path) as staging:
        for trace in traces:
            np.save(staging / f"{trace.label}.npy", trace.values, allow_pickle=False)
        np.savez(staging / RESULT, allow_pickle=False, **result)
        files.write_text(staging / LISTING, json.dumps(listing, indent=2) + "\n")
    return listing


def read(path: Path) -> tuple[Trace, ...]:
    """The traces in a folder that :func:`write` made, in any other folder of .npy files, or in an .npz file.

    Without a listing tensors are called as their files or arrays, sorted in a folder, and the first axis counts
    inferences. Raises InputError where something is damaged, or there is nothing.
    """
    if path.is_dir() and (path / LISTING).is_file():
        if entries := _listing(path / LISTING)["tensors"]:
            return tuple(_listed(path, entry) for entry in entries)
        raise InputError(f"{path}: holds no tensors", "dump some with `run --dump all -o DIR`")
    found = sorted(file for file in path.iterdir() if file.suffix == ".npy") if path.is_dir() else [path]
    if not found:
        raise InputError(f"{path}: neither a project nor a folder of tensors", "`run --dump all -o DIR` writes one")
    arrays = {name: array for file in found for name, array in read_arrays(file).items()}
    for name, array in arrays.items():
        if array.ndim == 0 or array.dtype.kind not in "fiub":
            raise InputError(
                f"{path}: {name} is {array.dtype}{list(array.shape)}, not one array of numbers per inference"
            )
    return tuple(Trace(name, name, "", array) for name, array in arrays.items())


def absent(path: Path) -> tuple[str, ...]:
    """Labels of the tensors that a folder from :func:`write` does not have because they do not exist."""
    if not (path / LISTING).is_file():
        return ()
    return tuple(str(label) for label in _listing(path / LISTING).get("absent", ()))


def is_traces(path: Path) -> bool:
    """Whether ``path`` can only be read as traces, not as a model or a project."""
    return path.suffix in SUFFIXES or (path.is_dir() and not (path / "saved_model.pb").is_file())


def _listing(file: Path) -> dict[str, Any]:
    """What the file holds; its tensors are a list."""
    try:
        listing = json.loads(file.read_text(encoding="utf-8"))
        if listing["schema"] != _SCHEMA:
            raise InputError(f"{file}: schema {listing['schema']!r}, this seatool reads {_SCHEMA}", "dump them again")
        return {**listing, "tensors": list(listing["tensors"])}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{file}: damaged ({error})", "dump the tensors again") from None


def _listed(folder: Path, entry: Any) -> Trace:
    """The trace that an entry of the listing describes."""
    try:
        label, scale = str(entry["name"]), entry["scale"]
        file, tensor, operator = folder / Path(str(entry["file"])).name, str(entry["tensor"]), str(entry["operator"])
        quant = None if scale is None else Quantization.per_tensor(float(scale), int(entry["zero_point"]))
        shape = tuple(int(size) for size in entry["shape"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{folder / LISTING}: damaged ({error})", "dump the tensors again") from None
    (values,) = read_arrays(file).values()
    if values.shape[1:] != shape or values.dtype != entry.get("dtype"):
        raise InputError(f"{file}: {values.dtype}{list(values.shape)} is not what {LISTING} says", "dump it again")
    return Trace(label, tensor, operator, values, quant)
