"""Streaming models: their variables in the generated C, over sequences of inferences, against TFLM."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import streaming
from hosted import Hosted, assert_equal
from nets import inputs_of
from raw_model import RawModel
from seatool import boards, passes, plan
from seatool.importers import tflite
from seatool.ir import Graph
from seatool.quantize.execute import Executor
from seatool.tflm.reference import Reference

M7 = boards.load("m7")
COUNT = 9
PATTERN = np.arange(-12, 12, dtype=np.int8)
MODELS = {
    "ring": streaming.ring(),
    "ring_with_values": streaming.ring(PATTERN[:12].reshape(1, 3, 4)),
    "swap": streaming.swap({"left": PATTERN[:8].reshape(2, 4), "right": np.full((2, 4), 7, np.int8)}),
    "swap_half_initialised": streaming.swap({"right": PATTERN[:8].reshape(2, 4)}),
    "delay": streaming.delay(np.linspace(-9, 9, 6, dtype=np.float32).reshape(1, 6)),
}
EVERY_MODEL = pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))


def read(model: RawModel) -> tuple[Graph, bytes]:
    data = model.bytes()
    return tflite.read(data, "stream.tflite"), data


@EVERY_MODEL
@pytest.mark.parametrize("merge", [True, False], ids=["merged", "unfused"])
def test_every_tensor_of_a_sequence_equals_tflm(model: RawModel, merge: bool, tmp_path: Path) -> None:
    graph, data = read(model)
    optimized, _ = passes.optimize(graph, merge=merge)
    hosted = Hosted.of(optimized, M7, tmp_path, plan.PlanOptions(fuse=merge))
    cases = inputs_of(graph, COUNT)
    for _ in range(2):  # the second sequence begins as the first one did
        reference = Reference(data, graph)
        for case, got in zip(cases, hosted.run(cases), strict=True):
            assert_equal(got, reference.run(case))


@EVERY_MODEL
def test_the_executor_keeps_variables(model: RawModel) -> None:
    graph, data = read(model)
    reference, executor = Reference(data, graph), Executor(graph)
    for case in inputs_of(graph, COUNT):
        assert_equal(executor(case, graph.tensors), reference.run(case), skip=_unseen(graph))


def _unseen(graph: Graph) -> list[str]:
    """Constants, and what a variable was: TFLM has no tensor for it."""
    constants = [name for name, tensor in graph.tensors.items() if tensor.is_constant]
    return [*constants, *(state.value for state in graph.states)]


def test_a_variable_is_read_where_it_is_unless_it_changes_too_early() -> None:
    kept = {name: [op.name for op in _reads(model)] for name, model in MODELS.items()}
    assert kept == {
        "ring": ["before"],  # the sum needs what the variable was
        "ring_with_values": ["before"],
        "swap": ["a", "fresh"],  # `fresh` is an output of the model
        "swap_half_initialised": ["a", "fresh"],
        "delay": [],
    }


def _reads(model: RawModel) -> list[object]:
    return [op for op in passes.optimize(read(model)[0])[0].ops if op.kind == "READ_VARIABLE"]


def test_a_reset_of_tflm_is_the_zero_point_where_nothing_else_is_assigned(tmp_path: Path) -> None:
    graph, _ = read(MODELS["ring"])
    hosted = Hosted.of(graph, M7, tmp_path)
    source = (tmp_path / "model" / "stream.c").read_text()
    assert "memset" in source.split("int stream_init")[1]
    assert (graph.states[0].initial == -3).all()
    zeros = [(np.zeros((1, 1, 4), np.int8),)]
    assert (hosted.run(zeros)[0]["before"] == -3).all()


@EVERY_MODEL
def test_variables_survive_writing(model: RawModel) -> None:
    graph, data = read(model)
    written = tflite.write(graph)
    first, second = Reference(data, graph), Reference(written, graph)
    again = tflite.read(written, "stream.tflite")
    assert [op.kind for op in again.ops] == [op.kind for op in graph.ops]
    for ours, other in zip(again.states, graph.states, strict=True):
        assert ours.initial.tolist() == other.initial.tolist()
    for case in inputs_of(graph, COUNT):
        assert_equal(second.run(case), first.run(case))
