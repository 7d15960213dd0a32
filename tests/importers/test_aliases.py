"""What a file's signature calls inputs and outputs, from the file to where people give and see names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from raw_model import RawModel, small
from seatool.errors import InputError
from seatool.importers import tflite
from seatool.ir import Graph
from seatool.passes import optimize
from seatool.pipeline.tensors import load_tensors

ALIASES = {"serving_default_x:0": "image", "block/shift/add": "output_0"}


def named(inputs: dict[str, int], outputs: dict[str, int]) -> RawModel:
    model = small()
    model.signatures, model.aliases = {0: "serving_default"}, (inputs, outputs)
    return model


def read(model: RawModel) -> Graph:
    return tflite.read(model.bytes(), "m")


def test_the_names_of_a_signature_are_aliases_of_tensors() -> None:
    graph = read(named({"image": 0}, {"output_0": 3}))
    assert dict(graph.aliases) == ALIASES
    assert set(graph.aliases) == {*graph.inputs, *graph.outputs}


def test_they_survive_passes_and_the_writer() -> None:
    graph, _ = optimize(read(named({"image": 0}, {"output_0": 3})))
    data = tflite.write(graph)
    assert dict(tflite.read(data, "m").aliases) == ALIASES
    assert tflite.write(tflite.read(data, "m")) == data


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        ({}, {}),
        ({"": 0}, {}),
        ({"inner": 1}, {"offset": 2}),
        ({"same": 0}, {"same": 3}),
        ({"block/shift/add": 0}, {}),
        ({"serving_default_x:0": 0}, {}),
        ({"far": 99}, {}),
    ],
)
def test_names_that_are_none_are_passed_over(inputs: dict[str, int], outputs: dict[str, int]) -> None:
    assert dict(read(named(inputs, outputs)).aliases) == {}


def test_arrays_are_found_by_alias_and_by_tensor(tmp_path: Path) -> None:
    graph = read(named({"image": 0}, {"output_0": 3}))
    x = np.arange(32, dtype=np.int8).reshape(1, 4, 4, 2)
    for name in ("image", "serving_default_x:0"):
        np.savez(tmp_path / "x.npz", **{name: x, "label": x[:, :1]})
        ((found,),) = load_tensors(tmp_path / "x.npz", graph)
        assert np.array_equal(found, x)
    np.savez(tmp_path / "y.npz", a=x, b=x)
    with pytest.raises(InputError, match="holds a, b, but nothing for the model's input image"):
        load_tensors(tmp_path / "y.npz", graph)
