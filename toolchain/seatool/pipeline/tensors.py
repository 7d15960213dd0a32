"""Input tensors from files, packed as the firmware takes them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seatool.arrays import as_float32, read_examples
from seatool.errors import InputError
from seatool.ir import Array, DType, Graph, Tensor, quantize_values

Source = Path | Mapping[str, Path]
"""One file with all inputs, or a file for each input by its name or alias."""


@dataclass(frozen=True)
class Inputs:
    """Inputs of a model: ``examples``, each a tuple in the order of ``graph.inputs``, of the tensors' types.

    ``quantized``: a phrase on each input whose file held floating-point values that were quantized.
    """

    examples: list[tuple[Array, ...]]
    quantized: tuple[str, ...]


def load_tensors(source: Source, graph: Graph) -> list[tuple[Array, ...]]:
    """The examples of :func:`load_inputs`."""
    return load_inputs(source, graph).examples


def load_inputs(source: Source, graph: Graph) -> Inputs:
    """The model inputs in .npy or .npz files.

    How a file is laid out: :func:`seatool.arrays.read_examples`. Floats are quantized with the input's scale; other
    values must be of the input's type.

    Raises:
        InputError: A file is unusable or does not fit its input; of several files all that do not are named.
    """
    quantized: dict[str, str] = {}

    def convert(file: Path, values: Array, tensor: Tensor) -> Array:
        if values.dtype.kind == "f" and tensor.quant is not None:
            how = f"{values.dtype} to {tensor.dtype.value} (scale {tensor.scale:g}, zero point {tensor.zero_point})"
            quantized[tensor.name] = f"{graph.aliases.get(tensor.name, tensor.name)} from {how}"
        return _stored(file, values, tensor)

    return Inputs(read_inputs(source, graph, convert), tuple(quantized.values()))


def read_inputs(
    source: Source, graph: Graph, convert: Callable[[Path, Array, Tensor], Array] = lambda file, values, tensor: values
) -> list[tuple[Array, ...]]:
    """The examples in ``source``, each array as ``convert`` gives it; errors as :func:`load_inputs`."""
    tensors = [graph.tensors[name] for name in graph.inputs]
    if isinstance(source, Path):
        rows = read_examples(source, tensors, graph.aliases)
        return [tuple(convert(source, v, t) for v, t in zip(row, tensors, strict=True)) for row in rows]
    files = [_file_of(tensor, source, graph) for tensor in tensors]
    columns: list[list[Array]] = []
    errors: list[InputError] = []
    for tensor, file in zip(tensors, files, strict=True):
        try:
            columns.append([convert(file, v, tensor) for (v,) in read_examples(file, [tensor], graph.aliases)])
        except InputError as error:
            errors.append(error)
    if errors:
        raise InputError("\n".join(error.message for error in errors), errors[0].hint)
    if len({len(column) for column in columns}) > 1:
        counts = ", ".join(f"{file}: {len(column)}" for file, column in zip(files, columns, strict=True))
        raise InputError(f"the files hold different numbers of examples ({counts})")
    return list(zip(*columns, strict=True))


def _file_of(tensor: Tensor, source: Mapping[str, Path], graph: Graph) -> Path:
    """The file for one input; InputError where the names given are not those of the inputs."""
    names = [graph.aliases.get(name, name) for name in graph.inputs]
    known = {*names, *graph.inputs}
    if unknown := sorted(name for name in source if name not in known):
        raise InputError(f"the model has no input called {', '.join(unknown)}", f"its inputs are {', '.join(names)}")
    own = [source[name] for name in (graph.aliases.get(tensor.name, tensor.name), tensor.name) if name in source]
    if not own:
        missing = [name for name, full in zip(names, graph.inputs, strict=True) if not {name, full} & source.keys()]
        raise InputError(
            f"nothing is given for the model's input {', '.join(missing)}", f"add --input {missing[0]}=FILE.npy"
        )
    return own[0]


def _stored(path: Path, values: Array, tensor: Tensor) -> Array:
    """``values`` in the element type of ``tensor``."""
    if values.dtype == tensor.dtype.numpy:
        return values
    if values.dtype.kind != "f":
        raise InputError(
            f"{path}: {values.dtype} values for input {tensor.name}, which is {tensor.dtype.value}",
            f"save {tensor.dtype.value} or floating-point values",
        )
    if tensor.dtype is DType.FLOAT32:
        return as_float32(path, values)
    if tensor.quant is None or tensor.dtype is DType.BOOL:
        raise InputError(f"{path}: input {tensor.name} is {tensor.dtype.value} without a scale; pass that type")
    return quantize_values(values, tensor.quant, tensor.dtype)


def pack(inputs: Sequence[Array]) -> bytes:
    """The inputs one after the other, as the harness reads them."""
    return b"".join(np.ascontiguousarray(array).tobytes() for array in inputs)


def unpack(data: bytes, tensors: Sequence[Tensor]) -> list[Array]:
    """The arrays of ``tensors`` laid one after the other in ``data``."""
    arrays, offset = [], 0
    for tensor in tensors:
        count = math.prod(tensor.shape)
        arrays.append(np.frombuffer(data, tensor.dtype.numpy, count, offset).reshape(tensor.shape))
        offset += tensor.bytes
    return arrays
