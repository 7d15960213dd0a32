"""Keras 3 files and SavedModel folders, through TensorFlow; and what happens without it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from seatool import importers
from seatool.errors import InputError, ToolError
from seatool.importers import converted
from seatool.quantize import execute

needs_tensorflow = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
]


def archive(path: Path) -> Path:
    """A file that looks like a .keras archive from outside."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("config.json", "{}")
        file.writestr("model.weights.h5", b"")
    return path


def test_missing_tensorflow_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(ToolError, match="needs TensorFlow") as caught:
        importers.load(archive(tmp_path / "net.keras"))
    assert caught.value.hint == "pip install 'seatool[keras]'"


@pytest.mark.parametrize("member", ["config.json", "model.weights.h5"])
def test_incomplete_archives_are_found_without_tensorflow(tmp_path: Path, member: str) -> None:
    path = tmp_path / "net.keras"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(member, "{}")
    with pytest.raises(InputError, match=r"net\.keras: not a complete \.keras archive"):
        importers.load(path)


def test_silence_covers_file_descriptors_and_ends(capfd: pytest.CaptureFixture[str]) -> None:
    with converted._silence():
        subprocess.run(["sh", "-c", "echo out; echo err >&2"], check=True)
        print("from Python")
    subprocess.run(["echo", "after"], check=True)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("after\n", "")


@pytest.fixture(scope="module")
def model() -> Any:
    """A functional Keras 3 model with everything a student has, and branches."""
    import keras

    layers = keras.layers
    keras.utils.set_random_seed(1)
    image = keras.Input((8, 6, 2), name="image")
    x = layers.Conv2D(4, 3, padding="same", name="stem")(image)
    x = layers.ReLU(name="stem_relu")(layers.BatchNormalization(name="stem_norm")(x))
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depth")(x)
    x = layers.MaxPooling2D(2, name="pool")(layers.Add(name="skip")([x, layers.ReLU(6.0)(y)]))
    flat = layers.Flatten(name="flat")(layers.Conv2D(2, 1, strides=2, padding="same", name="branch")(x))
    x = layers.Concatenate(name="join")([flat, layers.GlobalAveragePooling2D(name="mean")(x)])
    x = layers.Dense(6, activation="relu", name="hidden")(layers.Dropout(0.5)(x))
    model = keras.Model(image, layers.Dense(3, activation="softmax", name="head")(x))
    norm = model.get_layer("stem_norm")
    norm.set_weights([np.abs(w) + 0.5 * np.arange(1, 5) for w in norm.get_weights()])
    return model


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=needs_tensorflow) for kind in (".keras", ".h5", "folder")])
def test_computes_what_keras_computes(kind: str, model: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / f"net{'' if kind == 'folder' else kind}"
    if kind == "folder":
        model.export(path, verbose=False)
    else:
        model.save(path)
    capfd.readouterr()
    graph = importers.load(path)
    assert capfd.readouterr() == ("", "")
    x = np.random.default_rng(2).standard_normal((1, 8, 6, 2)).astype(np.float32)
    (got,) = execute(graph, [x]).values()
    np.testing.assert_allclose(got, model.predict(x, verbose=0), atol=1e-5)
    assert graph.name == "net"
    layers = {"stem", "depth", "skip", "pool", "branch", "flat", "join", "mean", "hidden", "head"}
    assert layers <= {op.name for op in graph.ops}


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=needs_tensorflow) for kind in (".keras", ".h5")])
def test_unknown_layers_and_open_shapes_are_refused(kind: str, tmp_path: Path) -> None:
    import keras

    @keras.saving.register_keras_serializable("Mine")
    class Twice(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return 2 * x

    path = tmp_path / f"net{kind}"
    keras.Sequential([keras.Input((4,)), Twice(), keras.layers.Dense(2)]).save(path)
    keras.saving.get_custom_objects().clear()
    with pytest.raises(InputError, match=r"net\S+: TensorFlow cannot load the model: .*Twice") as caught:
        importers.load(path)
    assert caught.value.hint is not None
    keras.Sequential([keras.Input((None, 4, 1)), keras.layers.Conv2D(2, 1)]).save(path)
    with pytest.raises(InputError, match=r"has the open shape \[None, 4, 1\]"):
        importers.load(path)


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=needs_tensorflow) for kind in (".keras", "folder")])
def test_shapes_inside_are_known_and_inputs_and_outputs_keep_their_order(kind: str, tmp_path: Path) -> None:
    """With an open batch the converter leaves what Reshape((-1, 3)) gives open; it also mixes inputs and outputs."""
    import keras

    layers = keras.layers
    image, vector = keras.Input((4, 6, 3), name="zebra"), keras.Input((24, 2), name="ant")
    x = layers.Dense(2)(layers.Reshape((-1, 3))(image))
    model = keras.Model([image, vector], [layers.Add()([x, vector]), layers.Flatten()(image)])
    path = tmp_path / f"net{'' if kind == 'folder' else kind}"
    if kind == "folder":
        model.export(path, verbose=False)
    else:
        model.save(path)
    graph = importers.load(path)
    shapes = [(1, 4, 6, 3), (1, 24, 2)] if kind == ".keras" else [(1, 24, 2), (1, 4, 6, 3)]  # a signature has no order
    assert [graph.tensors[name].shape for name in graph.inputs] == shapes
    assert [graph.tensors[name].shape for name in graph.outputs] == [(1, 24, 2), (1, 72)]
    rng = np.random.default_rng(4)
    inputs = {shape: rng.standard_normal(shape).astype(np.float32) for shape in shapes}
    expected = model.predict([inputs[1, 4, 6, 3], inputs[1, 24, 2]], verbose=0)
    results = execute(graph, [inputs[shape] for shape in shapes])
    for name, wanted in zip(graph.outputs, expected, strict=True):
        np.testing.assert_allclose(results[name], wanted, atol=1e-5)
