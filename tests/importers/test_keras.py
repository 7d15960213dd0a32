"""Keras 2 files: every layer against a plain numpy meaning, the topology, and the published student."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make_invalid import keras_file, keras_model, keras_weights
from seatool import importers, passes
from seatool.audio import LogMel
from seatool.audio.log_mel import dft_kernels, hann, mel_filters
from seatool.errors import InputError
from seatool.importers import tflite
from seatool.importers.keras import legacy
from seatool.importers.keras.hdf5 import KerasFile
from seatool.importers.keras.layers import CONVERTERS
from seatool.ir import Array, Graph
from seatool.quantize import execute

RNG = np.random.default_rng(5)
IMAGE = RNG.standard_normal((1, 6, 5, 3)).astype(np.float32)

Weights = dict[str, Array]


def random(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


def sequential(layers: list[tuple[str, dict[str, Any], Weights]], shape: tuple[int, ...]) -> Graph:
    """A Sequential model of (class, settings, weights); the first layer says the input's shape."""
    config = [
        {"class_name": kind, "config": {"name": f"{kind.lower()}_{i}"} | settings}
        for i, (kind, settings, _) in enumerate(layers)
    ]
    config[0]["config"]["batch_input_shape"] = [None, *shape]
    weights = {f"{kind.lower()}_{i}": values for i, (kind, _, values) in enumerate(layers) if values}
    data = keras_file({"class_name": "Sequential", "config": {"name": "model", "layers": config}}, weights)
    return legacy.read(KerasFile(data, "model.h5"))


def run(graph: Graph, x: Array) -> Array:
    return execute(graph, [x])[graph.outputs[0]]


def one(kind: str, settings: dict[str, Any], weights: Weights | None = None, x: Array = IMAGE) -> Array:
    """What a model of this one layer computes."""
    return run(sequential([(kind, settings, weights or {})], x.shape[1:]), x)


