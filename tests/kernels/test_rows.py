"""LOG_SOFTMAX, L2_NORMALIZATION, CUMSUM and ADD_N against TFLM and the C kernels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import rig
from hypothesis import assume, given
from hypothesis import strategies as st
from seatool.ir import Graph
from seatool.kernels import Activation
from seatool.kernels.accumulate import CumsumAttributes
from seatool.kernels.fixed_point import inverse_square_root
from seatool.kernels.l2_normalization import L2NormalizationAttributes

Quant = tuple[float, int]
EVERY = np.arange(-128, 128, dtype=np.int8)


def log_softmax(shape: Sequence[int], scale: float, zero_point: int) -> Graph:
    return rig.single("LOG_SOFTMAX", [rig.tensor("x", shape, scale, zero_point)], [rig.tensor("y", shape, 1 / 16, 127)])


def l2_normalization(shape: Sequence[int], zero_point: int) -> Graph:
    x, y = rig.tensor("x", shape, 0.1, zero_point), rig.tensor("y", shape, 1 / 128, 0)
    return rig.single("L2_NORMALIZATION", [x], [y], L2NormalizationAttributes(), version=2)


def cumsum(shape: Sequence[int], axis: int, source: Quant, target: Quant, attributes: CumsumAttributes) -> Graph:
    inputs = [rig.tensor("x", shape, *source), rig.int32("axis", [axis])]
    return rig.single("CUMSUM", inputs, [rig.tensor("y", shape, *target)], attributes)


def add_n(shape: Sequence[int], count: int, source: Quant, target: Quant) -> Graph:
    inputs = [rig.tensor(f"x{i}", shape, *source) for i in range(count)]
    return rig.single("ADD_N", inputs, [rig.tensor("y", shape, *target)])


@st.composite
def quants(draw: st.DrawFn) -> Quant:
    return draw(rig.scales), draw(rig.zero_points)


@st.composite
def log_softmaxes(draw: st.DrawFn) -> Graph:
    shape = (*draw(st.lists(st.integers(1, 4), max_size=3)), draw(st.sampled_from([1, 2, 3, 10, 12, 100, 300])))
    scale = draw(st.one_of(rig.scales, st.floats(2.0**-24, 40.0, width=32)))
    return log_softmax(shape, scale, draw(rig.zero_points))


@st.composite
def l2_normalizations(draw: st.DrawFn) -> Graph:
    shape = (*draw(st.lists(st.integers(1, 4), max_size=3)), draw(st.sampled_from([1, 2, 3, 10, 64, 300, 5000])))
    return l2_normalization(shape, draw(rig.zero_points))


@st.composite
def cumsums(draw: st.DrawFn) -> Graph:
    shape = draw(st.lists(st.sampled_from([1, 2, 3, 5, 8, 40]), min_size=1, max_size=4))
    attributes = CumsumAttributes(draw(st.booleans()), draw(st.booleans()))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    return cumsum(shape, axis, draw(quants()), draw(quants()), attributes)


@st.composite
def sums(draw: st.DrawFn) -> Graph:
    shape = draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    return add_n(shape, draw(st.sampled_from([2, 3, 4, 9, 40])), draw(quants()), draw(quants()))


@st.composite
def with_inputs(draw: st.DrawFn, strategy: rig.Strategy) -> rig.Case:
    graph = draw(strategy())
    assume(not list(rig.operator_of(graph).problems()))
    return graph, [draw(rig.arrays(graph.tensors[name].shape)) for name in graph.inputs]


ALL = (log_softmaxes, l2_normalizations, cumsums, sums)


def cases() -> st.SearchStrategy[rig.Case]:
    return st.one_of([with_inputs(strategy) for strategy in ALL])


@pytest.mark.parametrize("strategy", ALL)
def test_equals_tflm(strategy: rig.Strategy) -> None:
    @given(with_inputs(strategy))
    def equals(case: rig.Case) -> None:
        rig.check(*case)

    equals()


@pytest.mark.parametrize("count", [1, 2, 100, 1000, 4095])
def test_the_logarithm_of_every_sum_of_equal_values(count: int) -> None:
    rig.check(log_softmax((1, count), 0.1, 0), [np.zeros((1, count), np.int8)])


@given(scale=st.floats(2.0**-20, 16.0, width=32))
def test_log_softmax_of_every_distance(scale: float) -> None:
    graph = log_softmax((1, 256), scale, 0)
    assume(not list(rig.operator_of(graph).problems()))
    rig.check(graph, [EVERY.reshape(1, 256)])


@given(st.integers(1, 2**31 - 1))
def test_inverse_square_roots_are_close(x: int) -> None:
    multiplier, shift = inverse_square_root(x)
    assert multiplier * 2.0 ** (shift - 31) == pytest.approx(x**-0.5, rel=2e-6)


@pytest.mark.parametrize("kind", ["LOG_SOFTMAX", "L2_NORMALIZATION", "CUMSUM", "ADD_N"])
def test_float_form(kind: str) -> None:
    x = np.array([[3.0, 4.0, 0.0]], np.float32)
    graphs = {
        "LOG_SOFTMAX": (log_softmax((1, 3), 0.1, 0), x - np.log(np.exp(x).sum())),
        "L2_NORMALIZATION": (l2_normalization((1, 3), 0), x / 5),
        "CUMSUM": (cumsum((1, 3), 1, (1.0, 0), (1.0, 0), CumsumAttributes(reverse=True)), [[7, 4, 0]]),
        "ADD_N": (add_n((1, 3), 2, (1.0, 0), (1.0, 0)), 2 * x),
    }
    graph, expected = graphs[kind]
    arguments = {"CUMSUM": [x, None], "ADD_N": [x, x]}.get(kind, [x])
    (y,) = rig.operator_of(graph).evaluate_float(*arguments)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        (log_softmax((1, 4096), 0.1, 0), "no last axis of up to 4095"),
        (log_softmax((1, 4), 2.0**-27, 0), "too small"),
        (l2_normalization((1, 40000), 0), "the last of up to 33025 elements"),
        (cumsum((2,), 1, (1.0, 0), (1.0, 0), CumsumAttributes()), "axis 1 does not exist in 1 dimensions"),
        (add_n((2,), 2, (1.0, 0), (2.0**-20, 0)), "too small for that of the input"),
    ],
)
def test_problems_say_what_is_wrong(graph: Graph, expected: str) -> None:
    assert any(expected in problem for problem in rig.operator_of(graph).problems())


def test_a_fused_activation_of_a_norm_is_a_problem() -> None:
    x, y = rig.tensor("x", (4,), 0.1), rig.tensor("y", (4,), 1 / 128, 0)
    graph = rig.single("L2_NORMALIZATION", [x], [y], L2NormalizationAttributes(Activation.RELU))
    assert list(rig.operator_of(graph).problems()) == ["a fused activation is not supported"]
