"""RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR: sizes and conventions against TFLM and the C kernels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import rig
from hypothesis import assume, given
from hypothesis import strategies as st
from seatool.ir import Graph
from seatool.kernels.resize import ResizeAttributes

KINDS = ("RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR")


def resized(kind: str, shape: Sequence[int], size: Sequence[int], attributes: ResizeAttributes) -> Graph:
    x, y = rig.tensor("x", shape, 0.5, 3), rig.tensor("y", (shape[0], *size, shape[3]), 0.5, 3)
    return rig.single(kind, [x, rig.int32("size", size)], [y], attributes, version=3)


@st.composite
def conventions(draw: st.DrawFn) -> ResizeAttributes:
    return ResizeAttributes(*draw(st.sampled_from([(False, False), (True, False), (False, True)])))


@st.composite
def cases(draw: st.DrawFn) -> rig.Case:
    shape = (draw(st.sampled_from([1, 1, 2])), *(draw(st.integers(1, 7)) for _ in range(2)), draw(st.integers(1, 9)))
    size = [draw(st.sampled_from([n, 2 * n, draw(st.integers(1, 20))])) for n in shape[1:3]]
    graph = resized(draw(st.sampled_from(KINDS)), shape, size, draw(conventions()))
    assume(not list(rig.operator_of(graph).problems()))
    return graph, [draw(rig.arrays(shape))]


@given(cases())
def test_equals_tflm(case: rig.Case) -> None:
    rig.check(*case)


@pytest.mark.parametrize("kind", KINDS)
@given(size=st.integers(1, 300), count=st.integers(1, 300), attributes=conventions())
def test_places_along_an_axis(kind: str, size: int, count: int, attributes: ResizeAttributes) -> None:
    graph = resized(kind, (1, size, 1, 1), (count, 1), attributes)
    assume(not list(rig.operator_of(graph).problems()))
    x = (np.arange(size) * 77).astype(np.uint8).view(np.int8).reshape(1, size, 1, 1)
    assert np.array_equal(rig.tflm(graph, [x])["y"], rig.reference(graph, [x])[0])


def test_a_place_beyond_the_input_is_a_problem() -> None:
    graph = resized("RESIZE_BILINEAR", (1, 1, 2, 1), (1, 110), ResizeAttributes())
    (problem,) = rig.operator_of(graph).problems()
    assert "reads beyond the last of 2" in problem


@pytest.mark.parametrize("kind", KINDS)
def test_both_conventions_at_once_are_a_problem(kind: str) -> None:
    graph = resized(kind, (1, 2, 2, 1), (4, 4), ResizeAttributes(True, True))
    assert "align_corners and half_pixel_centers exclude each other" in list(rig.operator_of(graph).problems())


@pytest.mark.parametrize(("kind", "expected"), [(KINDS[0], [0, 0, 4, 4]), (KINDS[1], [0, 1, 3, 4])])
def test_float_form(kind: str, expected: list[float]) -> None:
    graph = resized(kind, (1, 2, 1, 1), (4, 1), ResizeAttributes(half_pixel_centers=True))
    (y,) = rig.operator_of(graph).evaluate_float(np.array([0, 4], np.float32).reshape(1, 2, 1, 1), None)
    assert y.dtype == np.float32
    assert y.reshape(-1).tolist() == expected
