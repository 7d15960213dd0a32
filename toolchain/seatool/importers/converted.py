"""Keras 3 files and SavedModel folders: TensorFlow loads and converts them to a float .tflite, which is then read.

The only place that imports TensorFlow, and only when such a model is given.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

from seatool.errors import InputError, ToolError
from seatool.importers import tflite
from seatool.importers.surveys import Survey
from seatool.ir import Graph


def survey_keras(path: Path, name: str) -> Survey:
    """What there is in a ``.keras`` file or of an ``.h5`` file of Keras 3.

    Args:
        path: The file, with the ending that Keras expects.
        name: How error messages call it.

    Raises:
        InputError: TensorFlow cannot load or convert it.
        ToolError: TensorFlow is not installed.
    """
    if path.suffix == ".keras":
        _check_archive(path, name)
    tf = _tensorflow(name)
    with _refusals(name, "load"), _silence():
        model = tf.keras.models.load_model(path, compile=False)
    for tensor in model.inputs:
        _check_closed(name, tensor)
    with tempfile.TemporaryDirectory() as folder:
        with _refusals(name, "convert"), _silence():
            model.export(folder, verbose=False)
        return _survey_signature(tf, folder, name, [tensor.name for tensor in model.inputs])


def survey_saved_model(folder: Path, name: str) -> Survey:
    """What there is in a SavedModel folder (its signature ``serving_default``). Errors: as :func:`survey_keras`."""
    return _survey_signature(_tensorflow(name), str(folder), name, ())


def _survey_signature(tf: Any, folder: str, name: str, order: Sequence[str]) -> Survey:
    """The signature ``serving_default`` for a batch of one: with the batch open, shapes inside would stay open too.

    ``order``: the names of the inputs in the order wanted.
    """
    with _refusals(name, "load"), _silence():
        module = tf.saved_model.load(folder)
        signature = module.signatures["serving_default"]
    _, named = signature.structured_input_signature
    for spec in named.values():
        _check_closed(name, spec)
    names = sorted(named, key=lambda key: (order.index(key) if key in order else len(order), key))
    specs = [tf.TensorSpec([1, *named[key].shape[1:]], named[key].dtype, name=key) for key in names]
    with _refusals(name, "convert"), _silence():
        call = tf.function(lambda *tensors: signature(**dict(zip(names, tensors, strict=True))))
        function = call.get_concrete_function(*specs)
        data = tf.lite.TFLiteConverter.from_concrete_functions([function], module).convert()
    found = tflite.survey(data, name)
    assert found.graph is not None, "a .tflite file gives a graph"
    return replace(found, graph=_in_order(found.graph, names, sorted(signature.structured_outputs)))


def _in_order(graph: Graph, names: Sequence[str], outputs: Sequence[str]) -> Graph:
    """Inputs in the order of ``names``, outputs in that of the signature: the converter gives them in any order."""
    inputs = {f"serving_default_{name}:0": position for position, name in enumerate(names)}
    ordered = graph.with_(
        inputs=tuple(sorted(graph.inputs, key=lambda tensor: inputs.get(tensor, len(inputs)))),
        outputs=tuple(sorted(graph.outputs, key=lambda tensor: int(tensor.rpartition(":")[2] or 0))),
    )
    ports = zip((*ordered.inputs, *ordered.outputs), (*names, *outputs), strict=True)
    return replace(ordered, aliases=dict(ports))


def _check_archive(path: Path, name: str) -> None:
    """Find damaged archives before paying for TensorFlow's start."""
    try:
        with zipfile.ZipFile(path) as archive:
            json.loads(archive.read("config.json"))
            archive.getinfo("model.weights.h5")
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError) as error:
        detail = str(error).strip("'\"")
        raise InputError(f"{name}: not a complete .keras archive: {detail}", "save the model again") from error


def _tensorflow(name: str) -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with _silence():
            import tensorflow as tf
    except ImportError as error:
        raise ToolError(
            f"{name}: reading Keras 3 and SavedModel needs TensorFlow ({error})", "pip install 'seatool[keras]'"
        ) from error
    tf.get_logger().setLevel("ERROR")
    return tf


@contextmanager
def _refusals(name: str, verb: str) -> Iterator[None]:
    """What TensorFlow raises about the model (it has no common base class) becomes an InputError."""
    try:
        yield
    except Exception as error:
        raise InputError(
            f"{name}: TensorFlow cannot {verb} the model: {_cause(error)}",
            "custom layers and objects are not known here: convert the model with TFLiteConverter where they are, and "
            "compile the .tflite",
        ) from error


def _cause(error: Exception) -> str:
    """One line of what can be a page: Keras puts the innermost cause behind the last "Exception encountered:"."""
    innermost = str(error).rpartition("Exception encountered:")[2]
    lines = [line.strip() for line in innermost.splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__


def _check_closed(name: str, tensor: Any) -> None:
    """Only the batch may be open: the converter would take 1 for every other open dimension."""
    shape = list(tensor.shape)[1:]
    if any(size is None for size in shape):
        raise InputError(
            f"{name}: input {tensor.name!r} has the open shape {shape}",
            "give the model a fixed input shape before saving it",
        )


@contextmanager
def _silence() -> Iterator[None]:
    """Keep what TensorFlow prints away from the terminal: through Python's streams and, from C++, below them."""
    unheard = io.StringIO()
    sys.stdout.flush()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as sink, redirect_stdout(unheard), redirect_stderr(unheard):
        saved = [(stream, os.dup(stream)) for stream in (1, 2)]
        try:
            for stream, _ in saved:
                os.dup2(sink.fileno(), stream)
            yield
        finally:
            for stream, copy in saved:
                os.dup2(copy, stream)
                os.close(copy)
