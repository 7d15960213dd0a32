"""The int8 model that is compiled and that TFLM runs: the user's own, or quantized here and kept in the project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from seatool import passes, quantize
from seatool.errors import InputError
from seatool.files import content_digest, digest
from seatool.importers import tflite
from seatool.ir import Graph
from seatool.pipeline.progress import Stage
from seatool.pipeline.project import open_project


@dataclass(frozen=True)
class Reference:
    """The int8 model that TFLM runs, and where it came from. The compiled graph is always read from these bytes.

    ``fidelity`` and ``key`` are None for a model that was int8 already. ``kept``: taken from an older project.
    """

    model: bytes
    fidelity: Mapping[str, Any] | None
    key: str | None
    kept: bool = False


def int8_reference(graph: Graph, model: Path, target: Path, calibration: Path | None, stage: Stage) -> Reference:
    """The int8 model as TFLite bytes: the file ``model`` itself if ``graph`` is int8, or quantized here.

    An int8 file that TFLM cannot run as it is is written anew (:func:`tflite.runnable`).
    Quantization is deterministic, so the result kept in the older project ``target`` is reused when the model, the
    calibration data, numpy and this program's sources are the same.
    """
    if not is_float(graph):
        return Reference(tflite.runnable(model.read_bytes(), model.name), None, None)
    data = "built-in" if calibration is None else content_digest(calibration)
    sources = sources_digest(Path(__file__).resolve().parent.parent)
    key = digest(f"{sources} {np.__version__} {content_digest(model)} {data}".encode())
    if (kept := _kept(target, key)) is not None:
        return kept
    with stage("listening to the calibration data"):
        samples = quantize.load_calibration(calibration, graph)
    with stage(f"quantizing with {samples.description}") as advance:
        quantized = quantize.quantize(passes.prepare(graph), samples, advance=advance)
    return Reference(tflite.write(quantized.graph), quantized.fidelity.to_json(), key)


def is_float(graph: Graph) -> bool:
    """Whether the model still has to be quantized: none of its activations is quantized."""
    return all(tensor.is_constant or tensor.quant is None for tensor in graph.tensors.values())


def sources_digest(package: Path) -> str:
    """Hash of every Python file in ``package``: whatever is changed in seatool, nothing stale is reused."""
    sources = sorted(package.rglob("*.py"), key=lambda file: file.relative_to(package).as_posix())
    return digest("".join(digest(file.read_bytes()) for file in sources).encode())


def _kept(target: Path, key: str) -> Reference | None:
    """What an older project holds for the same key."""
    try:
        project = open_project(target)
        quantization = project.manifest["quantization"]
        if quantization is None or quantization["key"] != key:
            return None
        return Reference(project.reference, cast("Mapping[str, Any]", quantization["fidelity"]), key, kept=True)
    except InputError:
        return None
