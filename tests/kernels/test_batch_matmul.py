"""BATCH_MATMUL against TFLM and the C kernel: shapes, batches, transpositions and scales."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import rig
from hypothesis import assume, given
from hypothesis import strategies as st
from seatool.ir import Array, Graph
from seatool.kernels.batch_matmul import BatchMatmulAttributes

Quant = tuple[float, int]


def product(
    shapes: Sequence[Sequence[int]],
    attributes: BatchMatmulAttributes,
    quants: Sequence[Quant],
    constants: tuple[Array | None, Array | None] = (None, None),
) -> Graph:
    """``shapes`` and ``quants`` of both inputs and the output."""
    inputs = [
        rig.tensor(name, shape, *quant, data=data)
        for name, shape, quant, data in zip("ab", shapes, quants, constants, strict=False)
    ]
    return rig.single("BATCH_MATMUL", inputs, [rig.tensor("y", shapes[2], *quants[2])], attributes)


@st.composite
def cases(draw: st.DrawFn) -> rig.Case:
    rows, columns = draw(st.sampled_from([1, 2, 3, 5, 8])), draw(st.sampled_from([1, 2, 3, 4, 5, 9, 16]))
    depth = draw(st.sampled_from([1, 2, 3, 4, 5, 8, 13, 64]))
    batches = draw(st.lists(st.integers(1, 3), max_size=3))
    attributes = BatchMatmulAttributes(draw(st.booleans()), draw(st.booleans()))
    shapes: list[list[int]] = []
    for matrix, transposed in (([rows, depth], attributes.adj_x), ([depth, columns], attributes.adj_y)):
        kept = [draw(st.sampled_from([n, n, n, 1])) for n in batches]
        missing = draw(st.sampled_from([0, 0, 0, len(kept)]))
        shapes.append(kept[missing:] + (matrix[::-1] if transposed else matrix))
    shapes.append([*np.broadcast_shapes(shapes[0][:-2], shapes[1][:-2]), rows, columns])
    values = [draw(rig.arrays(shape)) for shape in shapes[:2]]
    constant = draw(st.sampled_from([None, None, 1]))
    constants = (None, values[1] if constant else None)
    graph = product(shapes, attributes, [(draw(rig.scales), draw(rig.zero_points)) for _ in range(3)], constants)
    assume(not list(rig.operator_of(graph).problems()))
    return graph, values[:1] if constant else values


@given(cases())
def test_equals_tflm(case: rig.Case) -> None:
    rig.check(*case)


@pytest.mark.parametrize("adjoint", [False, True])
def test_panels_of_columns_and_many_rows(adjoint: bool) -> None:
    rng = np.random.default_rng(0)
    shapes = [(2, 7, 100), (2, 130, 100) if adjoint else (2, 100, 130), (2, 7, 130)]
    graph = product(shapes, BatchMatmulAttributes(adj_y=adjoint), [(0.05, 3), (0.04, -128), (0.7, 5)])
    rig.check(graph, [rng.integers(-128, 128, shape).astype(np.int8) for shape in shapes[:2]])


@pytest.mark.parametrize("adjoint", [False, True])
def test_the_largest_sum(adjoint: bool) -> None:
    depth = 16512
    shapes = [(1, depth), (1, depth) if adjoint else (depth, 1), (1, 1)]
    graph = product(shapes, BatchMatmulAttributes(adj_y=adjoint), [(0.01, 127), (0.01, 127), (2000.0, 0)])
    rig.check(graph, [np.full(shape, -128, np.int8) for shape in shapes[:2]])


def test_few_rows_read_the_columns_as_they_are() -> None:
    def fastest(rows: int) -> str:
        shapes = [(rows, 128), (64, 128), (rows, 64)]
        op = rig.operator_of(product(shapes, BatchMatmulAttributes(adj_y=True), [(0.1, 0)] * 3))
        return min(op.variants, key=lambda variant: variant.cost(op).instructions).name

    assert (fastest(1), fastest(16)) == ("rows", "gemm")


def test_float_form() -> None:
    graph = product([(1, 2), (3, 2), (1, 3)], BatchMatmulAttributes(adj_y=True), [(1.0, 0)] * 3)
    a, b = np.array([[1, 2]], np.float32), np.array([[1, 0], [0, 1], [1, 1]], np.float32)
    (y,) = rig.operator_of(graph).evaluate_float(a, b)
    assert y.dtype == np.float32
    assert y.tolist() == [[1.0, 2.0, 3.0]]


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ([(1, 2), (3, 2), (1, 2)], "[1, 2] times [3, 2]: the inner dimensions differ"),
        ([(2, 1, 2), (3, 2, 2), (2, 1, 2)], "[2, 1, 2] times [3, 2, 2]: the batches do not fit together"),
        ([(1, 2), (2, 2), (2, 2)], "the output's shape is [2, 2], not [1, 2]"),
        ([(2,), (2, 2), (2,)], "[2] times [2, 2]: 2 to 5 dimensions are supported"),
        ([(1, 16513), (16513, 1), (1, 1)], "16513 products; up to 16512 are supported"),
    ],
)
def test_problems_say_what_is_wrong(shapes: list[tuple[int, ...]], expected: str) -> None:
    assert list(rig.operator_of(product(shapes, BatchMatmulAttributes(), [(1.0, 0)] * 3)).problems()) == [expected]
