"""TILE becomes what TFLM has: values stay, UpSampling2D of Keras is one resize."""

from __future__ import annotations

import numpy as np
import pytest
from builder import Builder, random_float
from hypothesis import given
from hypothesis import strategies as st
from seatool.importers.tflite.trial import as_int8
from seatool.ir import Graph
from seatool.kernels import bind
from seatool.passes import prepare
from seatool.quantize import execute


def tiled(build: Builder, x: str, multiples: list[int]) -> str:
    shape = tuple(n * m for n, m in zip(build.tensors[x].shape, multiples, strict=True))
    return build.add("TILE", x, build.constant(np.array(multiples, np.int32)), shape=shape)


def repeated(build: Builder, x: str, axis: int, count: int) -> str:
    """What Keras 3 writes to repeat each element along an axis."""
    shape = build.tensors[x].shape
    wide = (*shape[: axis + 1], 1, *shape[axis + 1 :])
    y = build.add("EXPAND_DIMS", x, build.constant(np.array(axis + 1, np.int32)), shape=wide)
    y = tiled(build, y, [count if i == axis + 1 else 1 for i in range(len(wide))])
    out = tuple(n * count if i == axis else n for i, n in enumerate(shape))
    return build.add("RESHAPE", y, shape=out, new_shape=out)


def assert_prepared(graph: Graph, *kinds: str) -> None:
    x, after = random_float(*graph.tensors["x"].shape), prepare(graph)
    for name, value in execute(graph, [x]).items():
        assert np.array_equal(execute(after, [x])[name], value)
    found = [op.kind for op in after.ops]
    assert "TILE" not in found
    if kinds:
        assert tuple(found) == kinds
    for op in after.ops:
        assert not list(as_int8(op, after).float_problems())


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3)), min_size=1, max_size=5))
def test_any_tile_becomes_broadcasts(axes: list[tuple[int, int]]) -> None:
    build = Builder(tuple(n for n, _ in axes))
    assert_prepared(build.graph(tiled(build, "x", [m for _, m in axes])))


@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 5), st.integers(1, 4), st.integers(1, 7))
def test_upsampling_is_one_resize(channels: int, height: int, width: int, rows: int, columns: int) -> None:
    build = Builder((1, height, width, channels))
    y = repeated(build, repeated(build, "x", 1, rows), 2, columns)
    graph = build.graph(build.add("LOGISTIC", y))
    assert_prepared(graph)
    kinds = [op.kind for op in prepare(graph).ops]
    assert kinds == (["RESIZE_NEAREST_NEIGHBOR", "LOGISTIC"] if rows * columns > 1 else ["LOGISTIC"])


def test_rows_that_somebody_else_reads_are_resized_apart() -> None:
    build = Builder((1, 3, 4, 2))
    rows = repeated(build, "x", 1, 2)
    assert_prepared(
        build.graph(repeated(build, rows, 2, 3), rows), "RESIZE_NEAREST_NEIGHBOR", "RESIZE_NEAREST_NEIGHBOR"
    )


def test_upsampling_of_one_axis_is_a_resize_between_views() -> None:
    build = Builder((1, 6, 3))
    graph = build.graph(repeated(build, "x", 1, 3))
    assert_prepared(graph, "EXPAND_DIMS", "RESIZE_NEAREST_NEIGHBOR", "RESHAPE")


def test_rows_that_float32_would_misplace_are_broadcast() -> None:
    """41 * float32(1 / 41) is less than 1."""
    build = Builder((1, 1, 2, 1))
    assert_prepared(build.graph(repeated(build, "x", 2, 41)), "RESHAPE", "BROADCAST_TO", "RESHAPE")


def test_tflm_has_no_tile() -> None:
    build = Builder((1, 6, 3))
    graph = build.graph(tiled(build, "x", [1, 2, 1]))
    operator = bind(graph.ops[0], graph)
    assert not list(operator.float_problems())
    assert ["TFLM has no such operator" in problem for problem in operator.problems()] == [True]


@pytest.mark.parametrize(
    ("multiples", "shape", "problem"),
    [
        ([1, 2], (1, 12, 3), "do not fit"),
        ([1, 0, 1], (1, 6, 3), "do not fit"),
        ([1, 2, 1], (1, 6, 3), "output's shape"),
    ],
)
def test_malformed_tiles_are_named(multiples: list[int], shape: tuple[int, ...], problem: str) -> None:
    build = Builder((1, 6, 3))
    y = build.add("TILE", "x", build.constant(np.array(multiples, np.int32)), shape=shape)
    graph = build.graph(y)
    assert [problem in found for found in bind(graph.ops[0], graph).float_problems()] == [True]
