"""Input tensors from .npy and .npz files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from seatool.errors import InputError
from seatool.ir import DType, Graph, Op, Quantization, Tensor
from seatool.pipeline.tensors import load_inputs, load_tensors, pack, unpack

QUANT = Quantization.per_tensor(0.5, 10)


def graph(*names: str) -> Graph:
    inputs = [Tensor(name, (1, 2, 3), DType.INT8, QUANT) for name in names]
    output = Tensor("out", (1, 2, 3), DType.INT8, QUANT)
    op = Op("add", "ADD", tuple(names), ("out",))
    return Graph("g", {t.name: t for t in [*inputs, output]}, (op,), tuple(names), ("out",))


def test_one_example_and_several(tmp_path: Path) -> None:
    one, many = np.zeros((1, 2, 3), np.int8), np.arange(24, dtype=np.int8).reshape(4, 2, 3)
    np.save(tmp_path / "one.npy", one)
    np.save(tmp_path / "many.npy", many)
    assert len(load_tensors(tmp_path / "one.npy", graph("a"))) == 1
    loaded = load_tensors(tmp_path / "many.npy", graph("a"))
    assert len(loaded) == 4
    np.testing.assert_array_equal(loaded[3][0], many[3:4])


def test_floats_are_quantized_half_away_from_zero_and_saturate(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([[[0.25, -0.25, 0.0], [1000.0, -1000.0, 1.0]]], np.float32))
    ((values,),) = load_tensors(tmp_path / "x.npy", graph("a"))
    assert values.tolist() == [[[11, 9, 10], [127, -128, 12]]]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 3, 4), np.int8), r"shape \[2, 3, 4\] does not fit the model's input a \[1, 2, 3\]"),
        (np.zeros((1, 2, 3), np.int16), "int16 values for input a, which is int8"),
        (np.full((1, 2, 3), np.nan, np.float32), "holds NaN"),
        (np.full((1, 2, 3), np.nan), "holds NaN"),
    ],
)
def test_unusable_arrays_are_named(tmp_path: Path, array: np.ndarray, message: str) -> None:
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(InputError, match=message):
        load_tensors(tmp_path / "x.npy", graph("a"))


def test_a_float_model_takes_what_float32_holds(tmp_path: Path) -> None:
    (plain,) = [Tensor("a", (1, 2), DType.FLOAT32)]
    net = Graph("g", {"a": plain}, (), ("a",), ("a",))
    np.save(tmp_path / "x.npy", np.array([[1.0, 2.0]]))
    ((values,),) = load_tensors(tmp_path / "x.npy", net)
    assert values.dtype == np.float32
    np.save(tmp_path / "x.npy", np.array([[1.0, 1e39]]))
    with pytest.raises(InputError, match="beyond float32"):
        load_tensors(tmp_path / "x.npy", net)


def test_a_model_for_a_batch(tmp_path: Path) -> None:
    batch = Tensor("a", (4, 3), DType.INT8, QUANT)
    net = Graph("g", {"a": batch}, (), ("a",), ("a",))
    for name, shape in {"one": (4, 3), "two": (2, 4, 3), "ten": (10, 3)}.items():
        np.save(tmp_path / f"{name}.npy", np.ones(shape, np.int8))
    assert len(load_tensors(tmp_path / "one.npy", net)) == 1
    assert len(load_tensors(tmp_path / "two.npy", net)) == 2
    with pytest.raises(InputError, match=r"shape \[10, 3\] does not fit the model's input a \[4, 3\]"):
        load_tensors(tmp_path / "ten.npy", net)


def test_a_file_for_each_input(tmp_path: Path) -> None:
    net = replace(graph("a", "b"), aliases={"b": "mask"})
    np.save(tmp_path / "a.npy", np.arange(12, dtype=np.int8).reshape(2, 2, 3))
    np.save(tmp_path / "b.npy", np.ones((2, 2, 3), np.float32))
    for name in ("mask", "b"):
        loaded = load_inputs({"a": tmp_path / "a.npy", name: tmp_path / "b.npy"}, net)
        assert [len(example) for example in loaded.examples] == [2, 2]
        assert loaded.examples[1][0].max() == 11
        assert (loaded.examples[1][1] == 12).all()
        assert loaded.quantized == ("mask from float32 to int8 (scale 0.5, zero point 10)",)


def test_faults_of_several_files_are_one_message(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((2, 3, 4), np.int8))
    np.save(tmp_path / "b.npy", np.zeros((1, 2, 3), np.int16))
    np.save(tmp_path / "c.npy", np.zeros((2, 2, 3), np.int8))
    np.save(tmp_path / "d.npy", np.zeros((3, 2, 3), np.int8))
    a, b, c, d = (tmp_path / f"{name}.npy" for name in "abcd")
    with pytest.raises(InputError, match=r"a\.npy: shape .* input a .*\n.*b\.npy: int16 values for input b"):
        load_tensors({"a": a, "b": b}, graph("a", "b"))
    with pytest.raises(InputError, match=r"numbers of examples \(.*c.npy: 2, .*d.npy: 3\)"):
        load_tensors({"a": c, "b": d}, graph("a", "b"))
    with pytest.raises(InputError, match="nothing is given for the model's input b"):
        load_tensors({"a": c}, graph("a", "b"))
    with pytest.raises(InputError, match="no input called nose") as caught:
        load_tensors({"a": c, "nose": d}, graph("a", "b"))
    assert caught.value.hint == "its inputs are a, b"


def test_pack_and_unpack_are_inverse() -> None:
    tensors = [Tensor("a", (2,), DType.INT16), Tensor("b", (3,), DType.INT8)]
    arrays = [np.array([1, -2], np.int16), np.array([3, 4, -5], np.int8)]
    for array, back in zip(arrays, unpack(pack(arrays), tensors), strict=True):
        np.testing.assert_array_equal(array, back)
