"""Transpositions between channels-first and channels-last layers: what they undo of each other goes, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from builder import Builder, random_float, random_int8
from hypothesis import given
from hypothesis import strategies as st
from seatool.ir import Quantization
from seatool.passes import optimize, prepare
from seatool.quantize import execute
from test_optimize import assert_same

QUANT = Quantization.per_tensor(0.05, -7)
OTHER = Quantization.per_tensor(0.08, 3)
FIRST, LAST = (0, 3, 1, 2), (0, 2, 3, 1)
SHAPE = (1, 4, 5, 3)


def transposed(build: Builder, x: str, order: tuple[int, ...]) -> str:
    shape = tuple(build.tensors[x].shape[axis] for axis in order)
    return build.add("TRANSPOSE", x, build.constant(np.array(order, np.int32)), shape=shape)


@st.composite
def chains(draw: st.DrawFn, quant: Quantization | None) -> Builder:
    """Transpositions, functions of one value, sums of two and of one with itself transposed, in any order."""
    build = Builder(tuple(draw(st.lists(st.integers(1, 3), min_size=2, max_size=4))), quant)
    here = ["x"]
    for _ in range(draw(st.integers(1, 7))):
        x = draw(st.sampled_from(here[-2:]))
        shape = build.tensors[x].shape
        kind = draw(st.sampled_from(["TRANSPOSE", "TRANSPOSE", "TRANSPOSE", "RELU", "ADD", "MUL"]))
        other = None if quant is None else OTHER
        if kind == "TRANSPOSE":
            here.append(transposed(build, x, tuple(draw(st.permutations(range(len(shape)))))))
        elif kind == "RELU":
            here.append(build.add("RELU", x, quant=other))
        else:
            scalar = np.float32([0.5]) if quant is None else np.int8([9])
            same = [y for y in here if build.tensors[y].shape == shape]
            y = draw(st.sampled_from([*same, build.constant(scalar, quant)]))
            here.append(build.add(kind, x, y, quant=other))
    return build


@given(chains(QUANT), st.data())
def test_every_bit_is_kept(build: Builder, data: st.DataObject) -> None:
    made = [op.outputs[0] for op in build.ops]
    graph = build.graph(*dict.fromkeys([made[-1], data.draw(st.sampled_from(made))]))
    assert_same(graph, optimize(graph)[0], random_int8(graph.tensors["x"].shape))


@given(chains(None))
def test_float_values_are_kept(build: Builder) -> None:
    graph = build.graph(build.ops[-1].outputs[0])
    x = random_float(*graph.tensors["x"].shape)
    (name,) = graph.outputs
    assert np.array_equal(execute(prepare(graph), [x])[name], execute(graph, [x])[name])


def test_a_clamp_between_layouts_loses_both_transpositions() -> None:
    build = Builder(SHAPE, QUANT)
    x = build.add("TANH", "x", quant=Quantization.per_tensor(1 / 128, 0))
    y = build.add("RELU", transposed(build, x, FIRST), quant=OTHER)
    graph = build.graph(build.add("ADD", transposed(build, y, LAST), "x", quant=OTHER))
    after, said = optimize(graph)
    assert [op.kind for op in after.ops] == ["LOOKUP_TABLE", "ADD"]
    assert said[0] == "computed relu_2 (RELU) without the transpositions around it"
    assert_same(graph, after, random_int8(SHAPE))


def test_a_sum_between_layouts_loses_all_three() -> None:
    build = Builder(SHAPE, QUANT)
    a = build.add("RELU", "x", quant=OTHER)
    total = build.add("ADD", transposed(build, a, FIRST), transposed(build, "x", FIRST), quant=OTHER)
    graph = build.graph(transposed(build, total, LAST))
    after, _ = optimize(graph)
    assert [op.kind for op in after.ops] == ["RELU", "ADD"]
    assert_same(graph, after, random_int8(SHAPE))


def test_two_in_a_row_are_one() -> None:
    build = Builder(SHAPE, QUANT)
    y = transposed(build, transposed(build, "x", (0, 2, 1, 3)), FIRST)
    graph = build.graph(build.add("RELU", y, quant=OTHER))
    after, _ = optimize(graph)
    assert [op.kind for op in after.ops] == ["TRANSPOSE", "RELU"]
    assert_same(graph, after, random_int8(SHAPE))


@pytest.mark.parametrize("order", [(0, 3, 1, 2), (3, 0, 1, 2), (0, 1, 3, 2)])
def test_one_that_moves_no_values_is_a_view(order: tuple[int, ...]) -> None:
    build = Builder((1, 1, 1, 6), QUANT)
    graph = build.graph(build.add("RELU", transposed(build, "x", order), quant=OTHER))
    after, _ = optimize(graph)
    assert [op.kind for op in after.ops] == ["RESHAPE", "RELU"]
    assert_same(graph, after, random_int8((1, 1, 1, 6)))


def test_one_that_ends_a_layout_and_begins_the_next_is_used_once() -> None:
    build = Builder((4, 3), QUANT)
    x = "x"
    for quant in (OTHER, QUANT, OTHER):
        x = build.add("RELU", transposed(build, x, (1, 0)), quant=quant)
    graph = build.graph(transposed(build, x, (1, 0)))
    after, _ = optimize(graph)
    assert "TRANSPOSE" not in [op.kind for op in after.ops]
    assert_same(graph, after, random_int8((4, 3)))


def test_a_sum_of_other_rank_keeps_its_transpositions() -> None:
    build = Builder((4, 3), QUANT)
    one = build.constant(np.full((1, 1, 1, 1), 9, np.int8), QUANT)
    total = build.add("ADD", transposed(build, "x", (1, 0)), one, shape=(1, 1, 3, 4), quant=OTHER)
    graph = build.graph(transposed(build, total, (0, 1, 3, 2)))
    after, _ = optimize(graph)
    assert [op.kind for op in after.ops] == ["TRANSPOSE", "ADD", "TRANSPOSE"]
    assert_same(graph, after, random_int8((4, 3)))


@pytest.mark.parametrize("order", [(-1, 0), (0, 0), (0, 2), (1,)])
def test_what_is_no_order_is_left_for_the_kernel_to_refuse(order: tuple[int, ...]) -> None:
    build = Builder((2, 2), QUANT)
    y = build.add("TRANSPOSE", "x", build.constant(np.array(order, np.int32)), shape=(2, 2))
    graph = build.graph(build.add("TRANSPOSE", y, build.constant(np.array(order, np.int32)), shape=(2, 2)))
    assert optimize(graph)[0].ops == graph.ops
