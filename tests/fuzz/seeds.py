"""Sound files to damage, by kind."""

from __future__ import annotations

import gzip
import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import float_nets
import int16_model
import make_invalid
import make_invalid_arrays
import nets
import numpy as np
import operator_layers
import raw_model
import soundfile
import streaming
from seatool import resources
from seatool.importers import tflite
from seatool.ir import Graph
from seatool.pipeline import compile_model
from seatool.pipeline.project import MANIFEST
from seatool.pipeline.recordings import shipped_student
from seatool.quantize import quantize

NETWORKS = 12


def seeds(real: bool = True) -> dict[str, list[bytes]]:
    """Small files of every kind; with ``real`` also those of trained models (``SEATOOL_DATA`` and the shipped one)."""
    models = [raw_model.small().bytes(), *_streaming(), *(tflite.write(graph) for graph in _graphs())]
    keras = make_invalid.keras_file(make_invalid.keras_model(), make_invalid.keras_weights())
    found = {
        "tflite": models,
        "h5": [keras],
        "h5.gz": [gzip.compress(keras, mtime=0)],
        "npz": [make_invalid_arrays.npz(a=np.zeros((count, 2, 3)), b=np.ones((count, 1), np.int8)) for count in (1, 3)],
        "npy": [make_invalid_arrays.npy(np.zeros((2, 3), dtype)) for dtype in (np.int8, np.float32, ">f8")],
        "wav": list(_sounds()),
        "toml": [file.read_bytes() for file in sorted(resources.boards().glob("*.toml"))],
        "json": [_manifest(model) for model in models[:3]],
    }
    if real:
        for path in _real():
            found["h5.gz" if path.suffix == ".gz" else "tflite"].append(path.read_bytes())
    return found


def _streaming() -> Iterator[bytes]:
    """Models with variables, and with subgraphs that give these their first values."""
    pattern = np.arange(-12, 12, dtype=np.int8)
    yield streaming.ring(pattern[:12].reshape(1, 3, 4)).bytes()
    yield streaming.swap({"right": pattern[:8].reshape(2, 4)}).bytes()
    yield streaming.delay(np.linspace(-9, 9, 6, dtype=np.float32).reshape(1, 6)).bytes()


def _graphs() -> Iterator[Graph]:
    """What generated code has to get right, float networks of all sorts of layers, and what those are quantized to."""
    yield from (nets.residual(), nets.classifier(), nets.pointwise(), int16_model.int16_model())
    for seed in range(NETWORKS):
        net = float_nets.FloatNet(seed=seed)
        for layer in net.rng.choice(np.array(float_nets.LAYERS, object), 4):
            layer(net)
        float_nets.HEADS[seed % len(float_nets.HEADS)](net)
        yield from _both(net.graph())
    for layer in operator_layers.LAYERS.values():
        net = float_nets.FloatNet()
        net.conv_2d()
        layer(net)
        yield from _both(net.graph())


def _both(graph: Graph) -> tuple[Graph, Graph]:
    return graph, quantize(graph, float_nets.inputs(graph, 4)).graph


def _sounds() -> Iterator[bytes]:
    noise = np.random.default_rng(0).uniform(-1, 1, (3000, 2))
    for kind, subtype in (
        ("WAV", "PCM_16"),
        ("WAV", "PCM_24"),
        ("WAV", "FLOAT"),
        ("WAVEX", "PCM_U8"),
        ("RF64", "PCM_16"),
    ):
        stream = io.BytesIO()
        soundfile.write(stream, noise[:, : 1 + (kind == "WAV")], 16000, subtype, format=kind)
        yield stream.getvalue()


def _manifest(model: bytes) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.tflite"
        path.write_bytes(model)
        return (compile_model(path, Path(folder) / "project").project.path / MANIFEST).read_bytes()


def _real() -> list[Path]:
    folder = Path(os.environ.get("SEATOOL_DATA", "")) / "models"
    return [*sorted(folder.rglob("*.tflite")), *sorted(folder.rglob("*.h5.gz")), shipped_student()]
