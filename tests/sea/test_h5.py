"""Files in the layout of Keras 2, compared with one that edgel3 published."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from seatool.sea import h5, student, teacher


def zeros(embedding: int) -> list[h5.Layer]:
    """A student's layers, all weights zero, as the published models arrange them."""
    weights: dict[str, list[Any]] = {}
    channels = 1
    for layer in student.network(embedding):
        if layer.kind == "Conv2D":
            filters = layer.config["filters"]
            weights[layer.name] = [np.zeros((3, 3, channels, filters), np.float32), np.zeros(filters, np.float32)]
            channels = filters
        elif layer.kind == "BatchNormalization":
            weights[layer.name] = [np.zeros(channels, np.float32)] * 4
    return [*student.audio_layers(teacher.COARSE), *student.with_weights(student.network(embedding), weights)]


def layout(file: h5py.File) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shape and dtype of every dataset by path."""
    found: dict[str, tuple[tuple[int, ...], str]] = {}

    def visit(path: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[path] = item.shape, str(item.dtype)

    file.visititems(visit)
    return found


@pytest.fixture(scope="module")
def published(shared_data: Path) -> h5py.File:
    packed = shared_data / "models" / "edgel3_sea_ust_audio_emb_64.h5.gz"
    return h5py.File(io.BytesIO(gzip.decompress(packed.read_bytes())))


def test_weights_lie_where_the_published_model_has_them(published: h5py.File) -> None:
    ours = h5py.File(io.BytesIO(h5.write("audio_model", zeros(64))))
    assert layout(ours) == layout(published)
    theirs = published["model_weights"]
    assert list(ours["model_weights"].attrs["layer_names"]) == list(theirs.attrs["layer_names"])
    for name, group in theirs.items():
        assert list(ours["model_weights"][name].attrs["weight_names"]) == list(group.attrs["weight_names"]), name


def test_description_equals_the_published_one(published: h5py.File) -> None:
    ours = json.loads(h5py.File(io.BytesIO(h5.write("audio_model", zeros(64)))).attrs["model_config"])
    theirs = json.loads(published.attrs["model_config"])
    for layer in theirs["config"]["layers"]:
        if layer["class_name"] == "Conv2D":
            layer["config"]["kernel_regularizer"] = None  # training's matter
    assert ours == theirs


def test_audio_kernels_are_the_published_ones(published: h5py.File) -> None:
    ours = h5py.File(io.BytesIO(h5.write("audio_model", student.audio_layers(teacher.COARSE))))
    for path in layout(ours):
        np.testing.assert_array_equal(ours[path][()], published[path][()], err_msg=path)


def test_equal_networks_give_equal_bytes() -> None:
    layers = zeros(64)
    assert h5.write("m", layers) == h5.write("m", layers)


def test_compressed_files_carry_no_date() -> None:
    packed = h5.compress(b"content")
    assert gzip.decompress(packed) == b"content"
    assert packed[3:8] == bytes(5)


@pytest.mark.parametrize(
    ("embedding", "macs"), [(64, 122_425_344), (128, 131_272_704), (256, 159_584_256), (512, 636_493_824)]
)
def test_students_cost_what_the_paper_s_models_cost(embedding: int, macs: int) -> None:
    total, channels, pixels = 0, 1, 64 * 50
    for layer in student.network(embedding):
        if layer.kind == "Conv2D":
            total += pixels * 9 * channels * layer.config["filters"]
            channels = layer.config["filters"]
        elif layer.kind == "MaxPooling2D":
            pixels = {3200: 800, 800: 192, 192: 48, 48: 1}[pixels]
    assert channels == embedding
    assert total == macs
