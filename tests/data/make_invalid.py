#!/usr/bin/env python3
"""Write the damaged and unsupported models in ``invalid/``, one per fault and named after it. Deterministic."""

from __future__ import annotations

import gzip
import io
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from raw_model import RawModel, RawOp, RawTensor, small

FOLDER = Path(__file__).parent / "invalid"

Make = Callable[[], bytes]


def files() -> dict[str, bytes]:
    """Every file's name and contents."""
    tflite = {f"{name}.tflite": make() for name, make in TFLITE.items()}
    keras = {f"{name}.h5": make() for name, make in H5.items()}
    return tflite | keras | {name: make() for name, make in OTHERS.items()}


def _edited(change: Callable[[RawModel], None]) -> Make:
    def make() -> bytes:
        model = small()
        change(model)
        return model.bytes()

    return make


def _set(thing: Any, values: dict[str, Any]) -> None:
    for key, value in values.items():
        assert hasattr(thing, key)
        setattr(thing, key, value)


def _tensor(index: int, **values: Any) -> Make:
    return _edited(lambda model: _set(model.tensors[index], values))


def _op(index: int, **values: Any) -> Make:
    return _edited(lambda model: _set(model.ops[index], values))


def _model(**values: Any) -> Make:
    return _edited(lambda model: _set(model, values))


def _patched(old: bytes, new: bytes) -> Make:
    """The valid model with one byte string replaced."""

    def make() -> bytes:
        data = small().bytes()
        assert data.count(old) == 1
        return data.replace(old, new)

    return make


def _huge_vector() -> bytes:
    """The length of the constant's data says 4 GB."""
    data = small().bytes()
    return data.replace(struct.pack("<I", 2) + bytes([1, 255]), struct.pack("<I", 0xFFFFFFFF) + bytes([1, 255]))


def _odd_field_table() -> bytes:
    """The model's table of fields ends in the middle of an entry."""
    data = bytearray(small().bytes())
    (root,) = struct.unpack_from("<I", data)
    data[root - struct.unpack_from("<i", data, root)[0]] += 1
    return bytes(data)


def _several_unsupported(model: RawModel) -> None:
    model.tensors += [RawTensor(f"head/{name}", (1, 2, 2, 2)) for name in ("up", "topk", "mine", "rank")]
    model.ops += [
        RawOp("CONV_3D", (3,), (4,), version=3),
        RawOp("TOPK_V2", (4,), (5,)),
        RawOp("custom:MyFancyOp", (5,), (6,)),
        RawOp(250, (6,), (7,)),
    ]
    model.outputs = (7,)


def _legacy(model: RawModel) -> None:
    for tensor in model.tensors:
        _set(tensor, {"type": "UINT8", "zero_point": (128,)})


def _float_of_wrong_rank(model: RawModel) -> None:
    for tensor in model.tensors:
        _set(tensor, {"type": "FLOAT32", "scale": (), "zero_point": ()})
    model.buffers = [b"", bytes(8)]
    _set(model.tensors[0], {"shape": (4, 8), "signature": None})


