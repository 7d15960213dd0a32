"""Model files in: ``load`` finds out what a file is and returns its graph; ``survey`` also where it is not supported.

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
from seatool.importers.surveys import Survey
from seatool.ir import Graph

__all__ = ["Survey", "load", "survey"]

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
    graph = survey(path).accepted()
    return graph if name is None else replace(graph, name=identifier(name, "model"))


def survey(path: str | Path) -> Survey:
    """As :func:`load`, but what is not supported is reported, not raised."""
    path = Path(path)
    return _survey_folder(path) if path.is_dir() else _survey_bytes(path, _contents(path))


def _survey_folder(path: Path) -> Survey:
    if not (path / "saved_model.pb").is_file():
        raise InputError(f"{path}: a folder, but not a SavedModel (it has no saved_model.pb)", _KINDS)
    from seatool.importers.converted import survey_saved_model

    return survey_saved_model(path, path.name)


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


def _survey_bytes(path: Path, data: bytes) -> Survey:
    suffixes = path.name.lower().split(".")[1:]
    if data[4:8] == b"TFL3" or "tflite" in suffixes:
        from seatool.importers import tflite

        return tflite.survey(data, path.name)
    if data[:2] == b"PK" or "keras" in suffixes:
        from seatool.importers.converted import survey_keras

        return _with_suffix(path, data, ".keras", survey_keras)
    if data[:4] == b"\x89HDF" or data[:2] == b"\x1f\x8b" or {"h5", "hdf5"} & set(suffixes):
        return _survey_hdf5(path, data)
    raise InputError(f"{path.name}: not a model file of a known type", _KINDS)


def _survey_hdf5(path: Path, data: bytes) -> Survey:
    from seatool.importers.keras import legacy
    from seatool.importers.keras.hdf5 import KerasFile, unpack

    plain = unpack(data, path.name)
    file = KerasFile(plain, path.name)
    if file.keras_version.startswith("3"):
        from seatool.importers.converted import survey_keras

        return _with_suffix(path, plain, ".h5", survey_keras)
    if file.keras_version.startswith("1"):
        raise InputError(f"{path.name}: written by Keras {file.keras_version}", "load and save it with Keras 2 first")
    return legacy.survey(file)


def _with_suffix(path: Path, data: bytes, suffix: str, read: Callable[[Path, str], Survey]) -> Survey:
    """Keras goes by the file's ending: give it a copy that has the right one."""
    if path.suffix == suffix:
        return read(path, path.name)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / f"model{suffix}"
        copy.write_bytes(data)
        return read(copy, path.name)
