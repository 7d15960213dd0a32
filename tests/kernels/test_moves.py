"""Operators that only move values: PAD, CONCATENATION, SPLIT, SLICE, STRIDED_SLICE, TRANSPOSE and the views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import rig
from hypothesis import assume, given
from hypothesis import strategies as st
from seatool.ir import Attributes, DType, Graph, Quantization, Tensor
from seatool.kernels.gather import StridedSliceAttributes
from seatool.kernels.joining import ConcatenationAttributes, SplitAttributes
from seatool.kernels.view import ReshapeAttributes, SqueezeAttributes

SCALE, ZERO = 0.5, -3


def moved(
    kind: str,
    shape: Sequence[int],
    arguments: Sequence[Tensor],
    outputs: Sequence[Sequence[int]],
    attributes: Attributes | None = None,
    data_index: int = 0,
) -> Graph:
    """One data input among constant arguments."""
    inputs = list(arguments)
    inputs.insert(data_index, rig.tensor("x", shape, SCALE, ZERO))
    targets = [rig.tensor(f"y{i}", output, SCALE, ZERO) for i, output in enumerate(outputs)]
    return rig.single(kind, inputs, targets, attributes)


def shapes(ranks: tuple[int, int]) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(st.integers(1, 6), min_size=ranks[0], max_size=ranks[1]).map(tuple)


@st.composite
def pads(draw: st.DrawFn) -> Graph:
    shape = draw(shapes((1, 5)))
    amounts = [(draw(st.sampled_from([0, 0, 1, 3])), draw(st.sampled_from([0, 0, 2]))) for _ in shape]
    arguments = [rig.int32("paddings", amounts)]
    kind = draw(st.sampled_from(["PAD", "PADV2"]))
    if kind == "PADV2":
        arguments.append(rig.tensor("value", (1,), SCALE, ZERO, data=np.array([draw(rig.zero_points)], np.int8)))
    return moved(kind, shape, arguments, [[n + sum(pair) for n, pair in zip(shape, amounts, strict=True)]])


@st.composite
def slices(draw: st.DrawFn) -> Graph:
    shape = draw(shapes((1, 5)))
    begins = [draw(st.integers(0, n - 1)) for n in shape]
    counts = [draw(st.integers(1, n - begin)) for n, begin in zip(shape, begins, strict=True)]
    to_the_end = [begin + count == n for n, begin, count in zip(shape, begins, counts, strict=True)]
    sizes = [-1 if end and draw(st.booleans()) else count for end, count in zip(to_the_end, counts, strict=True)]
    arguments = [rig.int32("begin", begins), rig.int32("size", sizes)]
    if draw(st.booleans()):
        arguments = [
            Tensor(t.name, t.shape, DType.INT64, None, t.data.astype(np.int64)) for t in arguments if t.data is not None
        ]
    return moved("SLICE", shape, arguments, [counts])


@st.composite
def strided_slices(draw: st.DrawFn) -> Graph:
    shape = draw(shapes((1, 4)))
    every = (1 << len(shape)) - 1
    masks = StridedSliceAttributes(
        begin_mask=draw(st.integers(0, every)),
        end_mask=draw(st.integers(0, every)),
        shrink_axis_mask=draw(st.sampled_from([0, 0, 1, every, 2 & every])),
    )
    begins = [draw(st.integers(-n - 2, n + 2)) for n in shape]
    ends = [draw(st.integers(-n - 2, n + 2)) for n in shape]
    steps = [draw(st.sampled_from([1, 1, 2, 3, -1, -2])) for _ in shape]
    arguments = [rig.int32("begin", begins), rig.int32("end", ends), rig.int32("strides", steps)]
    # Python's own slices say what the output's shape is.
    index = tuple(
        begin
        if masks.shrink_axis_mask >> i & 1
        else slice(None if masks.begin_mask >> i & 1 else begin, None if masks.end_mask >> i & 1 else end, step)
        for i, (begin, end, step) in enumerate(zip(begins, ends, steps, strict=True))
    )
    try:
        picked = np.zeros(shape, np.int8)[index]
    except IndexError:
        assume(False)
    assume(picked.size > 0)
    graph = moved("STRIDED_SLICE", shape, arguments, [picked.shape], masks)
    assume(not list(rig.operator_of(graph).problems()))
    return graph


@st.composite
def transposes(draw: st.DrawFn) -> Graph:
    shape = draw(shapes((1, 5)))
    perm = draw(st.permutations(range(len(shape))))
    return moved("TRANSPOSE", shape, [rig.int32("perm", perm)], [[shape[axis] for axis in perm]])


@st.composite
def splits(draw: st.DrawFn) -> Graph:
    shape = list(draw(shapes((1, 4))))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    if draw(st.booleans()):
        pieces = [draw(st.integers(1, 4))] * draw(st.integers(1, 5))
        kind, index, arguments = "SPLIT", 1, [rig.int32("axis", axis)]
    else:
        pieces = draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
        kind, index, arguments = "SPLIT_V", 0, [rig.int32("sizes", pieces), rig.int32("axis", axis)]
    outputs = [[*shape] for _ in pieces]
    for output, piece in zip(outputs, pieces, strict=True):
        output[axis] = piece
    shape[axis] = sum(pieces)
    return moved(kind, shape, arguments, outputs, SplitAttributes(len(pieces)), index)


@st.composite
def concatenations(draw: st.DrawFn) -> Graph:
    shape = list(draw(shapes((1, 4))))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    sizes = draw(st.lists(st.integers(1, 6), min_size=1, max_size=10))
    constant = draw(st.sampled_from([None, None, 0, len(sizes) - 1])) if len(sizes) > 1 else None
    inputs = []
    for i, size in enumerate(sizes):
        part = [*shape]
        part[axis] = size
        data = draw(rig.arrays(part)) if i == constant else None
        inputs.append(rig.tensor(f"x{i}", part, SCALE, ZERO, data=data))
    shape[axis] = sum(sizes)
    return rig.single("CONCATENATION", inputs, [rig.tensor("y", shape, SCALE, ZERO)], ConcatenationAttributes(axis))


@st.composite
def views(draw: st.DrawFn) -> Graph:
    shape = draw(shapes((1, 4)))
    kind = draw(st.sampled_from(["RESHAPE", "SQUEEZE", "EXPAND_DIMS"]))
    if kind == "RESHAPE":
        target = draw(st.permutations(shape))
        given_shape = [rig.int32("shape", target)] if draw(st.booleans()) else []
        return moved(kind, shape, given_shape, [target], ReshapeAttributes(tuple(target)))
    if kind == "EXPAND_DIMS":
        axis = draw(st.integers(-len(shape) - 1, len(shape)))
        return moved(kind, shape, [rig.int32("axis", axis)], [np.expand_dims(np.zeros(shape), axis).shape])
    ones = [i for i, n in enumerate(shape) if n == 1]
    dims = draw(st.lists(st.sampled_from(ones), unique=True)) if ones else []
    target = np.squeeze(np.zeros(shape), tuple(dims) if dims else None).shape
    return moved(kind, shape, [], [target], SqueezeAttributes(tuple(dims)))


ALL = (pads, slices, strided_slices, transposes, splits, concatenations, views)


@st.composite
def cases(draw: st.DrawFn) -> rig.Case:
    """Of the operators that have code."""
    graph = draw(st.one_of([strategy() for strategy in ALL if strategy is not views]))
    return graph, [draw(rig.arrays(graph.tensors[name].shape)) for name in graph.inputs]


def _check(graph: Graph) -> None:
    """Every element has its own value where there are no more than 256."""
    start = 0
    inputs = []
    for name in graph.inputs:
        t = graph.tensors[name]
        inputs.append((np.arange(t.elements) + start).astype(np.uint8).view(np.int8).reshape(t.shape))
        start += t.elements
    rig.check(graph, inputs)


@pytest.mark.parametrize("strategy", ALL)
def test_equals_tflm(strategy: rig.Strategy) -> None:
    @given(strategy())
    def equals(graph: Graph) -> None:
        _check(graph)

    equals()


def _as_float(t: Tensor) -> Tensor:
    data = None if t.data is None else t.data.astype(np.float32)
    return t if t.quant is None else replace(t, dtype=DType.FLOAT32, quant=None, data=data)


@pytest.mark.parametrize("strategy", [slices, strided_slices, concatenations, views])
def test_of_float32_equals_tflm(strategy: rig.Strategy) -> None:
    @given(strategy(), st.integers(0, 1000))
    def equals(graph: Graph, seed: int) -> None:
        real = [_as_float(t) for t in graph.tensors.values()]
        rng = np.random.default_rng(seed)
        shapes = [graph.tensors[name].shape for name in graph.inputs]
        rig.check(graph.with_(tensors=real), [rng.normal(size=shape).astype(np.float32) for shape in shapes])

    equals()


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        (moved("PAD", (2,), [rig.int32("p", [[1, 1]])], [(5,)]), "the output's shape is [5], not [4]"),
        (moved("PAD", (2,), [rig.int32("p", [[-1, 1]])], [(2,)]), "some paddings are negative"),
        (moved("TRANSPOSE", (2, 3), [rig.int32("p", [0, 0])], [(2, 2)]), "not a permutation"),
        (moved("RESHAPE", (2, 3), [], [(7,)]), "shape [2, 3] cannot become [7]"),
        (moved("SQUEEZE", (2, 1), [], [(2,)], SqueezeAttributes((0,))), "not all of size 1"),
        (moved("EXPAND_DIMS", (2,), [rig.int32("a", 5)], [(2, 1)]), "axis 5 does not exist in 2 dimensions"),
        (moved("SLICE", (4,), [rig.int32("b", [3]), rig.int32("s", [2])], [(2,)]), "leave [4]"),
        (moved("SPLIT", (5,), [rig.int32("a", 0)], [(2,), (2,)], SplitAttributes(2), 1), "does not make"),
    ],
)
def test_problems_say_what_is_wrong(graph: Graph, expected: str) -> None:
    assert any(expected in problem for problem in rig.operator_of(graph).problems())


@pytest.mark.parametrize(
    ("stride", "masks", "expected"),
    [
        (0, StridedSliceAttributes(), "the stride of axis 0 is 0"),
        (-1, StridedSliceAttributes(shrink_axis_mask=1), "negative stride"),
        (1, StridedSliceAttributes(ellipsis_mask=1), "ellipsis_mask"),
        (-1, StridedSliceAttributes(), "nothing is left of axis 0"),
    ],
)
def test_strided_slice_problems(stride: int, masks: StridedSliceAttributes, expected: str) -> None:
    arguments = [rig.int32("begin", [0]), rig.int32("end", [2]), rig.int32("strides", [stride])]
    graph = moved("STRIDED_SLICE", (4,), arguments, [(2,)], masks)
    assert any(expected in problem for problem in rig.operator_of(graph).problems())


def test_concatenation_limits_are_problems() -> None:
    parts = [rig.tensor(f"x{i}", (2,), SCALE, ZERO) for i in range(11)]
    parts[3] = Tensor("x3", (2,), DType.INT8, Quantization.per_tensor(0.25, ZERO))
    graph = rig.single("CONCATENATION", parts, [rig.tensor("y", (22,), SCALE, ZERO)], ConcatenationAttributes(0))
    problems = list(rig.operator_of(graph).problems())
    assert problems == ["11 inputs; TFLM takes up to 10", "inputs and output have different quantization"]