def windows(x: Array, size: tuple[int, int], stride: tuple[int, int], same: bool, outside: float) -> Array:
    """(height, width, channels, kernel height, kernel width), padded as TensorFlow does."""
    pads = [(0, 0)]
    for axis in (0, 1):
        n, k, s = x.shape[axis + 1], size[axis], stride[axis]
        total = max((-(-n // s) - 1) * s + k - n, 0) if same else 0
        pads.append((total // 2, total - total // 2))
    padded = np.pad(x, [*pads, (0, 0)], constant_values=outside)[0]
    return np.lib.stride_tricks.sliding_window_view(padded, size, axis=(0, 1))[:: stride[0], :: stride[1]]


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("stride", [(1, 1), (2, 3)])
def test_conv2d(padding: str, stride: tuple[int, int]) -> None:
    kernel, bias = random(3, 2, 3, 4), random(4)
    settings = {"filters": 4, "kernel_size": [3, 2], "strides": list(stride), "padding": padding, "activation": "relu"}
    expected = np.einsum("hwcyx,yxco->hwo", windows(IMAGE, (3, 2), stride, padding == "same", 0), kernel) + bias
    got = one("Conv2D", settings, {"kernel": kernel, "bias": bias})
    np.testing.assert_allclose(got[0], np.maximum(expected, 0), atol=1e-5)


def test_dilated_conv2d_without_bias() -> None:
    kernel = random(2, 2, 3, 4)
    spread = np.zeros((3, 4, 3, 4), np.float32)
    spread[::2, ::3] = kernel
    expected = np.einsum("hwcyx,yxco->hwo", windows(IMAGE, (3, 4), (1, 1), True, 0), spread)
    settings = {"filters": 4, "kernel_size": 2, "dilation_rate": [2, 3], "padding": "same", "use_bias": False}
    np.testing.assert_allclose(one("Conv2D", settings, {"kernel": kernel})[0], expected, atol=1e-5)


def test_grouped_conv2d() -> None:
    x, kernel = random(1, 4, 4, 6), random(1, 1, 3, 4)
    expected = np.concatenate([x[..., :3] @ kernel[0, 0, :, :2], x[..., 3:] @ kernel[0, 0, :, 2:]], -1)
    settings = {"filters": 4, "kernel_size": 1, "groups": 2, "use_bias": False}
    np.testing.assert_allclose(one("Conv2D", settings, {"kernel": kernel}, x), expected, atol=1e-5)


@pytest.mark.parametrize("depth", [1, 2])
def test_depthwise_and_separable_conv2d(depth: int) -> None:
    depthwise, pointwise, bias = random(3, 3, 3, depth), random(1, 1, 3 * depth, 5), random(3 * depth)
    taps = windows(IMAGE, (3, 3), (2, 2), True, 0)
    expected = np.einsum("hwcyx,yxcm->hwcm", taps, depthwise).reshape(*taps.shape[:2], -1)
    settings = {"kernel_size": 3, "strides": 2, "padding": "same", "depth_multiplier": depth}
    got = one("DepthwiseConv2D", settings, {"depthwise_kernel": depthwise, "bias": bias})
    np.testing.assert_allclose(got[0], expected + bias, atol=1e-5)
    weights = {"depthwise_kernel": depthwise, "pointwise_kernel": pointwise}
    got = one("SeparableConv2D", settings | {"filters": 5, "use_bias": False}, weights)
    np.testing.assert_allclose(got[0], expected @ pointwise[0, 0], atol=1e-4)


def test_dense_with_softmax() -> None:
    kernel, bias, x = random(7, 4), random(4), random(1, 7)
    raised = np.exp(x @ kernel + bias)
    got = one("Dense", {"units": 4, "activation": "softmax"}, {"kernel": kernel, "bias": bias}, x)
    np.testing.assert_allclose(got, raised / raised.sum(), atol=1e-5)


@pytest.mark.parametrize("scale", [True, False])
def test_batch_normalization(scale: bool) -> None:
    values = {"gamma": random(3), "beta": random(3), "moving_mean": random(3), "moving_variance": random(3) ** 2}
    gamma = values["gamma"] if scale else 1
    spread = np.sqrt(values["moving_variance"] + 0.01)
    expected = (IMAGE - values["moving_mean"]) / spread * gamma + values["beta"]
    weights = values if scale else {key: value for key, value in values.items() if key != "gamma"}
    got = one("BatchNormalization", {"epsilon": 0.01, "scale": scale, "axis": [3]}, weights)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "settings", "function"),
    [
        ("Activation", {"activation": "relu"}, lambda x: np.maximum(x, 0)),
        ("Activation", {"activation": "relu6"}, lambda x: np.clip(x, 0, 6)),
        ("Activation", {"activation": "linear"}, None),
        ("Activation", {"activation": "tanh"}, np.tanh),
        ("Activation", {"activation": "sigmoid"}, lambda x: 1 / (1 + np.exp(-x))),
        ("ReLU", {}, lambda x: np.maximum(x, 0)),
        ("ReLU", {"max_value": 6.0, "negative_slope": 0.0}, lambda x: np.clip(x, 0, 6)),
        ("LeakyReLU", {"alpha": 0.25}, lambda x: np.where(x < 0, x / 4, x)),
        ("Rescaling", {"scale": 0.5, "offset": -1}, lambda x: x / 2 - 1),
        ("Softmax", {"axis": -1}, lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True)),
        ("ZeroPadding2D", {"padding": [[1, 2], [0, 3]]}, lambda x: np.pad(x, [(0, 0), (1, 2), (0, 3), (0, 0)])),
        ("ZeroPadding2D", {"padding": 1}, lambda x: np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])),
        ("Flatten", {}, lambda x: x.reshape(1, -1)),
        ("Reshape", {"target_shape": [10, -1]}, lambda x: x.reshape(1, 10, 9)),
        ("Permute", {"dims": [2, 1, 3]}, lambda x: x.transpose(0, 2, 1, 3)),
        ("GlobalAveragePooling2D", {}, lambda x: x.mean((1, 2))),
        ("GlobalAveragePooling2D", {"keepdims": True}, lambda x: x.mean((1, 2), keepdims=True)),
        ("GlobalMaxPooling2D", {}, lambda x: x.max((1, 2))),
    ],
)
def test_layers_without_weights(kind: str, settings: dict[str, Any], function: Any) -> None:
    x = 5 * IMAGE
    if function is None:
        with pytest.raises(InputError, match="computed by no layer"):
            one(kind, settings, x=x)
        return
    np.testing.assert_allclose(one(kind, settings, x=x), function(x), atol=1e-5)


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize(("size", "stride"), [((2, 2), None), ((3, 2), (2, 1)), ((6, 5), None)])
def test_pooling(same: bool, size: tuple[int, int], stride: tuple[int, int] | None) -> None:
    settings = {"pool_size": list(size), "strides": stride, "padding": "same" if same else "valid"}
    maximum = windows(IMAGE, size, stride or size, same, -np.inf).max((3, 4))
    np.testing.assert_array_equal(one("MaxPooling2D", settings)[0], maximum)
    taps = windows(IMAGE, size, stride or size, same, np.nan)
    np.testing.assert_allclose(one("AveragePooling2D", settings)[0], np.nanmean(taps, (3, 4)), atol=1e-6)


