"""Resource variables of .tflite files: which become states, and which cannot be followed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import streaming
from raw_model import RawModel, RawTensor
from seatool.errors import InputError
from seatool.importers import tflite
from seatool.importers.tflite import records
from seatool.ir import Graph
from seatool.tflm.reference import Reference
from streaming import Builder

FIRST = np.arange(12, dtype=np.int8).reshape(1, 3, 4)


def read(model: RawModel) -> Graph:
    return tflite.read(model.bytes(), "stream.tflite")


def test_variables_are_states() -> None:
    graph = read(streaming.ring(FIRST))
    assert [(state.value, state.next) for state in graph.states] == [("ring", "ring/next")]
    assert graph.states[0].initial.tolist() == FIRST.tolist()
    kinds = ["READ_VARIABLE", "STRIDED_SLICE", "CONCATENATION", "ASSIGN_VARIABLE", "ADD"]
    assert [op.kind for op in graph.ops] == kinds
    assert graph.notes == ()


def test_what_is_never_assigned_again_is_a_constant() -> None:
    graph = read(streaming.delay(np.zeros((1, 6), np.float32)))
    assert [state.value for state in graph.states] == ["memory"]
    offset = graph.tensors["offset"].data
    assert offset is not None
    assert offset.tolist() == [list(range(-5, 5))]


def test_initial_values_may_be_computed_from_constants() -> None:
    b, buffers = Builder(), streaming.ring(FIRST).buffers
    numbers = np.linspace(-2, 2, 12, dtype=np.float32).reshape(1, 3, 4)
    value = b.constant("value", numbers, buffers, scale=(), zero_point=())
    b.op("QUANTIZE", (value,), (b.tensor("quantized", (1, 3, 4)),))
    b.assign(b.handle("ring"), "quantized")
    model = streaming.ring(FIRST)
    model.others, model.buffers = [b.done((), ())], buffers
    assert read(model).states[0].initial.reshape(-1).tolist() == [-7, -6, -6, -5, -4, -3, -3, -2, -1, 0, 0, 1]


def test_variables_are_counted_over_all_subgraphs() -> None:
    data = streaming.swap({"left": FIRST[:, :2].reshape(2, 4), "right": FIRST[:, :2].reshape(2, 4)}).bytes()
    assert records.variables(data, "swap") == 2


def test_names_end_at_a_zero_as_in_c() -> None:
    model = streaming.ring(FIRST)
    model.others[0].ops[0].fields = {0: ("string", "\0more"), 1: ("string", "ring\0")}
    graph, data = read(model), model.bytes()
    assert graph.states[0].initial.tolist() == FIRST.tolist()
    x = np.zeros((1, 1, 4), np.int8)
    assert Reference(data, graph).run([x])["before"].tolist() == FIRST.tolist()


def _lost_handle(model: RawModel) -> None:
    model.ops = [op for op in model.ops if op.kind != "VAR_HANDLE"]


def _never_assigned(model: RawModel) -> None:
    model.ops = [op for op in model.ops if op.kind not in ("ASSIGN_VARIABLE", "CALL_ONCE")]


def _late(model: RawModel) -> None:
    model.ops.append(model.ops.pop(0))


def _calls_itself(model: RawModel) -> None:
    model.ops[0].fields = {0: ("int32", 0)}


def _reads_inside(model: RawModel) -> None:
    other = model.others[0]
    other.tensors.append(RawTensor("value", (1, 3, 4)))
    other.ops[1].kind, other.ops[1].inputs, other.ops[1].outputs = "READ_VARIABLE", (0,), (2,)


def _assigns_nothing(model: RawModel) -> None:
    model.others[0].tensors[1].buffer = 0


def _other_size(model: RawModel) -> None:
    model.others[0].tensors[1].shape = (1, 2, 4)
    model.buffers[-1] = bytes(8)


def _other_type(model: RawModel) -> None:
    after = next(tensor for tensor in model.tensors if tensor.name == "before")
    after.shape = (1, 4, 4)


def _string(model: RawModel) -> None:
    next(tensor for tensor in model.tensors if tensor.name == "after").type = "STRING"


def _loop(model: RawModel) -> None:
    handle = next(op for op in model.ops if op.kind == "VAR_HANDLE").outputs[0]
    model.tensors.append(RawTensor("z", (1,)))
    model.ops[-1].kind, model.ops[-1].inputs, model.ops[-1].options = "WHILE", (handle,), 0


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_lost_handle, "READ_VARIABLE uses a variable that no VAR_HANDLE names"),
        (_never_assigned, "operator #1 READ_VARIABLE reads a variable that nothing assigns"),
        (_late, "CALL_ONCE comes after operator #1 READ_VARIABLE, which uses a variable"),
        (_calls_itself, "operator #0 CALL_ONCE calls subgraph 0, which cannot be"),
        (_reads_inside, "subgraph 1, which is called once: operator #1 READ_VARIABLE does not compute a constant"),
        (
            _assigns_nothing,
            "operator #1 ASSIGN_VARIABLE assigns what is not constant",
        ),
        (_other_size, "variable ring begins as int8[1, 2, 4], but operator #5 assigns INT8[1, 3, 4]"),
        (_other_type, "READ_VARIABLE v1: it copies int8[1, 3, 4] to int8[1, 4, 4]"),
        (_string, "variable ring is STRING[1, 3, 4], which is not supported"),
        (_loop, "WHILE v2: control flow; what runs has to be known"),
    ],
)
def test_what_cannot_be_followed_is_refused(damage: Callable[[RawModel], None], message: str) -> None:
    model = streaming.ring(FIRST)
    damage(model)
    with pytest.raises(InputError) as caught:
        read(model)
    assert message in caught.value.message
