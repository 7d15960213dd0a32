"""The file: an HDF5 container, maybe gzipped, with the model's JSON description and one group of weights per layer."""

from __future__ import annotations

import gzip
import io
import json
import math
import zlib
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from seatool.errors import InputError
from seatool.ir import Array

_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_GZIP_MAGIC = b"\x1f\x8b"
_LARGEST = 1 << 29
"""Bytes of an unpacked file and of one weight: far above any model for a microcontroller."""

T = TypeVar("T")


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


class WeightsFile:
    """A Keras .h5 file.

    Args:
        data: The whole file, not gzipped.
        name: How error messages call it.

    Raises:
        InputError: It is no HDF5 file or a damaged one.
    """

    def __init__(self, data: bytes, name: str) -> None:
        import h5py

        self.name = name
        if data[:8] != _HDF5_MAGIC:
            raise InputError(f"{name}: not an HDF5 file", "Keras writes one with model.save('name.h5')")
        self._file = self._checked(lambda: h5py.File(io.BytesIO(data), "r"), "the file")
        self._groups = self._checked(lambda: self._file.get("model_weights", self._file), "the file")

    def attribute(self, name: str) -> str:
        """A text attribute of the file; empty when absent."""
        value = self._checked(lambda: self._file.attrs.get(name, ""), f"attribute {name!r}")
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

    def model_config(self) -> dict[str, Any]:
        """The model's description.

        Raises:
            InputError: There is none (the file has weights only), or it is no JSON object.
        """
        text = self.attribute("model_config")
        if not text:
            raise InputError(
                f"{self.name}: holds weights only, without the model's description",
                "save the whole model: model.save(...), not model.save_weights(...)",
            )
        try:
            config = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{self.name}: the model's description (model_config) is damaged: {error}") from error
        if not isinstance(config, dict) or not isinstance(config.get("config"), (dict, list)):
            raise InputError(f"{self.name}: the model's description (model_config) is not one of a Keras model")
        return config

    def weights(self, layer: str) -> list[tuple[str, Array]]:
        """Names (without scope) and float32 values of a layer's weights, in the layer's own order."""
        where = f"the weights of layer {layer!r}"
        if not self._checked(lambda: layer in self._groups, where):
            return []
        return self._checked(lambda: self._read(self._groups[layer], where), where)

    def _read(self, group: Any, where: str) -> list[tuple[str, Array]]:
        weights = []
        for raw in _weight_names(group):
            path = raw.decode() if isinstance(raw, bytes) else str(raw)
            dataset = group[path]
            if math.prod(dataset.shape) * dataset.dtype.itemsize > _LARGEST:
                raise InputError(f"{self.name}: {where}: {path} has shape {dataset.shape}, which is too large")
            if dataset.dtype.kind != "f":
                raise InputError(f"{self.name}: {where}: {path} holds {dataset.dtype}, not floating-point numbers")
            value = np.asarray(dataset[()], np.float32)
            if not np.isfinite(value).all():
                raise InputError(f"{self.name}: {where}: {path} holds NaN or infinite values")
            weights.append((path.split("/")[-1].split(":")[0], value))
        return weights

    def _checked(self, read: Callable[[], T], what: str) -> T:
        """``read()``, with what h5py raises on damaged files turned into an InputError."""
        try:
            return read()
        except (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError, UnicodeDecodeError) as error:
            detail = str(error).strip("'\"")
            raise InputError(f"{self.name}: {what} cannot be read: {detail}", "the file is damaged") from error


def _weight_names(group: Any) -> list[Any]:
    """Keras splits the list over several attributes when it exceeds HDF5's limit."""
    if "weight_names" in group.attrs:
        return list(group.attrs["weight_names"])
    chunks = (group.attrs.get(f"weight_names{number}", ()) for number in range(len(group.attrs)))
    return [name for chunk in chunks for name in chunk]