def _functional(layers: list[tuple[str, str, list[str], dict[str, Any]]], outputs: list[str]) -> Graph:
    """A functional model of (class, name, inputs, settings) without weights."""
    entries = [
        {"class_name": kind, "name": name, "config": settings, "inbound_nodes": [[[s, 0, 0, {}] for s in sources]]}
        for kind, name, sources, settings in layers
    ]
    inputs = [[name, 0, 0] for kind, name, *_ in layers if kind == "InputLayer"]
    config = {"layers": entries, "input_layers": inputs, "output_layers": [[name, 0, 0] for name in outputs]}
    return legacy.read(KerasFile(keras_file({"class_name": "Functional", "config": config}, {}), "model.h5"))


def test_branches_meet_and_inputs_and_outputs_keep_their_order() -> None:
    shape = {"batch_input_shape": [None, 2, 2, 2]}
    graph = _functional(
        [
            ("Concatenate", "cat", ["sum", "b"], {"axis": -1}),
            ("InputLayer", "b", [], shape),
            ("Add", "sum", ["a", "product", "b"], {}),
            ("InputLayer", "a", [], shape),
            ("Multiply", "product", ["a", "b"], {}),
            ("Subtract", "difference", ["a", "b"], {}),
            ("Maximum", "larger", ["a", "b"], {}),
            ("Minimum", "smaller", ["a", "b"], {}),
            ("Dropout", "unused", ["a"], {"rate": 0.5}),
        ],
        ["difference", "cat", "larger", "smaller"],
    )
    a, b = random(1, 2, 2, 2), random(1, 2, 2, 2)
    assert graph.inputs == ("b", "a")
    got = execute(graph, [b, a])
    np.testing.assert_allclose(got[graph.outputs[0]], a - b, atol=1e-6)
    np.testing.assert_array_equal(got["larger"], np.maximum(a, b))
    np.testing.assert_array_equal(got["smaller"], np.minimum(a, b))
    np.testing.assert_allclose(got[graph.outputs[1]], np.concatenate([a + a * b + b, b], -1), atol=1e-5)


def test_a_layer_that_is_used_twice_keeps_one_set_of_weights() -> None:
    model, weights = keras_model(), keras_weights()
    conv, flatten = model["config"]["layers"][1:3]
    conv["config"]["filters"] = 1
    weights["conv"] = {"kernel": random(3, 3, 1, 1), "bias": random(1)}
    weights["dense"]["kernel"] = random(16, 3)
    conv["inbound_nodes"].append([["conv", 0, 0, {}]])
    flatten["inbound_nodes"] = [[["conv", 1, 0, {}]]]
    graph = legacy.read(KerasFile(keras_file(model, weights), "model.h5"))
    convolutions = [op for op in graph.ops if op.kind == "CONV_2D"]
    assert len(convolutions) == 2
    assert convolutions[0].inputs[1:] == convolutions[1].inputs[1:]
    assert convolutions[0].name != convolutions[1].name


def test_names_come_from_the_layers() -> None:
    graph = legacy.read(KerasFile(keras_file(keras_model(), keras_weights()), "My Net.h5"))
    assert graph.name == "my_net"
    assert [op.name for op in graph.ops] == ["conv", "conv_relu", "flatten", "dense"]
    assert graph.tensors["dense/kernel"].shape == (3, 32)


def test_names_survive_the_way_through_a_tflite_file() -> None:
    settings = {"kernel_size": 3, "filters": 4, "padding": "same", "use_bias": False, "activation": "relu"}
    norm = {role: random(4) ** 2 for role in ("gamma", "beta", "moving_mean", "moving_variance")}
    graph = sequential(
        [
            ("Conv2D", settings, {"kernel": random(3, 3, 3, 4)}),
            ("BatchNormalization", {}, norm),
            ("SeparableConv2D", settings, {"depthwise": random(3, 3, 4, 1), "pointwise": random(1, 1, 4, 4)}),
            ("MaxPooling2D", {"pool_size": 2}, {}),
            ("Flatten", {}, {}),
            ("Dense", {"units": 2, "activation": "softmax"}, {"kernel": random(24, 2), "bias": random(2)}),
        ],
        (6, 5, 3),
    )
    for version in (graph, passes.prepare(graph)):
        again = tflite.read(tflite.write(version), "model.tflite")
        assert [op.name for op in again.ops] == [op.name for op in version.ops]
        assert (again.inputs, again.outputs) == (version.inputs, version.outputs)


