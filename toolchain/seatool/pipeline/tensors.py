"""Input tensors from files, packed as the firmware takes them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from seatool.arrays import as_float32, read_examples
from seatool.errors import InputError
from seatool.ir import Array, DType, Graph, Tensor, quantize_values


def load_tensors(path: Path, graph: Graph) -> list[tuple[Array, ...]]:
    """The model inputs in an .npy or .npz file, each a tuple in the order of ``graph.inputs``.

    How the file is laid out: :func:`seatool.arrays.read_examples`. Floats are quantized with the input's scale; other
    values must be of the input's type.

    Raises:
        InputError: The file is unusable or does not fit the inputs.
    """
    tensors = [graph.tensors[name] for name in graph.inputs]
    examples = read_examples(path, tensors, graph.aliases)
    return [tuple(_stored(path, value, t) for value, t in zip(example, tensors, strict=True)) for example in examples]


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
