"""Reductions: every choice of axes against TFLM and the C kernels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import rig
from hypothesis import given, settings
from hypothesis import strategies as st
from seatool.ir import DType, Graph
from seatool.kernels.mean import ReducerAttributes
from seatool.kernels.reduce import ArgAttributes

Quant = tuple[float, int]


def mean(
    shape: Sequence[int], axes: Sequence[int], keep: bool, source: Quant, target: Quant, kind: str = "MEAN"
) -> Graph:
    reduced = np.zeros(shape).mean(axis=tuple({axis % len(shape) for axis in axes}), keepdims=keep).shape
    inputs = [rig.tensor("x", shape, *source), rig.int32("axes", axes)]
    return rig.single(kind, inputs, [rig.tensor("y", reduced, *target)], ReducerAttributes(keep), version=2)


def all_hold(shape: Sequence[int], axes: Sequence[int], keep: bool) -> Graph:
    reduced = np.zeros(shape).mean(axis=tuple({axis % len(shape) for axis in axes}), keepdims=keep).shape
    x, y = rig.tensor("x", shape, dtype=DType.BOOL), rig.tensor("y", reduced, dtype=DType.BOOL)
    return rig.single("REDUCE_ALL", [x, rig.int32("axes", axes)], [y], ReducerAttributes(keep))


def arg(kind: str, shape: Sequence[int], axis: int) -> Graph:
    reduced = [n for i, n in enumerate(shape) if i != axis % len(shape)]
    inputs = [rig.tensor("x", shape, 0.1, 3), rig.int32("axis", [axis])]
    return rig.single(kind, inputs, [rig.tensor("y", reduced, dtype=DType.INT32)], ArgAttributes(2))


@st.composite
def cases(draw: st.DrawFn) -> rig.Case:
    shape = tuple(draw(st.lists(st.sampled_from([1, 2, 3, 5, 8, 13]), min_size=1, max_size=5)))
    rank = len(shape)
    axes = draw(st.lists(st.integers(-rank, rank - 1), min_size=1, max_size=rank))
    source, target = [(draw(rig.scales), draw(rig.zero_points)) for _ in range(2)]
    kind = draw(st.sampled_from(["MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_ALL", "ARG_MAX", "ARG_MIN"]))
    target = source if kind.startswith("REDUCE") else draw(st.sampled_from([source, target]))
    if kind.startswith("ARG"):
        return arg(kind, shape, axes[0]), [draw(rig.arrays(shape))]
    if kind == "REDUCE_ALL":
        return all_hold(shape, axes, draw(st.booleans())), [draw(rig.arrays(shape)) != draw(st.integers(-1, 1))]
    return mean(shape, axes, draw(st.booleans()), source, target, kind), [draw(rig.arrays(shape))]


@settings(max_examples=2 * settings().max_examples)
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


@pytest.mark.parametrize("ratio", [2.0**-33, 2.0**-10, 1.0, 2.0**10, 2.0**20])
def test_sums_with_extreme_ratios_of_scales(ratio: float) -> None:
    x = np.arange(-120, 120, dtype=np.int8).reshape(1, 8, 6, 5)
    rig.check(mean(x.shape, (1, 2), False, (2.0**-3 * ratio, 11), (2.0**-3, -7), "SUM"), [x])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("MEAN", [2.0, 1.0]), ("SUM", [4.0, 2.0]), ("REDUCE_MAX", [3.0, 4.0]), ("REDUCE_MIN", [1.0, -2.0])],
)
def test_float_form(kind: str, expected: list[float]) -> None:
    graph = mean((2, 2), (1,), False, (0.1, 0), (0.1, 0), kind)
    (y,) = rig.operator_of(graph).evaluate_float(np.array([[1, 3], [4, -2]], np.float32), None)
    assert y.dtype == np.float32
    assert y.tolist() == expected


def test_the_first_of_equals_is_the_place() -> None:
    for kind in ("ARG_MAX", "ARG_MIN"):
        assert rig.reference(arg(kind, (1, 3), -1), [np.full((1, 3), 5, np.int8)])[0].tolist() == [0]


def test_an_extremum_with_two_scales_is_a_problem() -> None:
    (problem,) = rig.operator_of(mean((2, 3), (1,), False, (0.1, 0), (0.2, 0), "REDUCE_MAX")).problems()
    assert problem == "input and output have different quantization, which TFLM does not take"


def test_arg_problems() -> None:
    graph = arg("ARG_MAX", (2, 3), 1)
    inputs = [graph.tensors["x"], rig.int32("axis", [2])]
    wide = [rig.tensor("y", (2,), dtype=DType.INT64)]
    assert list(rig.operator_of(rig.single("ARG_MAX", inputs, wide, ArgAttributes())).problems()) == [
        "y is int64, not int32",
        "axis 2 does not exist in 2 dimensions",
    ]


def test_problems() -> None:
    graph = mean((2, 3), (1,), False, (0.1, 0), (0.1, 0))
    inputs = [graph.tensors["x"], rig.int32("axes", [2])]
    missing = rig.single("MEAN", inputs, [graph.tensors["y"]], ReducerAttributes())
    assert list(rig.operator_of(missing).problems()) == ["axes [2] do not all exist in 2 dimensions"]
    kept = rig.single("MEAN", [inputs[0], rig.int32("axes", [1])], [graph.tensors["y"]], ReducerAttributes(True))
    assert list(rig.operator_of(kept).problems()) == ["the output's shape is [2], not [2, 1]"]
