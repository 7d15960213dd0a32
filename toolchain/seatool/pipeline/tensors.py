"""Input tensors from files, packed as the firmware takes them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from seatool.errors import InputError
from seatool.ir import Array, DType, Graph, Tensor


def load_tensors(path: Path, graph: Graph) -> list[tuple[Array, ...]]:
    """The model inputs in an .npy or .npz file, each a tuple in the order of ``graph.inputs``.

    A model with one input takes an .npy; several inputs come as an .npz with the inputs' names (or in order). Arrays
    have the input's shape, or one more axis in front for several inputs. Floats are quantized with the input's scale;
    integers must be of the input's type.
    """
    arrays = _read(path, graph)
    batches = [_batch(path, array, graph.tensors[name]) for array, name in zip(arrays, graph.inputs, strict=True)]
    if len({len(batch) for batch in batches}) != 1:
        raise InputError(f"{path}: the inputs hold different numbers of examples")
    return list(zip(*batches, strict=True))


def _read(path: Path, graph: Graph) -> list[Array]:
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    try:
        content = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"{path}: not a readable .npy or .npz file ({error})") from None
    if isinstance(content, np.ndarray):
        arrays = [content]
    elif set(graph.inputs) <= set(content.files):
        arrays = [content[name] for name in graph.inputs]
    else:
        arrays = [content[name] for name in content.files]
    if len(arrays) != len(graph.inputs):
        raise InputError(
            f"{path}: holds {len(arrays)} arrays, the model has {len(graph.inputs)} inputs",
            f"save an .npz with the names {', '.join(graph.inputs)}",
        )
    return arrays


def _batch(path: Path, array: Array, tensor: Tensor) -> list[Array]:
    if tensor.shape == array.shape:
        array = array[np.newaxis]
    elif array.shape[1:] != tensor.shape and array.shape[1:] != tensor.shape[1:]:
        raise InputError(
            f"{path}: shape {list(array.shape)} does not match input {tensor.name} {list(tensor.shape)}",
            "pass one example, or several along a new first axis",
        )
    return [quantize_input(path, example.reshape(tensor.shape), tensor) for example in array]


def quantize_input(path: Path, values: Array, tensor: Tensor) -> Array:
    """``values`` in the element type of ``tensor``; floats are quantized (half away from zero, saturating)."""
    if values.dtype == tensor.dtype.numpy:
        return np.ascontiguousarray(values)
    if values.dtype.kind != "f":
        raise InputError(f"{path}: {values.dtype} values for input {tensor.name}, which is {tensor.dtype.value}")
    if not np.isfinite(values).all():
        raise InputError(f"{path}: contains NaN or infinity")
    if tensor.dtype is DType.FLOAT32:
        return values.astype(np.float32)
    if tensor.quant is None:
        raise InputError(f"{path}: input {tensor.name} is {tensor.dtype.value} without a scale; pass that type")
    info = np.iinfo(tensor.dtype.numpy)
    scaled = values.astype(np.float64) / tensor.scale
    rounded = np.copysign(np.floor(np.abs(scaled) + 0.5), scaled) + tensor.zero_point
    saturated: Array = np.clip(rounded, info.min, info.max)
    return saturated.astype(tensor.dtype.numpy)


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
