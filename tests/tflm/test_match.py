"""Which of TFLM's operators belong to which step of the compiled model."""

from __future__ import annotations

import pytest
from nets import classifier
from raw_model import RawModel, RawOp, RawTensor
from seatool import boards, passes, plan
from seatool.importers import tflite
from seatool.importers.tflite import records, write
from seatool.tflm.match import step_of_operators


def graph_of(*edges: tuple[str, str]) -> records.RawModel:
    """Operators as "inputs>outputs", each tensor one letter."""
    letters = sorted({letter for edge in edges for letter in "".join(edge)})
    tensors = [RawTensor(letter, (1, 2)) for letter in letters]
    ops = [
        RawOp("ADD", list(map(letters.index, inputs)), list(map(letters.index, outputs))) for inputs, outputs in edges
    ]
    last = letters.index(edges[-1][1][-1])
    return records.parse(RawModel(tensors, ops, [letters.index(edges[0][0][0])], [last]).bytes(), "model")


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ([["b"], ["c"], ["d"]], [0, 1, 2]),
        ([["c"], ["d"]], [0, 0, 1]),
        ([["d"]], [0, 0, 0]),
        ([["b"]], [0, None, None]),
    ],
)
def test_chain(outputs: list[list[str]], expected: list[int | None]) -> None:
    assert step_of_operators(graph_of(("a", "b"), ("b", "c"), ("c", "d")), outputs) == expected


def test_first_of_several_readers() -> None:
    model = graph_of(("a", "b"), ("b", "c"), ("b", "d"), ("cd", "e"))
    assert step_of_operators(model, [["d"], ["c"], ["e"]]) == [0, 1, 0, 2]


def test_a_step_that_leaves_an_inner_tensor() -> None:
    model = graph_of(("a", "b"), ("b", "c"), ("bc", "d"))
    assert step_of_operators(model, [["c", "b"], ["d"]]) == [0, 0, 1]


def test_every_operator_of_a_planned_model_has_its_step() -> None:
    data = write(classifier())
    graph, _ = passes.optimize(tflite.read(data, "net"))
    program = plan.plan(graph, boards.load("m7"))
    model = records.parse(data, "net")
    outputs = [[tensor.name for tensor in step.outputs] for step in program.steps]
    steps = step_of_operators(model, outputs)
    assert None not in steps
    for op, step in zip(model.ops, steps, strict=True):
        kinds = [operator.kind for operator in program.steps[step or 0].operators]
        assert op.kind in kinds or len(kinds) == 1
