"""UNIDIRECTIONAL_SEQUENCE_LSTM against TFLM and the C kernel: sequences of inferences, each over a sequence."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import rig
from hypothesis import assume, given
from hypothesis import strategies as st
from seatool.importers import tflite
from seatool.ir import DType, Graph, Tensor
from seatool.kernels.lstm import LstmAttributes


@dataclass(frozen=True)
class Layer:
    """Sizes and quantization; ``scales`` and zeros of input and hidden state, ``power`` of the cells' scale."""

    batches: int = 1
    steps: int = 1
    inputs: int = 4
    units: int = 4
    scales: tuple[float, float] = (0.02, 1 / 128)
    zeros: tuple[int, int] = (0, 0)
    power: int = -11
    bias: int = 2000


def lstm(layer: Layer, attributes: LstmAttributes, seed: int = 0) -> Graph:
    """Random weights, each with a scale of its own."""
    rng = np.random.default_rng(seed)
    units = layer.units

    def weights(name: str, *shape: int) -> Tensor:
        return rig.tensor(name, shape, rng.uniform(0.002, 0.02), data=rng.integers(-127, 128, shape).astype(np.int8))

    def bias(name: str) -> Tensor:
        data = rng.integers(-layer.bias, layer.bias + 1, units).astype(np.int32)
        return rig.tensor(name, (units,), 0.0001, data=data, dtype=DType.INT32)

    rows = (layer.steps, layer.batches) if attributes.time_major else (layer.batches, layer.steps)
    operands: list[Tensor | None] = [rig.tensor("x", (*rows, layer.inputs), layer.scales[0], layer.zeros[0])]
    operands += [weights(f"w{i}", units, layer.inputs) for i in range(4)]
    operands += [weights(f"r{i}", units, units) for i in range(4)] + [None] * 3
    operands += [bias(f"b{i}") for i in range(4)] + [None] * 2
    operands.append(rig.tensor("hidden", (layer.batches, units), layer.scales[1], layer.zeros[1]))
    operands.append(rig.tensor("cell", (layer.batches, units), 2.0**layer.power, dtype=DType.INT16))
    output = rig.tensor("y", (*rows, units), layer.scales[1], layer.zeros[1])
    kind = "UNIDIRECTIONAL_SEQUENCE_LSTM"
    return rig.stateful(rig.single(kind, [*operands, *[None] * 4], [output], attributes, version=1))


@st.composite
def layers(draw: st.DrawFn) -> Graph:
    scales = draw(st.sampled_from([0.004, 0.02, 0.2])), draw(st.sampled_from([1 / 128, 0.0051, 0.00002]))
    layer = Layer(
        draw(st.sampled_from([1, 1, 2])),
        draw(st.sampled_from([1, 2, 3])),
        draw(st.sampled_from([1, 3, 4, 13, 28])),
        draw(st.sampled_from([1, 2, 5, 8, 20])),
        scales,
        (draw(rig.zero_points), draw(rig.zero_points)),
        draw(st.sampled_from([-15, -13, -12, -11, -9, -4, 0])),
        draw(st.sampled_from([0, 2000, 10**6, 2**31 - 1])),
    )
    attributes = LstmAttributes(
        cell_clip=draw(st.sampled_from([0.0, 0.0001, 1.5, 10.0])), time_major=draw(st.booleans())
    )
    graph = lstm(layer, attributes, draw(st.integers(0, 2**32 - 1)))
    assume(not list(rig.operator_of(graph).problems()))
    return graph


@st.composite
def cases(draw: st.DrawFn) -> rig.Case:
    """One inference on states that are in use."""
    graph = draw(layers())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    used = []
    for state in graph.states:
        info = np.iinfo(state.initial.dtype)
        values = rng.integers(info.min, info.max, state.initial.shape, endpoint=True).astype(state.initial.dtype)
        used.append(replace(state, initial=values))
    return replace(graph, states=tuple(used)), [draw(rig.arrays(graph.tensors["x"].shape))]


@given(layers(), st.data())
def test_sequences_equal_tflm(graph: Graph, data: st.DataObject) -> None:
    shape = graph.tensors["x"].shape
    rig.check_sequence(graph, [[data.draw(rig.arrays(shape))] for _ in range(3)])


@given(cases())
def test_kernels_equal_the_reference_on_any_state(case: rig.Case) -> None:
    rig.check_kernels(*case, rig.reference(*case))


def test_a_written_layer_is_read_again() -> None:
    again = tflite.read(tflite.write(lstm(Layer(), LstmAttributes(cell_clip=10.0))), "case")
    assert [state.next for state in again.states] == ["hidden/next", "cell/next"]
    assert again.ops[0].outputs == ("y", "hidden/next", "cell/next")
    assert again.ops[0].attributes == LstmAttributes(cell_clip=10.0)


def changed(place: int, tensor: Tensor) -> Graph:
    """A layer with another input ``place``."""
    graph = lstm(Layer(), LstmAttributes())
    op = graph.ops[0]
    inputs = (*op.inputs[:place], tensor.name, *op.inputs[place + 1 :])
    tensors = dict(graph.tensors) | {tensor.name: tensor}
    given = graph.inputs if tensor.is_constant else (*graph.inputs, tensor.name)
    return replace(graph, ops=(replace(op, inputs=inputs),), tensors=tensors, inputs=given)


@pytest.mark.parametrize(
    ("place", "tensor", "problem"),
    [
        (9, rig.tensor("p", (4,), 0.1, data=np.zeros(4, np.int8)), "it has peephole weights, which is not supported"),
        (
            16,
            rig.tensor("p", (4, 4), 0.1, data=np.zeros((4, 4), np.int8)),
            "it has a projection",
        ),
        (1, rig.tensor("w", (4, 3), 0.1, data=np.zeros((4, 3), np.int8)), "w has shape [4, 3], not [4, 4]"),
        (5, rig.tensor("w", (4, 4), 0.1), "input 5 is missing or not constant"),
        (6, rig.tensor("w", (4, 4), 0.1, 1, data=np.zeros((4, 4), np.int8)), "w has a zero point other than 0"),
        (19, rig.tensor("c", (1, 4), 0.3, dtype=DType.INT16), "the scale of the cells is no power of two"),
        (18, rig.tensor("h", (2, 4), 0.3), "h has 8 elements, not 4"),
    ],
)
def test_what_is_not_supported_is_said(place: int, tensor: Tensor, problem: str) -> None:
    found = list(rig.operator_of(changed(place, tensor)).problems())
    assert len(found) == 1
    assert found[0].startswith(problem)