TFLITE: dict[str, Make] = {
    "empty": lambda: b"",
    "truncated": lambda: small().bytes()[:-200],
    "truncated_to_header": lambda: small().bytes()[:10],
    "wrong_magic": _model(identifier=b"TFL2"),
    "wrong_version": _model(version=2),
    "root_outside": lambda: b"\xff" + small().bytes()[1:],
    "bit_flipped": lambda: small().bytes()[:1] + b"\x40" + small().bytes()[2:],
    "huge_vector": _huge_vector,
    "odd_field_table": _odd_field_table,
    "same_bytes_over_and_over": _model(tensors=[RawTensor("x" * 8000, (1,))] * 4000),
    "huge_dimensions": _tensor(1, shape=(1, 65535, 65535, 1000)),
    "negative_dimension": _tensor(1, shape=(1, -4, 2, 2)),
    "zero_dimension": _tensor(1, shape=(1, 0, 2, 2)),
    "too_many_dimensions": _tensor(1, shape=(1,) * 9),
    "open_dimensions": _tensor(0, signature=(-1, -1, -1, 2)),
    "unknown_type": _tensor(1, type=99),
    "nan_scale": _tensor(1, scale=(float("nan"),)),
    "infinite_scale": _tensor(1, scale=(float("inf"),)),
    "zero_scale": _tensor(1, scale=(0.0,)),
    "negative_scale": _tensor(1, scale=(-0.5,)),
    "zero_point_outside_type": _tensor(1, zero_point=(200,)),
    "fewer_zero_points_than_scales": _tensor(2, scale=(0.5, 0.5, 0.5), zero_point=(0, 0)),
    "more_scales_than_channels": _tensor(2, scale=(0.5, 0.5, 0.5), zero_point=(0, 0, 0)),
    "quantized_dimension_outside_shape": _tensor(1, scale=(0.5, 0.5), zero_point=(0, 0), axis=4),
    "missing_buffer": _tensor(2, buffer=7),
    "constant_without_data": _tensor(2, buffer=0),
    "short_buffer": _tensor(2, shape=(64,)),
    "nan_weights": _edited(
        lambda model: (
            _set(model.tensors[2], {"type": "FLOAT32", "scale": (), "zero_point": ()}),
            _set(model, {"buffers": [b"", np.array([1.0, np.nan], np.float32).tobytes()]}),
        )[0]
    ),
    "custom_options_outside_file": _op(1, custom_options=1 << 21),
    "buffer_outside_file": _model(buffer_offset=4096),
    "external_buffer": _tensor(2, external_buffer=1),
    "sparse_weights": _tensor(2, is_sparse=True),
    "state": _tensor(1, is_variable=True),
    "int4_weights": _edited(
        lambda model: (_set(model.tensors[2], {"type": "INT4"}), _set(model, {"buffers": [b"", b"\x21"]}))[0]
    ),
    "uint8": _edited(_legacy),
    "no_subgraph": _model(subgraphs=0),
    "no_inputs": _model(inputs=()),
    "no_outputs": _model(outputs=()),
    "no_operator": _model(ops=[]),
    "input_outside_model": _model(inputs=(17,)),
    "tensor_index_outside_model": _op(1, inputs=(1, 99)),
    "negative_tensor_index": _op(1, inputs=(1, -7)),
    "operator_code_outside_model": _op(1, code=9),
    "operator_without_output": _op(0, outputs=()),
    "cycle": _op(0, inputs=(3,)),
    "produced_twice": _op(1, outputs=(1,)),
    "written_constant": _op(0, outputs=(2,)),
    "output_never_produced": _model(ops=small().ops[:1]),
    "output_is_constant": _model(outputs=(3, 2)),
    "input_is_constant": _model(inputs=(0, 2)),
    "wrong_options": _op(0, options=8),
    "options_of_type_none": _edited(lambda model: setattr(model.ops[0], "typed", False)),
    "unknown_padding": _edited(lambda model: model.ops[0].fields.update({0: ("int8", 9)})),
    "zero_stride": _edited(lambda model: model.ops[0].fields.update({1: ("int32", 0)})),
    "huge_stride": _edited(lambda model: model.ops[0].fields.update({1: ("int32", 2**31 - 1)})),
    "huge_window": _edited(lambda model: model.ops[0].fields.update({0: ("int8", 0), 3: ("int32", 1 << 25)})),
    "huge_activation": _tensor(1, shape=(1, 8192, 8192, 2)),
    "too_many_inputs": _op(0, inputs=(0, 0)),
    "too_many_outputs": _edited(
        lambda model: (model.tensors.append(RawTensor("more", (1, 2, 2, 2))), _set(model.ops[0], {"outputs": (1, 4)}))[
            1
        ]
    ),
    "missing_operand": _op(1, inputs=(1,)),
    "shapes_do_not_fit": _tensor(1, shape=(1, 3, 3, 2)),
    "wrong_rank": _edited(
        lambda model: (
            _set(model.tensors[0], {"shape": (4, 8), "signature": None}),
            _set(model.tensors[1], {"shape": (8,)}),
        )[0]
    ),
    "float_of_wrong_rank": _edited(_float_of_wrong_rank),
    "future_version": _op(0, version=99),
    "several_unsupported": _edited(_several_unsupported),
    "streaming_state": _edited(lambda model: model.ops.insert(0, RawOp("CALL_ONCE", (), ()))),
    "control_flow": _edited(
        lambda model: (_set(model.ops[1], {"kind": "WHILE", "options": 0}), _set(model, {"subgraphs": 3}))[0]
    ),
    "float_inside_int8": _edited(
        lambda model: (
            model.tensors.append(RawTensor("head/float", (1, 2, 2, 2), "FLOAT32", (), ())),
            model.ops.append(RawOp("ADD", (4, 4), (3,), options=11, fields={0: ("int8", 0)})),
            _set(model.ops[1], {"kind": "DEQUANTIZE", "inputs": (1,), "outputs": (4,), "options": 0, "fields": {}}),
        )[0]
    ),
}


