"""Which kernels a model registers."""

from __future__ import annotations

import numpy as np
import pytest
from nets import classifier, residual
from raw_model import RawModel, RawOp, RawTensor
from seatool.errors import InputError
from seatool.importers.tflite import records, write
from seatool.tflm.operators import registrations


def calls(data: bytes) -> list[str]:
    return [registration.call for registration in registrations(records.parse(data, "model"))]


def test_int8_models_register_int8_kernels() -> None:
    assert calls(write(residual())) == [
        "AddAdd(tflite::Register_ADD_INT8())",
        "AddAveragePool2D(tflite::Register_AVERAGE_POOL_2D_INT8())",
        "AddMaxPool2D(tflite::Register_MAX_POOL_2D_INT8())",
        "AddMul(tflite::Register_MUL_INT8())",
    ]


def test_operators_without_such_a_kernel_register_their_own() -> None:
    needed = calls(write(classifier()))
    assert {"AddConcatenation()", "AddDequantize()", "AddLogistic()", "AddQuantize()", "AddSplit()"} <= set(needed)
    assert "AddFullyConnected(tflite::Register_FULLY_CONNECTED_INT8())" in needed
    assert needed == sorted(needed)


def pools(*types: str) -> bytes:
    """A chain of poolings, each of its own type."""
    tensors = [RawTensor(f"t{i}", (1, 2, 2, 1), kind) for i, kind in enumerate(t for t in types for _ in range(2))]
    ops = [RawOp("MAX_POOL_2D", [2 * i], [2 * i + 1], version=3) for i in range(len(types))]
    count = 2 * len(types)
    return RawModel(tensors, ops, range(0, count, 2), range(1, count, 2)).bytes()


@pytest.mark.parametrize(
    ("types", "kernel"),
    [
        (("INT8",), "tflite::Register_MAX_POOL_2D_INT8()"),
        (("INT16",), "tflite::Register_MAX_POOL_2D_INT16()"),
        (("INT8", "INT16"), ""),
        (("FLOAT32",), ""),
    ],
)
def test_one_kernel_serves_all_operators_of_a_kind(types: tuple[str, ...], kernel: str) -> None:
    assert calls(pools(*types)) == [f"AddMaxPool2D({kernel})"]


def test_biases_and_paddings_do_not_count() -> None:
    paddings = np.zeros((4, 2), np.int32).tobytes()
    tensors = [RawTensor("x", (1, 2, 2, 1)), RawTensor("p", (4, 2), "INT32", buffer=1), RawTensor("y", (1, 2, 2, 1))]
    model = RawModel(tensors, [RawOp("PAD", [0, 1], [2])], [0], [2], [b"", paddings])
    assert calls(model.bytes()) == ["AddPad(tflite::Register_PAD_INT8())"]


def one(kind: str, inputs: str, output: str) -> list[str]:
    """An operator with inputs of the types, one of them a variable if it ends with a star."""
    types = [*inputs.split(), output]
    tensors = [RawTensor(f"t{i}", (1, 2), t.strip("*"), is_variable="*" in t) for i, t in enumerate(types)]
    last = len(types) - 1
    return calls(RawModel(tensors, [RawOp(kind, range(last), [last])], [0], [last]).bytes())


@pytest.mark.parametrize(
    ("kind", "inputs", "output", "kernel"),
    [
        ("SOFTMAX", "INT8", "INT8", "INT8"),
        ("SOFTMAX", "INT8", "INT16", "INT8_INT16"),
        ("SOFTMAX", "INT16", "INT16", "INT16"),
        ("CONV_2D", "INT16 INT8 INT64", "INT16", "INT16"),
        ("CONV_2D", "INT8 INT4 INT32", "INT8", None),
        ("CONV_2D", "INT8 INT8 INT32", "INT16", None),
        ("FULLY_CONNECTED", "INT8 FLOAT32", "INT8", None),
        ("QUANTIZE", "INT8", "INT16", None),
        ("SVDF", "INT8 INT8 INT16 INT32 INT16*", "INT8", "INT8"),
        ("SVDF", "FLOAT32 FLOAT32 FLOAT32 FLOAT32 FLOAT32*", "FLOAT32", None),
        ("TRANSPOSE_CONV", "INT32 INT8 INT8 INT32", "INT8", "INT8"),
        ("UNIDIRECTIONAL_SEQUENCE_LSTM", "INT8 INT8 INT32 INT8* INT16*", "INT8", "INT8"),
        ("LOGICAL_NOT", "BOOL", "BOOL", None),
    ],
)
def test_types_choose_the_kernel(kind: str, inputs: str, output: str, kernel: str | None) -> None:
    (call,) = one(kind, inputs, output)
    assert call.endswith(f"(tflite::Register_{kind}_{kernel}())" if kernel else "()")


def test_further_subgraphs_are_looked_through() -> None:
    tensors = [RawTensor("x", (1, 2)), RawTensor("y", (1, 2))]
    model = RawModel(tensors, [RawOp("TANH", [0], [1])], [0], [1])
    assert records.further_kinds(model.bytes(), "model") == frozenset()
    model.copies = 1
    assert records.further_kinds(model.bytes(), "model") == {"TANH"}


def test_operators_of_further_subgraphs_are_registered_for_any_type() -> None:
    model = records.parse(write(residual()), "model")
    found = [registration.call for registration in registrations(model, {"ADD", "TANH"})]
    assert [call for call in found if "INT8" not in call] == ["AddAdd()", "AddTanh()"]
    assert len(found) == 5


def test_custom_operators_are_refused() -> None:
    tensors = [RawTensor("x", (1, 2)), RawTensor("y", (1, 2))]
    model = RawModel(tensors, [RawOp("custom:Mine", [0], [1])], [0], [1])
    with pytest.raises(InputError, match="#0 Mine is a custom one"):
        calls(model.bytes())
