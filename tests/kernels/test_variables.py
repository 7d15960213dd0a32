"""READ_VARIABLE and ASSIGN_VARIABLE, one at a time; streaming models are in tests/render."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import rig
from hypothesis import given
from hypothesis import strategies as st
from seatool.ir import Array, DType, Graph, Op, State, Tensor

TYPES = (DType.INT8, DType.INT16, DType.INT32, DType.FLOAT32, DType.BOOL)


def _tensor(name: str, shape: tuple[int, ...], dtype: DType) -> Tensor:
    scale = 0.5 if dtype in (DType.INT8, DType.INT16) else None
    return rig.tensor(name, shape, scale, 3 if dtype is DType.INT8 else 0, dtype=dtype)


def assign(shape: tuple[int, ...], dtype: DType, before: Array, data: Array | None = None) -> Graph:
    """A variable that is ``before`` and becomes the input, or ``data``; the input is also the output."""
    x, v = _tensor("x", shape, dtype), _tensor("v", shape, dtype)
    following, constant = replace(v, name="v/next"), replace(x, name="c", data=data)
    op = Op("layer", "ASSIGN_VARIABLE", ("v", "x" if data is None else "c"), ("v/next",))
    tensors = {t.name: t for t in (x, v, following, *(() if data is None else (constant,)))}
    return Graph("case", tensors, (op,), ("x",), ("x",), states=(State("v", "v/next", before),))


def read(shape: tuple[int, ...], dtype: DType) -> Graph:
    """A variable that is the graph's input, to be read."""
    return rig.single("READ_VARIABLE", [_tensor("v", shape, dtype)], [_tensor("y", shape, dtype)])


def _values(shape: tuple[int, ...], dtype: DType, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 2 if dtype is DType.BOOL else 100, shape).astype(dtype.numpy)


SHAPES = st.sampled_from([(1,), (3,), (2, 5), (1, 40, 3)])


@st.composite
def assignments(draw: st.DrawFn) -> tuple[Graph, list[Array]]:
    shape, dtype = draw(SHAPES), draw(st.sampled_from(TYPES))
    before, x, data = (_values(shape, dtype, seed) for seed in range(3))
    return assign(shape, dtype, before, draw(st.sampled_from([None, data]))), [x]


@st.composite
def cases(draw: st.DrawFn) -> rig.Case:
    if draw(st.booleans()):
        return draw(assignments())
    shape, dtype = draw(SHAPES), draw(st.sampled_from(TYPES))
    return read(shape, dtype), [_values(shape, dtype, 0)]


@given(assignments())
def test_assignments_equal_tflm(case: tuple[Graph, list[Array]]) -> None:
    graph, inputs = case
    rig.check_sequence(graph, [inputs, inputs])


@given(cases())
def test_kernels_equal_the_reference(case: rig.Case) -> None:
    graph, inputs = case
    rig.check_kernels(graph, inputs, rig.reference(graph, inputs))


@pytest.mark.parametrize("other", [Tensor("y", (7,), DType.INT8), Tensor("y", (6,), DType.INT32)])
def test_another_size_or_type_is_a_problem(other: Tensor) -> None:
    graph = rig.single("READ_VARIABLE", [Tensor("v", (6,), DType.INT8)], [other])
    problems = list(rig.operator_of(graph).problems())
    assert problems == [f"it copies int8[6] to {other.dtype.value}{list(other.shape)}"]