def _layer(kind: str, name: str, sources: tuple[str, ...], **config: Any) -> dict[str, Any]:
    inbound = [[[source, 0, 0, {}] for source in sources]] if sources else []
    return {"class_name": kind, "name": name, "config": {"name": name} | config, "inbound_nodes": inbound}


def keras_model() -> dict[str, Any]:
    """A valid description: input, convolution, dense layer."""
    layers = [
        _layer("InputLayer", "image", (), batch_input_shape=[None, 4, 4, 1]),
        _layer("Conv2D", "conv", ("image",), filters=2, kernel_size=[3, 3], padding="same", activation="relu"),
        _layer("Flatten", "flatten", ("conv",)),
        _layer("Dense", "dense", ("flatten",), units=3),
    ]
    config = {"name": "model", "layers": layers, "input_layers": [["image", 0, 0]], "output_layers": [["dense", 0, 0]]}
    return {"class_name": "Model", "config": config}


def keras_weights() -> dict[str, dict[str, np.ndarray]]:
    """Its weights, by layer."""
    ramp = np.linspace(-1, 1, 96, dtype=np.float32)
    return {
        "conv": {"kernel": ramp[:18].reshape(3, 3, 1, 2), "bias": ramp[:2]},
        "dense": {"kernel": ramp.reshape(32, 3), "bias": ramp[:3]},
    }


def keras_file(model: Any, weights: dict[str, dict[str, np.ndarray]], version: str = "2.3.1") -> bytes:
    """An .h5 file as Keras writes it; ``model`` None leaves the description out, a str is stored as it is."""
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        if model is not None:
            file.attrs["model_config"] = model if isinstance(model, str) else json.dumps(model)
        file.attrs["keras_version"] = version
        for layer, values in weights.items():
            group = file.create_group(f"model_weights/{layer}")
            group.attrs["weight_names"] = [f"{layer}/{role}:0".encode() for role in values]
            for role, value in values.items():
                group[f"{layer}/{role}:0"] = value
    return stream.getvalue()


def _keras(
    change: Callable[[dict[str, Any], dict[str, Any]], None] = lambda layers, weights: None,
    **config: Any,
) -> Make:
    """The valid Keras file after ``change(layers by name, weights)``; ``config``: changes of the model's config."""

    def make() -> bytes:
        model, weights = keras_model(), keras_weights()
        change({layer["name"]: layer for layer in model["config"]["layers"]}, weights)
        model["config"].update(config)
        return keras_file(model, weights)

    return make


def _settings(layer: str, **values: Any) -> Make:
    return _keras(lambda layers, weights: layers[layer]["config"].update(values))


def _unsupported_layers(layers: dict[str, Any], weights: dict[str, Any]) -> None:
    layers["conv"]["class_name"] = "LSTM"
    layers["dense"]["config"]["activation"] = "selu"


def _small_image(layers: dict[str, Any], weights: dict[str, Any]) -> None:
    layers["image"]["config"]["batch_input_shape"] = [None, 2, 4, 1]
    layers["conv"]["config"]["padding"] = "valid"


