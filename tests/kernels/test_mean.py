"""MEAN: every choice of axes against TFLM and the C kernels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import rig
from hypothesis import given
from hypothesis import strategies as st
from seatool.ir import Graph
from seatool.kernels.mean import ReducerAttributes


def mean(
    shape: Sequence[int], axes: Sequence[int], keep: bool, source: tuple[float, int], target: tuple[float, int]
) -> Graph:
    reduced = np.zeros(shape).mean(axis=tuple({axis % len(shape) for axis in axes}), keepdims=keep).shape
    inputs = [rig.tensor("x", shape, *source), rig.int32("axes", axes)]
    return rig.single("MEAN", inputs, [rig.tensor("y", reduced, *target)], ReducerAttributes(keep), version=2)


@st.composite
def cases(draw: st.DrawFn) -> rig.Case:
    shape = tuple(draw(st.lists(st.sampled_from([1, 2, 3, 5, 8, 13]), min_size=1, max_size=5)))
    rank = len(shape)
    axes = draw(st.lists(st.integers(-rank, rank - 1), min_size=1, max_size=rank))
    source, target = [(draw(rig.scales), draw(rig.zero_points)) for _ in range(2)]
    target = draw(st.sampled_from([source, target]))
    return mean(shape, axes, draw(st.booleans()), source, target), [draw(rig.arrays(shape))]


@given(cases())
def test_equals_tflm(case: rig.Case) -> None:
    rig.check(*case)


@pytest.mark.parametrize("value", [-128, 127])
@pytest.mark.parametrize(("shape", "axes"), [((1, 64, 50, 8), (1, 2)), ((3, 1021), (1,)), ((1, 9, 300, 4), (2, 1))])
def test_long_sums_do_not_overflow(shape: tuple[int, ...], axes: tuple[int, ...], value: int) -> None:
    graph = mean(shape, axes, True, (0.1, 3), (0.1, 3))
    rig.check(graph, [np.full(shape, value, np.int8)])


@pytest.mark.parametrize("ratio", [2.0**-33, 2.0**-28, 2.0**-10, 1.0, 2.0**10, 2.0**20])
def test_extreme_ratios_of_scales(ratio: float) -> None:
    x = np.arange(-120, 120, dtype=np.int8).reshape(1, 8, 6, 5)
    rig.check(mean(x.shape, (1, 2), False, (2.0**-3 * ratio, 11), (2.0**-3, -7)), [x])


def test_problems() -> None:
    graph = mean((2, 3), (1,), False, (0.1, 0), (0.1, 0))
    inputs = [graph.tensors["x"], rig.int32("axes", [2])]
    missing = rig.single("MEAN", inputs, [graph.tensors["y"]], ReducerAttributes())
    assert list(rig.operator_of(missing).problems()) == ["axes [2] do not all exist in 2 dimensions"]
    kept = rig.single("MEAN", [inputs[0], rig.int32("axes", [1])], [graph.tensors["y"]], ReducerAttributes(True))
    assert list(rig.operator_of(kept).problems()) == ["the output's shape is [2], not [2, 1]"]


def test_float_form() -> None:
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    (y,) = rig.operator_of(mean((2, 3), (0,), True, (1.0, 0), (1.0, 0))).evaluate_float(x)
    assert y.dtype == np.float32
    assert y.tolist() == [[1.5, 2.5, 3.5]]
