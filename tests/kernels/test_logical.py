"""Comparisons, functions of truth values, and selection by them, against TFLM and the C kernels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import rig
from hypothesis import assume, given
from hypothesis import strategies as st
from seatool.ir import Array, DType, Graph
from test_binary import broadcastable

RELATIONS = {
    "EQUAL": np.equal,
    "NOT_EQUAL": np.not_equal,
    "LESS": np.less,
    "LESS_EQUAL": np.less_equal,
    "GREATER": np.greater,
    "GREATER_EQUAL": np.greater_equal,
}
EVERY = np.arange(-128, 128, dtype=np.int8)
Quant = tuple[float, int]

scales = st.one_of(st.sampled_from([1 / 256, 1 / 300, 0.003, 0.01, 0.5]), st.floats(2.0**-14, 0.96875, width=32))


def compared(kind: str, shapes: Sequence[tuple[int, ...]], a: Quant, b: Quant, second: Array | None = None) -> Graph:
    inputs = [rig.tensor("a", shapes[0], *a), rig.tensor("b", shapes[1], *b, data=second)]
    output = rig.tensor("y", np.broadcast_shapes(*shapes), dtype=DType.BOOL)
    return rig.single(kind, inputs, [output], version=1)


def truths(name: str, shape: tuple[int, ...], data: Array | None = None) -> rig.Tensor:
    return rig.tensor(name, shape, dtype=DType.BOOL, data=data)


@st.composite
def bools(draw: st.DrawFn, shape: tuple[int, ...]) -> Array:
    return np.random.default_rng(draw(st.integers(0, 2**32 - 1))).random(shape) < draw(st.sampled_from([0.0, 0.5, 1.0]))


@st.composite
def comparisons(draw: st.DrawFn) -> rig.Case:
    shapes = draw(broadcastable())
    a = draw(scales), draw(rig.zero_points)
    b = draw(st.sampled_from([a, (draw(scales), draw(rig.zero_points))]))
    values = [draw(rig.arrays(shape)) for shape in shapes]
    constant = draw(st.booleans())
    graph = compared(draw(st.sampled_from(sorted(RELATIONS))), shapes, a, b, values[1] if constant else None)
    assume(not list(rig.operator_of(graph).problems()))
    return graph, values[:1] if constant else values


@st.composite
def connectives(draw: st.DrawFn) -> rig.Case:
    kind = draw(st.sampled_from(["LOGICAL_AND", "LOGICAL_OR", "LOGICAL_NOT", "EQUAL", "NOT_EQUAL"]))
    shapes = draw(broadcastable())[: 1 if kind == "LOGICAL_NOT" else 2]
    inputs = [truths(f"x{i}", shape) for i, shape in enumerate(shapes)]
    graph = rig.single(kind, inputs, [truths("y", np.broadcast_shapes(*shapes))])
    return graph, [draw(bools(shape)) for shape in shapes]


@st.composite
def selections(draw: st.DrawFn) -> rig.Case:
    pair = draw(broadcastable())
    whole = np.broadcast_shapes(*pair)
    third = tuple(draw(st.sampled_from([n, n, 1])) for n in whole)[draw(st.sampled_from([0, 0, len(whole) - 1])) :]
    shapes = draw(st.permutations([*pair, third]))
    condition, x, y = draw(bools(shapes[0])), draw(rig.arrays(shapes[1])), draw(rig.arrays(shapes[2]))
    constant = draw(st.booleans())
    inputs = [
        truths("condition", shapes[0]),
        rig.tensor("x", shapes[1], 0.5, 3),
        rig.tensor("y", shapes[2], 0.5, 3, data=y if constant else None),
    ]
    graph = rig.single("SELECT_V2", inputs, [rig.tensor("z", whole, 0.5, 3)])
    return graph, [condition, x] if constant else [condition, x, y]


def cases() -> st.SearchStrategy[rig.Case]:
    return st.one_of(comparisons(), connectives(), selections())


@pytest.mark.parametrize("strategy", [comparisons, connectives, selections])
def test_equals_tflm(strategy: rig.Strategy) -> None:
    @given(strategy())
    def equals(case: rig.Case) -> None:
        rig.check(*case)

    equals()


@pytest.mark.parametrize("kind", RELATIONS)
@given(a=scales, b=scales, zeros=st.tuples(rig.zero_points, rig.zero_points))
def test_every_pair_of_values(kind: str, a: float, b: float, zeros: tuple[int, int]) -> None:
    graph = compared(kind, ((256, 1), (1, 256)), (a, zeros[0]), (b, zeros[1]))
    rig.check(graph, [EVERY.reshape(256, 1), EVERY.reshape(1, 256)])


@pytest.mark.parametrize(("scale", "admitted"), [(0.1, {"bytes_x4", "ranks"}), (0.001, {"ranks"})])
def test_values_are_compared_as_stored_only_where_their_scale_blurs_nothing(scale: float, admitted: set[str]) -> None:
    operator = rig.operator_of(compared("LESS", ((8,), (8,)), (scale, 3), (scale, 3)))
    assert {v.name for v in operator.variants if v.admits(operator).ok} == admitted


@pytest.mark.parametrize("kind", RELATIONS)
def test_float_form(kind: str) -> None:
    a, b = np.array([-1.5, 2, 3], np.float32), np.array([-1, 2, -3], np.float32)
    (y,) = rig.operator_of(compared(kind, ((3,), (3,)), (0.1, 0), (0.1, 0))).evaluate_float(a, b)
    assert y.dtype == np.bool_
    assert np.array_equal(y, RELATIONS[kind](a, b))


def test_a_scale_of_one_is_a_problem() -> None:
    (problem,) = rig.operator_of(compared("LESS", ((8,), (8,)), (1.0, 3), (0.5, 3))).problems()
    assert problem == "the inputs' scales 1 and 0.5 are not both below 1, which TFLM does not take"


def test_selecting_between_two_scales_is_a_problem() -> None:
    inputs = [truths("c", (8,)), rig.tensor("x", (8,), 0.5), rig.tensor("y", (8,), 0.25)]
    (problem,) = rig.operator_of(rig.single("SELECT_V2", inputs, [rig.tensor("z", (8,), 0.5)])).problems()
    assert "different quantization" in problem