def _spectrogram(affine: bool) -> tuple[Graph, dict[str, Weights]]:
    window, size = hann(64), 64 // 2 + 1
    kernels = dft_kernels(window)
    weights: dict[str, Weights] = {
        "mel": {
            "real_kernels": kernels[:, :size].reshape(64, 1, 1, size),
            "imag_kernels": kernels[:, size:].reshape(64, 1, 1, size),
            "Variable": mel_filters(8000, 64, 8, 0.0, 4000.0),
        },
        "norm": {role: np.array([v], np.float32) for role, v in zip("abcd", (2.0, 0.5, -26.0, 100.0), strict=True)},
    }
    mel = {"n_dft": 64, "n_hop": 32, "n_mels": 8, "sr": 8000, "power_melgram": 1.0, "return_decibel_melgram": True}
    layers = [
        ("InputLayer", "sound", [], {"batch_input_shape": [None, 1, 800]}),
        ("Melspectrogram", "mel", ["sound"], mel | {"padding": "same", "power_spectrogram": 2.0}),
        *([("BatchNormalization", "norm", ["mel"], {"epsilon": 0.0})] if affine else []),
        ("MaxPooling2D", "pool", ["norm" if affine else "mel"], {"pool_size": [2, 5]}),
    ]
    entries = [
        {"class_name": kind, "name": name, "config": settings, "inbound_nodes": [[[s, 0, 0, {}] for s in sources]]}
        for kind, name, sources, settings in layers
    ]
    config = {"layers": entries, "input_layers": [["sound", 0, 0]], "output_layers": [["pool", 0, 0]]}
    data = keras_file({"class_name": "Model", "config": config}, weights)
    return legacy.read(KerasFile(data, "model.h5")), weights


@pytest.mark.parametrize("affine", [True, False])
def test_audio_layers_become_the_front_end(affine: bool) -> None:
    graph, weights = _spectrogram(affine)
    front = graph.frontend
    assert isinstance(front, LogMel)
    assert (front.sample_rate, front.window_samples, front.n_fft, front.hop) == (8000, 800, 64, 32)
    np.testing.assert_array_equal(front.mel, weights["mel"]["Variable"])
    gain, offset = (2.0 / 10, 0.5 + 26 * 0.2) if affine else (1.0, 0.0)
    assert (front.gain, front.offset) == pytest.approx((gain, offset))
    assert graph.tensors[graph.inputs[0]].shape == (1, 8, 25, 1)
    assert [op.name for op in graph.ops] == ["pool"]


def test_spectrogram_settings_that_are_not_supported_are_listed() -> None:
    config = {"return_decibel_melgram": False, "power_spectrogram": 1.0, "image_data_format": "channels_first"}
    layers = [
        ("InputLayer", "sound", [], {"batch_input_shape": [None, 1, 800]}),
        ("Melspectrogram", "mel", ["sound"], config),
    ]
    with pytest.raises(InputError) as caught:
        _functional(layers, ["mel"])
    for key in ("return_decibel_melgram", "power_spectrogram", "image_data_format"):
        assert f"Melspectrogram: {key} must be" in caught.value.message


def test_gzipped_files_and_given_names(tmp_path: Path) -> None:
    path = tmp_path / "net.h5.gz"
    path.write_bytes(gzip.compress(keras_file(keras_model(), keras_weights())))
    assert importers.load(path).name == "net"
    assert importers.load(path, "Other Net").name == "other_net"


def test_the_published_student(shared_data: Path) -> None:
    graph = importers.load(shared_data / "models" / "edgel3_sea_ust_audio_emb_64.h5.gz")
    front = graph.frontend
    assert (front.sample_rate, front.n_fft, front.hop, front.pad_left, front.frames) == (8000, 1024, 160, 432, 50)
    np.testing.assert_allclose(front.mel, mel_filters(8000, 1024, 64, 0.0, 4000.0), atol=1e-6)
    assert (front.gain, front.offset) == pytest.approx((0.085549, 2.066025), abs=1e-6)
    prepared = passes.prepare(graph)
    kinds = [op.kind for op in prepared.ops]
    assert kinds == [*["CONV_2D", "CONV_2D", "MAX_POOL_2D"] * 4, "RESHAPE"]
    assert prepared.ops[-3].name == "audio_embedding_layer"
    again = tflite.read(tflite.write(prepared), "student.tflite")
    assert [op.name for op in again.ops] == [op.name for op in prepared.ops]
    x = front.features(np.random.default_rng(1).uniform(-0.1, 0.1, 8000))[None]
    before, after = execute(graph, [x]), execute(prepared, [x])
    np.testing.assert_allclose(after["flatten_1"], before["flatten_1"], rtol=1e-4, atol=1e-5)


def test_the_documentation_lists_every_layer() -> None:
    words = set(re.findall(r"\w+", (Path(__file__).parents[2] / "docs" / "importing.md").read_text()))
    assert CONVERTERS.keys() | {"InputLayer", "Melspectrogram"} <= words
