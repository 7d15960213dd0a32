"""Model files in: ``load`` finds out what a file is and returns its graph.

| file | read by |
|---|---|
| ``.tflite`` | :mod:`seatool.importers.tflite` |
| ``.h5``, ``.h5.gz`` of Keras 2 | :mod:`seatool.importers.keras` |
| ``.h5`` and ``.keras`` of Keras 3, SavedModel folders | :mod:`seatool.importers.converted`, with TensorFlow |
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from seatool.errors import InputError
from seatool.importers.names import identifier
from seatool.ir import Graph

__all__ = ["load"]

_KINDS = "known are .tflite, .h5, .h5.gz, .keras and SavedModel folders"
_LARGEST = 1 << 30


def load(path: str | Path, name: str | None = None) -> Graph:
    """The graph of a model file; what it is is decided by its contents.

    Args:
        path: A file or a SavedModel folder.
        name: The graph's name; by default made from the file's.

    Raises:
        InputError: The file is missing, damaged, of unknown type, or holds what is not supported.
        ToolError: TensorFlow is needed but not installed.
    """
    path = Path(path)
    graph = _load_folder(path) if path.is_dir() else _load_bytes(path, _contents(path))
    return graph if name is None else replace(graph, name=identifier(name, "model"))


def _load_folder(path: Path) -> Graph:
    if not (path / "saved_model.pb").is_file():
        raise InputError(f"{path.name}: a folder, but not a SavedModel (it has no saved_model.pb)", _KINDS)
    from seatool.importers.converted import read_saved_model

    return read_saved_model(path, path.name)


def _contents(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"{path.name}: larger than {_LARGEST >> 30} GB, no model for a microcontroller")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if not data:
        raise InputError(f"{path.name}: the file is empty")
    return data


def _load_bytes(path: Path, data: bytes) -> Graph:
    suffixes = path.name.lower().split(".")[1:]
    if data[4:8] == b"TFL3" or "tflite" in suffixes:
        from seatool.importers import tflite

        return tflite.read(data, path.name)
    if data[:2] == b"PK" or "keras" in suffixes:
        from seatool.importers.converted import read_keras

        return _with_suffix(path, data, ".keras", read_keras)
    if data[:4] == b"\x89HDF" or data[:2] == b"\x1f\x8b" or {"h5", "hdf5"} & set(suffixes):
        return _load_hdf5(path, data)
    raise InputError(f"{path.name}: not a model file of a known type", _KINDS)


def _load_hdf5(path: Path, data: bytes) -> Graph:
    from seatool.importers.keras import legacy
    from seatool.importers.keras.hdf5 import KerasFile, unpack

    plain = unpack(data, path.name)
    file = KerasFile(plain, path.name)
    if file.keras_version.startswith("3"):
        from seatool.importers.converted import read_keras

        return _with_suffix(path, plain, ".h5", read_keras)
    if file.keras_version.startswith("1"):
        raise InputError(f"{path.name}: written by Keras {file.keras_version}", "load and save it with Keras 2 first")
    return legacy.read(file)


def _with_suffix(path: Path, data: bytes, suffix: str, read: Callable[[Path, str], Graph]) -> Graph:
    """Keras goes by the file's ending: give it a copy that has the right one."""
    if path.suffix == suffix:
        return read(path, path.name)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / f"model{suffix}"
        copy.write_bytes(data)
        return read(copy, path.name)
