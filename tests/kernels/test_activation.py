"""Functions of one int8 value: all 256 inputs against TFLM and the C kernels, over many scales."""

from __future__ import annotations

import numpy as np
import pytest
import rig
from hypothesis import assume, given
from hypothesis import strategies as st
from seatool.ir import Array, Attributes, Graph
from seatool.kernels.activation import LeakyReluAttributes
from seatool.kernels.lookup_table import LookupTableAttributes

EVERY = np.arange(-128, 128, dtype=np.int8)
FIXED = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}
KINDS = ("RELU", "RELU6", "LEAKY_RELU", "LOGISTIC", "TANH", "ABS", "ELU", "HARD_SWISH", "RSQRT")
SCALES = st.one_of(rig.scales, st.floats(2.0**-20, 64.0, width=32))


def unary(
    kind: str,
    shape: tuple[int, ...],
    source: tuple[float, int],
    target: tuple[float, int],
    attributes: Attributes | None = None,
) -> Graph:
    return rig.single(kind, [rig.tensor("x", shape, *source)], [rig.tensor("y", shape, *target)], attributes, version=2)


@st.composite
def operators(draw: st.DrawFn, shape: tuple[int, ...]) -> Graph:
    kind = draw(st.sampled_from(KINDS))
    source = draw(SCALES), draw(rig.zero_points)
    target = FIXED.get(kind, source if kind == "RELU6" else (draw(SCALES), draw(rig.zero_points)))
    alpha = draw(st.sampled_from([-0.5, 0.0, 0.01, 0.1, 0.3, 1.0, 2.5]))
    attributes = LeakyReluAttributes(float(np.float32(alpha))) if kind == "LEAKY_RELU" else None
    graph = unary(kind, shape, source, target, attributes)
    assume(not list(rig.operator_of(graph).problems()))
    return graph


def defined(graph: Graph, x: Array) -> Array:
    """``x`` without values that TFLM refuses: roots of negative numbers."""
    return np.maximum(x, np.int8(graph.tensors["x"].zero_point)) if graph.ops[0].kind == "RSQRT" else x


@st.composite
def cases(draw: st.DrawFn) -> rig.Case:
    shape = tuple(draw(st.lists(st.integers(1, 7), min_size=1, max_size=4)))
    graph = draw(operators(shape))
    return graph, [defined(graph, draw(rig.arrays(shape)))]


@given(cases())
def test_equals_tflm(case: rig.Case) -> None:
    rig.check(*case)


@given(operators((256,)))
def test_every_value(graph: Graph) -> None:
    rig.check(graph, [defined(graph, EVERY)])


@pytest.mark.parametrize("kind", ["LOGISTIC", "TANH"])
@given(scale=SCALES, zero_point=rig.zero_points)
def test_sigmoids(kind: str, scale: float, zero_point: int) -> None:
    rig.check(unary(kind, (256,), (scale, zero_point), FIXED[kind]), [EVERY])


@given(st.lists(st.integers(-128, 127), min_size=256, max_size=256), st.integers(1, 70))
def test_lookup_table(table: list[int], count: int) -> None:
    graph = unary("LOOKUP_TABLE", (count,), (0.1, 0), (0.2, 5), LookupTableAttributes(tuple(table)))
    x = np.resize(EVERY, count)
    rig.check(graph, [x], oracle=False)
    assert rig.reference(graph, [x])[0].tolist() == [table[v + 128] for v in x.tolist()]


def test_a_relu_without_rescaling_is_computed_as_a_clamp() -> None:
    operator = rig.operator_of(unary("RELU", (8,), (0.1, -3), (0.1, -3)))
    clamp = min((v for v in operator.variants if v.admits(operator).ok), key=lambda v: v.cost(operator).instructions)
    assert clamp.name == "clamp_x4"
    assert {**clamp.call(operator).fields}["output_min"] == -3


def test_relu6_with_two_scales_is_a_problem() -> None:
    problems = list(rig.operator_of(unary("RELU6", (8,), (0.1, 0), (0.2, 0))).problems())
    assert problems == ["input and output have different quantization, which TFLM ignores"]


@pytest.mark.parametrize("kind", KINDS)
def test_float_form(kind: str) -> None:
    functions = {
        "RELU": lambda x: np.maximum(x, 0),
        "RELU6": lambda x: np.clip(x, 0, 6),
        "LEAKY_RELU": lambda x: np.where(x > 0, x, 0.5 * x),
        "LOGISTIC": lambda x: 1 / (1 + np.exp(-x)),
        "TANH": np.tanh,
        "ABS": np.abs,
        "ELU": lambda x: np.where(x < 0, np.exp(x) - 1, x),
        "HARD_SWISH": lambda x: x * np.clip(x + 3, 0, 6) / 6,
        "RSQRT": lambda x: x**-0.5,
    }
    x = np.linspace(0.5 if kind == "RSQRT" else -9, 9, 37, dtype=np.float32)
    graph = unary(kind, x.shape, (0.1, 0), (0.1, 0), LeakyReluAttributes(0.5) if kind == "LEAKY_RELU" else None)
    (y,) = rig.operator_of(graph).evaluate_float(x)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, functions[kind](x.astype(np.float64)), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("kind", ["RELU", "LEAKY_RELU", "QUANTIZE"])
def test_scales_that_are_too_far_apart_are_a_problem(kind: str) -> None:
    attributes = LeakyReluAttributes(0.5) if kind == "LEAKY_RELU" else None
    problems = list(rig.operator_of(unary(kind, (8,), (2.0**20, 0), (2.0**-10, 0), attributes)).problems())
    assert problems == ["the scales are too far apart (a factor of 1.07374e+09)"]


def test_a_vanishing_scale_of_a_sigmoid_is_a_problem() -> None:
    problems = list(rig.operator_of(unary("TANH", (8,), (2.0**-59, 0), FIXED["TANH"])).problems())
    assert problems == ["the input's scale 1.73472e-18 is too small"]


@pytest.mark.parametrize("alpha", [float("nan"), float("inf")])
def test_alpha_must_be_finite(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha is"):
        LeakyReluAttributes(alpha)
