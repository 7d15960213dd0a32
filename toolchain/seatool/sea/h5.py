"""Write a network as Keras 2 stored it: the layout of the files that edgel3 publishes."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import h5py
import numpy as np

from seatool.ir import Array

KERAS_VERSION = "2.3.1"


@dataclass(frozen=True)
class Layer:
    """One layer of a sequential network: Keras' class, settings, and weights by name in Keras' order."""

    kind: str
    name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, Array] = field(default_factory=dict)


def write(name: str, layers: Sequence[Layer]) -> bytes:
    """The .h5 file of a network whose first layer is an ``InputLayer``, each layer feeding the next.

    Equal networks give equal bytes (for one version of HDF5).
    """
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for holder in (file, file.create_group("model_weights")):
            holder.attrs["backend"] = np.bytes_("tensorflow")
            holder.attrs["keras_version"] = np.bytes_(KERAS_VERSION)
        file.attrs["model_config"] = np.bytes_(json.dumps(_model_config(name, layers)))
        groups = file["model_weights"]
        groups.attrs["layer_names"] = [np.bytes_(layer.name) for layer in layers]
        for layer in layers:
            group = groups.create_group(layer.name)
            paths = {f"{layer.name}/{weight}:0": value for weight, value in layer.weights.items()}
            group.attrs["weight_names"] = [np.bytes_(path) for path in paths]
            for path, value in paths.items():
                group.create_dataset(path, data=value, track_times=False)
    return buffer.getvalue()


def compress(data: bytes) -> bytes:
    """``data`` as a gzip file that holds neither name nor date."""
    return gzip.compress(data, compresslevel=9, mtime=0)


def _model_config(name: str, layers: Sequence[Layer]) -> dict[str, Any]:
    described = []
    for position, layer in enumerate(layers):
        config: dict[str, Any] = {"name": layer.name}
        if position:
            config["trainable"] = True
        config.update(layer.config)
        described.append(
            {
                "name": layer.name,
                "class_name": layer.kind,
                "config": config,
                "inbound_nodes": [[[layers[position - 1].name, 0, 0, {}]]] if position else [],
            }
        )
    ends = {"input_layers": [[layers[0].name, 0, 0]], "output_layers": [[layers[-1].name, 0, 0]]}
    return {"class_name": "Model", "config": {"name": name, "layers": described, **ends}}
