"""The students' architecture, layer by layer as edgel3's files describe it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seatool.audio import LogMel
from seatool.audio.log_mel import dft_kernels
from seatool.ir import Array
from seatool.sea.h5 import Layer
from seatool.students import FILTERS

EPSILON = 1e-3
"""Of every BatchNormalization."""

_CONV = {
    "kernel_size": [3, 3],
    "strides": [1, 1],
    "padding": "same",
    "data_format": "channels_last",
    "dilation_rate": [1, 1],
    "activation": "linear",
    "use_bias": True,
    "kernel_initializer": {
        "class_name": "VarianceScaling",
        "config": {"scale": 2.0, "mode": "fan_in", "distribution": "normal", "seed": None},
    },
    "bias_initializer": {"class_name": "Zeros", "config": {}},
    "kernel_regularizer": None,
    "bias_regularizer": None,
    "activity_regularizer": None,
    "kernel_constraint": None,
    "bias_constraint": None,
}
_NORMALIZATION = {
    "axis": -1,
    "momentum": 0.99,
    "epsilon": EPSILON,
    "center": True,
    "scale": True,
    "beta_initializer": {"class_name": "Zeros", "config": {}},
    "gamma_initializer": {"class_name": "Ones", "config": {}},
    "moving_mean_initializer": {"class_name": "Zeros", "config": {}},
    "moving_variance_initializer": {"class_name": "Ones", "config": {}},
    "beta_regularizer": None,
    "gamma_regularizer": None,
    "beta_constraint": None,
    "gamma_constraint": None,
}


def network(embedding: int) -> list[Layer]:
    """The layers behind the audio layers, without weights.

    Normalisation of the image, then four blocks of twice (3x3 convolution, normalisation, ReLU) and a 2x2 maximum
    pool, the last one over the whole image: [64, 50, 1] -> [embedding].
    """
    layers = [Layer("BatchNormalization", "batch_normalization_1", _NORMALIZATION)]
    number = 0
    for block, filters in enumerate(FILTERS[embedding], start=1):
        for _ in range(2):
            number += 1
            conv = f"conv2d_{number}" if number < 8 else "audio_embedding_layer"
            layers += [
                Layer("Conv2D", conv, {"filters": filters, **_CONV}),
                Layer("BatchNormalization", f"batch_normalization_{number + 1}", _NORMALIZATION),
                Layer("Activation", f"activation_{number}", {"activation": "relu"}),
            ]
        layers.append(_pool(f"max_pooling2d_{block}", [2, 2] if block < 4 else [8, 6]))
    return [*layers, Layer("Flatten", "flatten_1")]


def with_weights(layers: Sequence[Layer], weights: Mapping[str, Sequence[Array]]) -> list[Layer]:
    """``layers`` with the weights that Keras' ``get_weights`` gives for each layer's name."""
    names = {
        "Conv2D": ("kernel", "bias"),
        "BatchNormalization": ("gamma", "beta", "moving_mean", "moving_variance"),
    }
    return [
        Layer(
            layer.kind,
            layer.name,
            layer.config,
            dict(zip(names.get(layer.kind, ()), weights.get(layer.name, ()), strict=True)),
        )
        for layer in layers
    ]


def audio_layers(log_mel: LogMel) -> list[Layer]:
    """Input and kapre ``Melspectrogram`` layer with its kernels, of a front end that is not yet normalised."""
    kernels = dft_kernels(log_mel.window)[:, None, None, :]
    bins = log_mel.n_fft // 2 + 1
    sound = {"batch_input_shape": [None, 1, log_mel.window_samples], "dtype": "float32", "sparse": False}
    settings = {
        "n_dft": log_mel.n_fft,
        "n_hop": log_mel.hop,
        "padding": "same",
        "power_spectrogram": 2.0,
        "return_decibel_spectrogram": False,
        "trainable_kernel": False,
        "image_data_format": "channels_last",
        "sr": log_mel.sample_rate,
        "n_mels": log_mel.bands,
        "fmin": 0.0,
        "fmax": log_mel.sample_rate / 2,
        "trainable_fb": False,
        "power_melgram": log_mel.power,
        "return_decibel_melgram": True,
        "htk": True,
        "norm": 1,
    }
    tables = {"real_kernels": kernels[..., :bins], "imag_kernels": kernels[..., bins:], "Variable": log_mel.mel}
    return [
        Layer("InputLayer", "input_1", sound),
        Layer("Melspectrogram", "melspectrogram_1", settings, tables),
    ]


def _pool(name: str, size: list[int]) -> Layer:
    config: dict[str, Any] = {"pool_size": size, "padding": "valid", "strides": size, "data_format": "channels_last"}
    return Layer("MaxPooling2D", name, config)