def _spectrogram(layers: dict[str, Any], weights: dict[str, Any]) -> None:
    """A Melspectrogram whose kernels were trained away from a Fourier transform."""
    layers["image"]["config"]["batch_input_shape"] = [None, 1, 256]
    layers["conv"]["class_name"] = "Melspectrogram"
    layers["conv"]["config"] = {"name": "conv", "n_dft": 16, "n_hop": 8, "n_mels": 4, "sr": 8000}
    kernel = np.linspace(-1, 1, 16 * 9, dtype=np.float32).reshape(16, 1, 1, 9)
    weights["conv"] = {"real_kernels": kernel, "imag_kernels": kernel, "mel": np.ones((9, 4), np.float32)}


def _endless_heap() -> bytes:
    """An object of a global heap whose size wraps around, on which the HDF5 library loops for ever."""
    data = bytearray(keras_file(keras_model(), keras_weights()))
    size_at = data.index(b"GCOL") + 16 + 8
    data[size_at : size_at + 8] = struct.pack("<Q", 2**64 - 16)
    return bytes(data)


H5: dict[str, Make] = {
    "endless_heap": _endless_heap,
    "not_hdf5": lambda: b"this is not an HDF5 file",
    "truncated_hdf5": lambda: keras_file(keras_model(), keras_weights())[:700],
    "weights_only": lambda: keras_file(None, keras_weights()),
    "description_no_json": lambda: keras_file("{", keras_weights()),
    "description_no_object": lambda: keras_file([1], keras_weights()),
    "description_nested_deeply": lambda: keras_file("[" * 5000, keras_weights()),
    "subclassed_model": lambda: keras_file({"class_name": "MyModel", "config": {}}, {}),
    "keras_1": lambda: keras_file(keras_model(), keras_weights(), "1.2.2"),
    "no_layers": _keras(layers=[]),
    "no_output_layers": _keras(output_layers=None),
    "layer_without_name": _keras(layers=[{"class_name": "Flatten", "config": {}}]),
    "unknown_output_layer": _keras(output_layers=[["nobody", 0, 0]]),
    "cyclic": _keras(lambda layers, weights: layers["conv"].update(inbound_nodes=[[["flatten", 0, 0, {}]]])),
    "inputs_no_list": _keras(lambda layers, weights: layers["conv"].update(inbound_nodes=[7])),
    "output_is_input": _keras(output_layers=[["image", 0, 0]]),
    "unsupported_layers": _keras(_unsupported_layers),
    "channels_first": _settings("conv", data_format="channels_first"),
    "groups": _settings("conv", groups=2),
    "open_input": _settings("image", batch_input_shape=[None, None, 4, 1]),
    "input_without_shape": _settings("image", batch_input_shape=None),
    "huge_input": _settings("image", batch_input_shape=[None, 1 << 23, 1 << 23, 1]),
    "filters_no_number": _settings("conv", filters="many"),
    "kernel_larger_than_input": _keras(_small_image),
    "huge_kernel": _settings("conv", kernel_size=[1 << 19, 1 << 19]),
    "missing_weights": _keras(lambda layers, weights: weights.pop("dense") and None),
    "missing_bias": _keras(lambda layers, weights: weights["dense"].pop("bias") is None),
    "wrong_shape": _keras(lambda layers, weights: weights["dense"].update(bias=np.zeros(5, np.float32))),
    "nan_in_weights": _keras(lambda layers, weights: weights["dense"].update(bias=np.full(3, np.nan, np.float32))),
    "integer_weights": _keras(lambda layers, weights: weights["dense"].update(bias=np.zeros(3, np.int32))),
    "trained_spectrogram": _keras(_spectrogram),
}


def _zipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


OTHERS: dict[str, Make] = {
    "truncated.h5.gz": lambda: _zipped(keras_file(keras_model(), keras_weights()))[:-60],
    "damaged.h5.gz": lambda: _zipped(keras_file(keras_model(), keras_weights()))[:200] + b"\xff" * 400,
    "gzipped_text.h5.gz": lambda: _zipped(b"not a model"),
    "not_zip.keras": lambda: b"not an archive",
    "unknown.bin": lambda: b"GIF89a......",
}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, data in files().items():
        (FOLDER / name).write_bytes(data)
