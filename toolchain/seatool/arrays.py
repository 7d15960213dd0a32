"""Model inputs from .npy and .npz files: what they hold is checked before anything is computed with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seatool.errors import InputError
from seatool.ir import Array, DType, Tensor

SUFFIXES = (".npy", ".npz")

_NPY, _NPZ = b"\x93NUMPY", (b"PK\x03\x04", b"PK\x05\x06")
_LARGEST = 4 << 30
"""Bytes of all arrays of one file."""


def read_examples(
    file: Path, inputs: Sequence[Tensor], aliases: Mapping[str, str] | None = None
) -> list[tuple[Array, ...]]:
    """The examples in a file, each with one array per model input, of its shape, in native byte order and finite.

    An .npz holds one array per input under the input's name or its alias, or as many unnamed arrays in the order of the
    inputs; a model with one input takes a single array of any name. An array holds one example, or several along a new
    first axis; a leading 1 of the input's shape may be left out of them.

    Args:
        file: An .npy or .npz file.
        inputs: The model's inputs.
        aliases: Other names of theirs.

    Raises:
        InputError: The file cannot be read, does not fit the inputs, or holds what is no (finite) number.
    """
    arrays = _matched(file, read_arrays(file), inputs, aliases or {})
    columns = [_examples(file, array, tensor) for array, tensor in zip(arrays, inputs, strict=True)]
    if len({len(column) for column in columns}) > 1:
        raise InputError(f"{file}: the arrays hold different numbers of examples: {[len(c) for c in columns]}")
    return list(zip(*columns, strict=True))


def read_arrays(file: Path) -> dict[str, Array]:
    """The arrays of an .npz file by name; the one of an .npy file under the file's name without suffix.

    Raises:
        InputError: It is no such file, damaged, or larger than memory allows.
    """
    if not file.is_file():
        raise InputError(f"{file}: there is no such file")
    try:
        with file.open("rb") as stream:
            magic = stream.peek(len(_NPY))
            if not magic.startswith((_NPY, *_NPZ)):
                raise ValueError("it begins with neither's signature")
            arrays = _members(np.load(stream, allow_pickle=False), file)
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(f"{file}: the arrays do not fit into memory") from error
    except Exception as error:  # numpy and zipfile raise almost anything on damaged files
        hint = "numpy.save and numpy.savez write them"
        raise InputError(f"{file}: not a readable .npy or .npz file ({error})", hint) from error
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):
            raise InputError(f"{file}: {name} is not an array")
    return arrays


def _members(content: Any, file: Path) -> dict[str, Any]:
    """What numpy found in ``file``, by name."""
    if isinstance(content, np.ndarray):
        return {file.stem: content}
    with content:
        if sum(member.file_size for member in content.zip.infolist()) > _LARGEST:
            raise InputError(f"{file}: unpacks to more than {_LARGEST >> 30} GB")
        return {name: content[name] for name in content.files}


def as_float32(file: Path, values: Array) -> Array:
    """``values``, which are finite, in float32; InputError where one is too large."""
    with np.errstate(over="ignore"):
        converted = values.astype(np.float32)
    if not np.isfinite(converted).all():
        raise InputError(f"{file}: holds values beyond float32")
    return converted


def _matched(
    file: Path, arrays: Mapping[str, Array], inputs: Sequence[Tensor], aliases: Mapping[str, str]
) -> list[Array]:
    """One array per input."""
    short = {tensor.name: aliases.get(tensor.name, tensor.name) for tensor in inputs}
    found = {name: arrays[key] for name, alias in short.items() for key in (alias, name) if key in arrays}
    missing = [alias for name, alias in short.items() if name not in found]
    if not missing:
        return [found[tensor.name] for tensor in inputs]
    unnamed = [f"arr_{index}" for index in range(len(inputs))]
    if len(arrays) == len(inputs) == 1 or [*arrays] == unnamed:
        return list(arrays.values())
    raise InputError(
        f"{file}: holds {', '.join(arrays) or 'nothing'}, but nothing for the model's input {', '.join(missing)}",
        "save one array per model input under the input's name: np.savez(file, **{name: array})",
    )


def _examples(file: Path, array: Array, tensor: Tensor) -> Array:
    """``array`` as [n, *tensor.shape] with n of at least 1."""
    if array.dtype.kind not in ("fiub" if tensor.dtype is DType.BOOL else "fiu"):
        raise InputError(f"{file}: holds {array.dtype}, not numbers")
    shape = tensor.shape
    if array.shape == shape:
        stacked = array[np.newaxis]
    elif array.ndim and array.shape[1:] == shape:
        stacked = array
    elif array.ndim and shape[:1] == (1,) and array.shape[1:] == shape[1:]:
        stacked = array[:, np.newaxis]
    else:
        raise InputError(
            f"{file}: shape {list(array.shape)} does not fit the model's input {tensor.name} {list(shape)}",
            f"save one example of shape {list(shape)}, or several along a new first axis",
        )
    if not len(stacked):
        raise InputError(f"{file}: the array is empty")
    if not np.isfinite(stacked).all():
        raise InputError(f"{file}: holds NaN or infinity")
    return stacked.astype(stacked.dtype.newbyteorder("="), copy=False)
