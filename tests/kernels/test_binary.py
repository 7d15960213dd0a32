"""Elementwise functions of two tensors: broadcasting, scales and clamps against TFLM and the C kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import rig
from hypothesis import assume, given
from hypothesis import strategies as st
from seatool.ir import Array, Graph, NoAttributes
from seatool.kernels import Activation
from seatool.kernels.binary import BinaryAttributes

CLAMPED = ("ADD", "SUB", "MUL", "DIV")
RESCALED = (*CLAMPED, "SQUARED_DIFFERENCE", "PRELU")
KINDS = (*RESCALED, "MAXIMUM", "MINIMUM")
ACTIVATIONS = (Activation.NONE, Activation.RELU, Activation.RELU6, Activation.RELU_N1_TO_1)


def binary(
    kind: str,
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
    quantization: list[tuple[float, int]],
    activation: Activation = Activation.NONE,
    constants: tuple[Any, Any] = (None, None),
) -> Graph:
    inputs = [
        rig.tensor(name, shape, *quant, data=data)
        for name, shape, quant, data in zip("ab", shapes, quantization, constants, strict=False)
    ]
    output = rig.tensor("y", np.broadcast_shapes(*shapes), *quantization[2])
    attributes = BinaryAttributes(activation) if kind in CLAMPED else NoAttributes()
    return rig.single(kind, inputs, [output], attributes, version=2)


@st.composite
def broadcastable(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two shapes of up to 6 dimensions that fit together; the same, a scalar and missing dimensions included."""
    shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=6))
    sides: list[tuple[int, ...]] = []
    for _ in range(2):
        kept = [draw(st.sampled_from([n, n, n, 1])) for n in shape]
        missing = draw(st.sampled_from([0, 0, 0, len(shape) - 1]))
        sides.append(tuple(kept[missing:]))
    return sides[0], sides[1]


def defined(divisor: Array, zero_point: int) -> Array:
    """``divisor`` without zeros, by which TFLM must not divide."""
    other = np.int8(zero_point + 1 if zero_point < 127 else zero_point - 1)
    return np.where(divisor == zero_point, other, divisor)


@st.composite
def cases(draw: st.DrawFn) -> rig.Case:
    kind = draw(st.sampled_from(KINDS))
    shapes = draw(broadcastable())
    quantization = [(draw(rig.scales), draw(rig.zero_points)) for _ in range(3)]
    values = [draw(rig.arrays(shape)) for shape in shapes]
    if kind == "DIV":
        values[1] = defined(values[1], quantization[1][1])
    constant = draw(st.sampled_from([None, None, 0, 1]))
    constants = tuple(value if i == constant else None for i, value in enumerate(values))
    graph = binary(kind, shapes, quantization, draw(st.sampled_from(ACTIVATIONS)), (constants[0], constants[1]))
    assume(not list(rig.operator_of(graph).problems()))
    return graph, [value for i, value in enumerate(values) if i != constant]


@given(cases())
def test_equals_tflm(case: rig.Case) -> None:
    rig.check(*case)


@pytest.mark.parametrize("kind", RESCALED)
@given(a=rig.scales, b=rig.scales, y=rig.scales, zeros=st.tuples(*[rig.zero_points] * 3))
def test_every_pair_of_values(kind: str, a: float, b: float, y: float, zeros: tuple[int, int, int]) -> None:
    every = np.arange(-128, 128, dtype=np.int8)
    quantization = list(zip((a, b, y), zeros, strict=True))
    graph = binary(kind, ((256, 1), (1, 256)), quantization)
    assume(not list(rig.operator_of(graph).problems()))
    second = defined(every, zeros[1]) if kind == "DIV" else every
    rig.check(graph, [every.reshape(256, 1), second.reshape(1, 256)])


@pytest.mark.parametrize("shift", [-31, -30, -20, 0, 1, 14, 15, 20])
def test_mul_with_extreme_factors(shift: int) -> None:
    """Shifts of every kind, those that overflow in TFLM as well."""
    quantization = [(2.0 ** (shift / 2), -128), (2.0 ** (shift - shift / 2) * 0.75, 127), (1.0, 3)]
    every = np.arange(-128, 128, dtype=np.int8)
    rig.check(binary("MUL", ((256, 1), (1, 256)), quantization), [every.reshape(256, 1), every.reshape(1, 256)])


@pytest.mark.parametrize("kind", ["ADD", "SUB"])
def test_an_output_scale_that_tflm_cannot_take_is_a_problem(kind: str) -> None:
    graph = binary(kind, ((4,), (4,)), [(1.0, 0), (1.0, 0), (2.0**-20, 0)])
    assert any("too small" in problem for problem in rig.operator_of(graph).problems())


def test_shapes_that_do_not_fit_are_a_problem() -> None:
    inputs = [rig.tensor("a", (2, 3), 1.0), rig.tensor("b", (2, 4), 1.0)]
    graph = rig.single("ADD", inputs, [rig.tensor("y", (2, 3), 1.0)], BinaryAttributes())
    assert any("do not fit together" in problem for problem in rig.operator_of(graph).problems())


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("ADD", [0.0, 6.0]),
        ("SUB", [0.0, 0.0]),
        ("MUL", [0.0, 6.0]),
        ("DIV", [0.0, 0.75]),
        ("SQUARED_DIFFERENCE", [25.0, 1.0]),
        ("PRELU", [-6.0, 3.0]),
        ("MAXIMUM", [2.0, 4.0]),
        ("MINIMUM", [-3.0, 3.0]),
    ],
)
def test_float_form(kind: str, expected: list[float]) -> None:
    graph = binary(kind, ((2,), (2,)), [(1.0, 0)] * 3, Activation.RELU6)
    a, b = np.array([-3, 3], np.float32), np.array([2, 4], np.float32)
    (y,) = rig.operator_of(graph).evaluate_float(a, b)
    assert y.dtype == np.float32
    assert y.tolist() == expected
