"""The file: an HDF5 container, maybe gzipped, with the model's JSON description and one group of weights per layer."""

from __future__ import annotations

import gzip
import io
import json
import math
import zlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np

from seatool.errors import InputError
from seatool.ir import Array
from seatool.isolate import Limits, Message, ProcessDiedError, Worker

_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_GZIP_MAGIC = b"\x1f\x8b"
_LARGEST = 1 << 29
"""Bytes of an unpacked file and of all weights: far above any model for a microcontroller."""

LIMITS = Limits(cpu_s=20, memory_bytes=4 << 30, answer_s=600)
"""For the process that reads the file; one of 20 MB takes 0.3 s of processor time."""

T = TypeVar("T")

Weights = list[tuple[str, Array]]
"""Names and values of one layer's weights."""


def unpack(data: bytes, name: str) -> bytes:
    """``data`` without its gzip layer, if it has one.

    Raises:
        InputError: It is cut off, damaged or unreasonably large.
    """
    if data[:2] != _GZIP_MAGIC:
        return data
    plain = bytearray()
    try:
        with gzip.open(io.BytesIO(data)) as stream:
            while piece := stream.read(1 << 20):
                plain += piece
                if len(plain) > _LARGEST:
                    raise InputError(f"{name}: unpacks to more than {_LARGEST >> 20} MB")
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{name}: the gzip data is damaged or cut off ({error})", "download the file again") from error
    return bytes(plain)


class KerasFile:
    """The contents of a Keras .h5 file.

    Args:
        data: The whole file, not gzipped.
        name: How error messages call it.

    Raises:
        InputError: It is no HDF5 file or a damaged one.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self.name = name
        if data[:8] != _HDF5_MAGIC:
            raise InputError(f"{name}: not an HDF5 file", "Keras writes one with model.save('name.h5')")
        # Flipped bits send the HDF5 library into endless loops.
        with Worker(f"{__name__}:serve", LIMITS) as worker:
            try:
                answer = worker.call(Message({"name": name}, [np.frombuffer(data, np.uint8)]))
            except ProcessDiedError as died:
                raise InputError(f"{name}: the HDF5 library fails on it: {died}", "the file is damaged") from died
        arrays = iter(answer.arrays)
        self.keras_version: str = answer.fields["version"]
        self._description: str = answer.fields["description"]
        self._weights = {
            layer: [(weight, next(arrays)) for weight in weights] for layer, weights in answer.fields["layers"].items()
        }

    def model_config(self) -> dict[str, Any]:
        """The model's description.

        Raises:
            InputError: There is none (the file has weights only), or it is no JSON object.
        """
        if not self._description:
            raise InputError(
                f"{self.name}: holds weights only, without the model's description",
                "save the whole model: model.save(...), not model.save_weights(...)",
            )
        try:
            config = json.loads(self._description)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{self.name}: the model's description (model_config) is damaged: {error}") from error
        if not isinstance(config, dict) or not isinstance(config.get("config"), (dict, list)):
            raise InputError(f"{self.name}: the model's description (model_config) is not one of a Keras model")
        return config

    def weights(self, layer: str) -> Weights:
        """Names (without scope) and float32 values of a layer's weights, in the layer's own order."""
        return self._weights.get(layer, [])


def serve(requests: Iterator[Message]) -> Iterator[Message]:
    """The service that opens the files: name and bytes of one in, version, description and weights out."""
    for request in requests:
        file = _Hdf5(request.arrays[0].tobytes(), request.fields["name"])
        version, description, layers = file.contents()
        names = {layer: [name for name, _ in weights] for layer, weights in layers.items()}
        values = [value for weights in layers.values() for _, value in weights]
        yield Message({"version": version, "description": description, "layers": names}, values)


class _Hdf5:
    """Takes everything we want out of the file at once."""

    def __init__(self, data: bytes, name: str) -> None:
        self.data = data
        self.name = name
        self.size = 0

    def contents(self) -> tuple[str, str, dict[str, Weights]]:
        """Keras' version, the model's description, the weights by layer (none of Keras 3, which we do not need)."""
        import h5py

        file = self._checked(lambda: h5py.File(h5py.h5f.open_file_image(self.data)), "the file")
        version, description = (self._attribute(file, key) for key in ("keras_version", "model_config"))
        if version.startswith("3") or not description:
            return version, description, {}
        groups = self._checked(lambda: dict(file.get("model_weights", {})), "the weights")
        return version, description, {layer: self._weights(layer, group) for layer, group in groups.items()}

    def _attribute(self, file: Any, name: str) -> str:
        value = self._checked(lambda: file.attrs.get(name, ""), f"attribute {name!r}")
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

    def _weights(self, layer: str, group: Any) -> Weights:
        where = f"the weights of layer {layer!r}"
        return self._checked(lambda: [self._weight(group, path, where) for path in _weight_names(group)], where)

    def _weight(self, group: Any, path: str, where: str) -> tuple[str, Array]:
        dataset = group[path]
        self.size += math.prod(dataset.shape) * dataset.dtype.itemsize
        if self.size > _LARGEST:
            raise InputError(f"{self.name}: {where}: {path} has shape {dataset.shape}, which is too large")
        if dataset.dtype.kind != "f":
            raise InputError(f"{self.name}: {where}: {path} holds {dataset.dtype}, not floating-point numbers")
        value = np.asarray(dataset[()], np.float32)
        if not np.isfinite(value).all():
            raise InputError(f"{self.name}: {where}: {path} holds NaN or infinite values")
        return path.split("/")[-1].split(":")[0], value

    def _checked(self, read: Callable[[], T], what: str) -> T:
        """``read()``, with what h5py raises on damaged files turned into an InputError."""
        try:
            return read()
        except (OSError, LookupError, ArithmeticError, RuntimeError, ValueError, TypeError, AttributeError) as error:
            detail = str(error).strip("'\"")
            raise InputError(f"{self.name}: {what} cannot be read: {detail}", "the file is damaged") from error


def _weight_names(group: Any) -> list[str]:
    """Keras splits the list over several attributes when it exceeds HDF5's limit."""
    keys = ["weight_names", *(f"weight_names{number}" for number in range(len(group.attrs)))]
    names = [name for key in keys for name in group.attrs.get(key, ())]
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]
