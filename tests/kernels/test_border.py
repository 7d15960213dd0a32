"""QUANTIZE and DEQUANTIZE against TFLM and the C kernels."""

from __future__ import annotations

import numpy as np
import pytest
import rig
from hypothesis import given
from hypothesis import strategies as st
from seatool.ir import DType, Graph

EVERY = np.arange(-128, 128, dtype=np.int8)


def quantize(shape: tuple[int, ...], scale: float, zero_point: int, source: tuple[float, int] | None = None) -> Graph:
    """From float where ``source`` is None, otherwise from int8 with that scale and zero point."""
    x = rig.tensor("x", shape, dtype=DType.FLOAT32) if source is None else rig.tensor("x", shape, *source)
    return rig.single("QUANTIZE", [x], [rig.tensor("y", shape, scale, zero_point)])


def dequantize(shape: tuple[int, ...], scale: float, zero_point: int) -> Graph:
    return rig.single(
        "DEQUANTIZE",
        [rig.tensor("x", shape, scale, zero_point)],
        [rig.tensor("y", shape, dtype=DType.FLOAT32)],
        version=2,
    )


@st.composite
def cases(draw: st.DrawFn) -> rig.Case:
    shape = tuple(draw(st.lists(st.integers(1, 7), min_size=1, max_size=4)))
    scale, zero_point = draw(rig.scales), draw(rig.zero_points)
    kind = draw(st.sampled_from(["from_float", "from_int8", "to_float"]))
    if kind == "from_int8":
        source = draw(rig.scales), draw(rig.zero_points)
        return quantize(shape, scale, zero_point, source), [draw(rig.arrays(shape))]
    if kind == "to_float":
        return dequantize(shape, scale, zero_point), [draw(rig.arrays(shape))]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    steps = rng.choice(np.array([0.25, 0.5, 1.0]), shape) * rng.integers(-1200, 1200, shape)
    noise = rng.choice(np.array([0.0, 0.0, 1e-7, -1e-7]), shape)
    return quantize(shape, scale, zero_point), [(steps * (1 + noise) * np.float32(scale)).astype(np.float32)]


@given(cases())
def test_equals_tflm(case: rig.Case) -> None:
    rig.check(*case)


@given(rig.scales, rig.zero_points, rig.scales, rig.zero_points)
def test_every_int8_value(scale: float, zero_point: int, other: float, other_zero: int) -> None:
    rig.check(quantize((256,), scale, zero_point, (other, other_zero)), [EVERY])
    rig.check(dequantize((256,), scale, zero_point), [EVERY])


def test_the_largest_float_below_a_half_rounds_down() -> None:
    below = np.nextafter(np.float32(0.5), np.float32(0))
    graph = quantize((4,), 1.0, 0)
    x = np.array([below, 0.5, -below, -0.5], np.float32)
    rig.check(graph, [x])
    assert rig.reference(graph, [x])[0].tolist() == [0, 1, 0, -1]


@pytest.mark.parametrize("zero_point", [-128, 0, 127])
def test_what_is_undefined_in_tflm_is_cut_off(zero_point: int) -> None:
    graph = quantize((5,), 0.5, zero_point)
    x = np.array([np.inf, -np.inf, 1e30, -1e30, np.nan], np.float32)
    rig.check(graph, [x], oracle=False)
    assert rig.reference(graph, [x])[0].tolist() == [127, -128, 127, -128, -128]


def test_problems_name_the_type() -> None:
    x, y, bits = (
        rig.tensor(n, (2,), 1.0, dtype=t) for n, t in zip("xyb", (DType.INT8, DType.INT16, DType.BOOL), strict=True)
    )
    assert any("b is bool" in p for p in rig.operator_of(rig.single("QUANTIZE", [x], [bits])).problems())
    assert any("y is int16" in p for p in rig.operator_of(rig.single("DEQUANTIZE", [x], [y])).problems())


def test_float_form_is_the_identity() -> None:
    x = np.array([1.25, -3.0], np.float32)
    for graph in (quantize((2,), 0.5, 0), dequantize((2,), 0.5, 0)):
        assert rig.operator_of(graph).evaluate_float(x)[0].tolist() == x.tolist()
