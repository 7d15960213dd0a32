"""SOFTMAX: rows of every length, scale and beta against TFLM and the C kernel."""

from __future__ import annotations

import numpy as np
import pytest
import rig
import wide
from hypothesis import assume, given
from hypothesis import strategies as st
from seatool.ir import DType, Graph
from seatool.kernels.softmax import SoftmaxAttributes


def softmax(shape: tuple[int, ...], scale: float, zero_point: int, beta: float, fine: bool = False) -> Graph:
    """To int16 where ``fine``."""
    output = (1 / 65536, -32768) if fine else (1 / 256, -128)
    inputs = [rig.tensor("x", shape, scale, zero_point)]
    outputs = [rig.tensor("y", shape, *output, dtype=DType.INT16 if fine else DType.INT8)]
    return rig.single("SOFTMAX", inputs, outputs, SoftmaxAttributes(float(np.float32(beta))), version=2)


@st.composite
def int8_cases(draw: st.DrawFn) -> rig.Case:
    shape = (*draw(st.lists(st.integers(1, 4), max_size=3)), draw(st.sampled_from([1, 2, 3, 10, 12, 100, 300])))
    scale = draw(st.one_of(rig.scales, st.floats(2.0**-24, 40.0, width=32)))
    graph = softmax(shape, scale, draw(rig.zero_points), draw(st.sampled_from([1.0, 1.0, 0.5, 0.1, 3.0, 10.0])))
    if draw(st.booleans()):
        graph = softmax(shape, scale, graph.tensors["x"].zero_point, graph.ops[0].attributes.beta, fine=True)
    assume(not list(rig.operator_of(graph).problems()))
    return graph, [draw(rig.arrays(shape))]


@given(int8_cases())
def test_equals_tflm(case: rig.Case) -> None:
    rig.check(*case)


@pytest.mark.parametrize("value", [-128, 0, 127])
@pytest.mark.parametrize("depth", [1, 2, 3, 255, 256, 257, 511])
def test_equal_values(depth: int, value: int) -> None:
    rig.check(softmax((1, depth), 0.1, 0, 1.0), [np.full((1, depth), value, np.int8)])


@pytest.mark.parametrize("depth", [1, 3, 511, 512, 4095])
def test_equal_values_to_int16(depth: int) -> None:
    rig.check(softmax((1, depth), 0.1, 0, 1.0, fine=True), [np.full((1, depth), 5, np.int8)])


def int16_softmax(shape: tuple[int, ...], scale: float, beta: float) -> Graph:
    x, y = (rig.tensor(name, shape, s, dtype=DType.INT16) for name, s in (("x", scale), ("y", 1 / 32768)))
    return rig.single("SOFTMAX", [x], [y], SoftmaxAttributes(float(np.float32(beta))), version=3)


@st.composite
def int16_cases(draw: st.DrawFn) -> rig.Case:
    shape = (*draw(st.lists(st.integers(1, 4), max_size=3)), draw(st.sampled_from([1, 2, 3, 10, 12, 100, 300])))
    scale = draw(st.one_of(st.sampled_from([1e-5, 1e-4, 3e-4, 1e-3]), st.floats(2.0**-20, 4.0, width=32)))
    graph = int16_softmax(shape, scale, draw(st.sampled_from([1.0, 1.0, 0.5, 0.1, 3.0])))
    assume(not list(rig.operator_of(graph).problems()))
    return graph, [draw(wide.arrays(shape))]


def cases() -> st.SearchStrategy[rig.Case]:
    return st.one_of(int8_cases(), int16_cases())


@given(int16_cases())
def test_int16_equals_tflm(case: rig.Case) -> None:
    rig.check(*case)


@pytest.mark.parametrize("depth", [1, 2, 511, 4096, 60000])
def test_equal_int16_values(depth: int) -> None:
    rig.check(int16_softmax((1, depth), 1e-4, 1.0), [np.full((1, depth), 5, np.int16)])


def test_every_entry_of_the_table() -> None:
    x = np.arange(-32768, 32768).astype(np.int16)
    pairs = np.stack([np.full_like(x, 32767), x], axis=-1)
    rig.check(int16_softmax(pairs.shape, 10 / 65535, 1.0), [pairs])


@pytest.mark.parametrize("depth", [512, 4095])
def test_sums_that_make_tflm_abort_give_the_lowest_output(depth: int) -> None:
    graph, x = softmax((1, depth), 0.1, 0, 1.0), np.zeros((1, depth), np.int8)
    rig.check(graph, [x], oracle=False)
    assert set(rig.reference(graph, [x])[0].reshape(-1).tolist()) == {-128}


def test_what_tflm_cannot_take_is_a_problem() -> None:
    assert any("too small" in p for p in rig.operator_of(softmax((1, 4), 2.0**-27, 0, 1.0)).problems())
    assert any("4096" in p for p in rig.operator_of(softmax((1, 4096), 0.1, 0, 1.0)).problems())


def test_float_form() -> None:
    x = np.array([[1000.0, 1000.0, 999.0]], np.float32)
    (y,) = rig.operator_of(softmax((1, 3), 0.1, 0, 2.0)).evaluate_float(x)
    e = np.exp([0, 0, -2.0])
    np.testing.assert_allclose(y[0], e / e.sum(), rtol=1e-6)
