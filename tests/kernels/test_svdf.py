"""SVDF against TFLM and the C kernel: sequences of inputs through states of both types."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import rig
from hypothesis import assume, given
from hypothesis import strategies as st
from seatool.importers import tflite
from seatool.ir import Array, DType, Graph
from seatool.kernels.svdf import SvdfAttributes

Quant = tuple[float, int]


def svdf(
    weights: Array, time: Array, bias: Array, rank: int, batches: int, scales: list[float], zeros: tuple[int, int, int]
) -> Graph:
    """``scales`` of input, weights, weights of time, state and output; ``zeros`` of input, state and output."""
    (filters, inputs), memory = weights.shape, time.shape[1]
    dtype = DType(time.dtype.name)
    operands = [
        rig.tensor("x", (batches, inputs), scales[0], zeros[0]),
        rig.tensor("w", weights.shape, scales[1], data=weights),
        rig.tensor("t", time.shape, scales[2], data=time, dtype=dtype),
        rig.tensor("b", bias.shape, float(np.float32(scales[2] * scales[3])), data=bias, dtype=DType.INT32),
        rig.tensor("state", (batches, filters * memory), scales[3], zeros[1], dtype=dtype),
    ]
    output = rig.tensor("y", (batches, filters // rank), scales[4], zeros[2])
    return rig.stateful(rig.single("SVDF", operands, [output], SvdfAttributes(rank), version=3))


@st.composite
def layers(draw: st.DrawFn) -> Graph:
    rank, units = draw(st.sampled_from([1, 2, 3])), draw(st.sampled_from([1, 2, 5, 8]))
    inputs, memory = draw(st.sampled_from([1, 3, 4, 13, 40])), draw(st.sampled_from([1, 2, 3, 8, 9]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    wide = draw(st.booleans())
    low, high = (-32768, 32768) if wide and draw(st.booleans()) else (-128, 128)
    time = rng.integers(low, high, (rank * units, memory)).astype(np.int16 if wide else np.int8)
    bias = rng.integers(-2000, 2000, units).astype(np.int32)
    scales = [draw(st.sampled_from([0.01, 0.05, 0.2])) for _ in range(5)]
    scales[3] *= draw(st.sampled_from([1.0, 0.01]))
    zeros = draw(rig.zero_points), 0 if wide else draw(st.sampled_from([0, 0, -5])), draw(rig.zero_points)
    graph = svdf(
        draw(rig.arrays((rank * units, inputs))), time, bias, rank, draw(st.sampled_from([1, 1, 2])), scales, zeros
    )
    assume(not list(rig.operator_of(graph).problems()))
    return graph


@st.composite
def cases(draw: st.DrawFn) -> rig.Case:
    """One inference on a state that is in use."""
    graph = draw(layers())
    (state,) = graph.states
    info = np.iinfo(state.initial.dtype)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    used = rng.integers(info.min, info.max, state.initial.shape, endpoint=True).astype(state.initial.dtype)
    return replace(graph, states=(replace(state, initial=used),)), [draw(rig.arrays(graph.tensors["x"].shape))]


@given(layers(), st.data())
def test_sequences_equal_tflm(graph: Graph, data: st.DataObject) -> None:
    shape = graph.tensors["x"].shape
    rig.check_sequence(graph, [[data.draw(rig.arrays(shape))] for _ in range(4)])


@given(cases())
def test_kernels_equal_the_reference_on_any_state(case: rig.Case) -> None:
    rig.check_kernels(*case, rig.reference(*case))


def test_a_written_layer_is_read_again() -> None:
    time = np.ones((2, 3), np.int16)
    graph = svdf(np.ones((2, 4), np.int8), time, np.zeros(2, np.int32), 1, 1, [0.1] * 5, (0, 0, 0))
    again = tflite.read(tflite.write(graph), "case")
    ((value, following, initial),) = [(state.value, state.next, state.initial) for state in again.states]
    assert (value, following) == ("state", "state/next")
    assert initial.dtype == np.int16
    assert again.ops[0].outputs == ("y", "state/next")


def test_filters_that_make_no_units_are_a_problem() -> None:
    graph = svdf(np.ones((3, 4), np.int8), np.ones((3, 2), np.int16), np.zeros(1, np.int32), 2, 1, [0.1] * 5, (0, 0, 0))
    assert list(rig.operator_of(graph).problems()) == ["3 filters of rank 2 make no whole units"]


def test_rank_must_be_positive() -> None:
    with pytest.raises(ValueError, match="rank is 0"):
        SvdfAttributes(0)
