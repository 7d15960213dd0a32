"""More operators that only move values: blocks, mirrors, stacks, slices by index, fills and casts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import rig
from hypothesis import assume, given
from hypothesis import strategies as st
from seatool.ir import Array, Attributes, DType, Graph, Tensor
from seatool.kernels.cast import CastAttributes
from seatool.kernels.joining import PackAttributes, UnpackAttributes
from seatool.kernels.mirror_pad import MirrorMode, MirrorPadAttributes
from seatool.kernels.rearrange import BlockAttributes
from seatool.kernels.take import GatherAttributes
from test_moves import SCALE, ZERO, moved, shapes


def counted(graph: Graph, name: str) -> Array:
    """Values that differ where there are no more than 256."""
    t = graph.tensors[name]
    return np.arange(t.elements).astype(np.uint8).view(np.int8).reshape(t.shape)


@st.composite
def stacks(draw: st.DrawFn) -> rig.Case:
    shape, count = draw(shapes((0, 4))), draw(st.integers(1, 12))
    axis = draw(st.integers(-len(shape) - 1, len(shape)))
    whole = list(shape)
    whole.insert(axis % (len(shape) + 1), count)
    if draw(st.booleans()):
        graph = moved("UNPACK", whole, [], [shape] * count, UnpackAttributes(count, axis))
        return graph, [counted(graph, "x")]
    values = [draw(rig.arrays(shape)) for _ in range(count)]
    parts = [rig.tensor(f"x{i}", shape, SCALE, ZERO, data=v if i == 1 else None) for i, v in enumerate(values)]
    graph = rig.single("PACK", parts, [rig.tensor("y", whole, SCALE, ZERO)], PackAttributes(count, axis))
    return graph, [v for i, v in enumerate(values) if i != 1]


@st.composite
def reversals(draw: st.DrawFn) -> rig.Case:
    shape = draw(shapes((1, 6)))
    first = draw(st.integers(0, len(shape) - 1))
    axes = list(range(first, draw(st.integers(first + 1, len(shape)))))
    given_axes = [axis - draw(st.sampled_from([0, len(shape)])) for axis in draw(st.permutations(axes))]
    graph = moved("REVERSE_V2", shape, [rig.int32("axes", given_axes)], [shape])
    return graph, [counted(graph, "x")]


@st.composite
def repetitions(draw: st.DrawFn) -> rig.Case:
    whole = draw(st.lists(st.integers(1, 5), min_size=1, max_size=5))
    kept = [draw(st.sampled_from([n, n, 1])) for n in whole]
    shape = kept[draw(st.integers(0, len(whole) - 1)) :]
    graph = moved("BROADCAST_TO", shape, [rig.int32("shape", whole)], [whole])
    return graph, [counted(graph, "x")]


@st.composite
def depth_blocks(draw: st.DrawFn) -> rig.Case:
    batches, height, width, channels, block = (draw(st.integers(1, n)) for n in (2, 4, 4, 5, 3))
    deep = (batches, height, width, channels * block * block)
    wide = (batches, height * block, width * block, channels)
    kind = draw(st.sampled_from(["DEPTH_TO_SPACE", "SPACE_TO_DEPTH"]))
    before, after = (deep, wide) if kind == "DEPTH_TO_SPACE" else (wide, deep)
    graph = moved(kind, before, [], [after], BlockAttributes(block))
    return graph, [counted(graph, "x")]


@st.composite
def batch_blocks(draw: st.DrawFn) -> rig.Case:
    batches, channels = draw(st.integers(1, 2)), draw(st.integers(1, 5))
    places = draw(st.integers(1, 2))
    block = [draw(st.integers(1, 3)) for _ in range(places)]
    kind = draw(st.sampled_from(["SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"]))
    most = 3 if kind == "BATCH_TO_SPACE_ND" else 0
    edges = [(draw(st.integers(0, most)), draw(st.integers(0, most))) for _ in range(places)]
    inner = [draw(st.integers(1, 4)) for _ in range(places)]
    image = [n * b - sum(edge) for n, b, edge in zip(inner, block, edges, strict=True)]
    assume(min(image) > 0)
    blocks = (batches * int(np.prod(block)), *inner, channels)
    whole = (batches, *image, channels)
    before, after = (whole, blocks) if kind == "SPACE_TO_BATCH_ND" else (blocks, whole)
    graph = moved(kind, before, [rig.int32("block", block), rig.int32("edges", edges)], [after])
    return graph, [counted(graph, "x")]


@st.composite
def mirrors(draw: st.DrawFn) -> rig.Case:
    shape, mode = draw(shapes((1, 5))), draw(st.sampled_from(MirrorMode))
    most = [n - (mode is MirrorMode.REFLECT) for n in shape]
    amounts = [(draw(st.integers(0, min(n, 3))), draw(st.integers(0, min(n, 3)))) for n in most]
    amounts = [pair if draw(st.booleans()) else (0, 0) for pair in amounts]
    after = [n + sum(pair) for n, pair in zip(shape, amounts, strict=True)]
    graph = moved("MIRROR_PAD", shape, [rig.int32("paddings", amounts)], [after], MirrorPadAttributes(mode))
    return graph, [counted(graph, "x")]


def chosen(
    kind: str, data: Tensor, indices: Tensor, output: Sequence[int], attributes: Attributes | None = None
) -> Graph:
    inputs = [indices, data] if kind == "EMBEDDING_LOOKUP" else [data, indices]
    return rig.single(kind, inputs, [rig.tensor("y", output, SCALE, ZERO)], attributes)


@st.composite
def lookups(draw: st.DrawFn) -> rig.Case:
    """Data and indices are constant or not, independently."""
    kind = draw(st.sampled_from(["GATHER", "GATHER_ND", "EMBEDDING_LOOKUP"]))
    shape = draw(shapes((2, 4)))
    axis, batch_dims, attributes = 0, 0, None
    index_shape = draw(shapes((1, 3)))
    if kind == "GATHER":
        axis = draw(st.integers(0, len(shape) - 1))
        batch_dims = draw(st.integers(0, min(axis, 1)))
        index_shape = (*shape[:batch_dims], *index_shape)
        attributes = GatherAttributes(axis - draw(st.sampled_from([0, len(shape)])), batch_dims)
    elif kind == "EMBEDDING_LOOKUP":
        index_shape = index_shape[:1]
    limits: Any = shape[axis]
    output = (*shape[:axis], *index_shape[batch_dims:], *shape[axis + 1 :])
    if kind == "GATHER_ND":
        depth = draw(st.integers(1, len(shape)))
        index_shape = (*index_shape[:-1], depth)
        limits, output = shape[:depth], (*index_shape[:-1], *shape[depth:])
    indices = np.random.default_rng(draw(st.integers(0, 99))).integers(0, limits, index_shape).astype(np.int32)
    values = np.arange(np.prod(shape)).astype(np.uint8).view(np.int8).reshape(shape)
    constant = draw(st.sampled_from([(False, False), (True, False), (False, True)]))
    data = rig.tensor("x", shape, SCALE, ZERO, data=values if constant[0] else None)
    where = rig.tensor("indices", index_shape, dtype=DType.INT32, data=indices if constant[1] else None)
    given_values = {"x": values, "indices": indices}
    graph = chosen(kind, data, where, output, attributes)
    return graph, [given_values[name] for name in graph.inputs]


@st.composite
def updates(draw: st.DrawFn) -> rig.Case:
    shape = draw(shapes((1, 5)))
    part = [draw(st.integers(1, n)) for n in shape]
    start = np.array([draw(st.integers(-2, n + 1)) for n in shape], np.int32)
    constant = draw(st.booleans())
    inputs = [
        rig.tensor("x", shape, SCALE, ZERO),
        rig.tensor("part", part, SCALE, ZERO),
        rig.tensor("start", start.shape, dtype=DType.INT32, data=start if constant else None),
    ]
    graph = rig.single("DYNAMIC_UPDATE_SLICE", inputs, [rig.tensor("y", shape, SCALE, ZERO)])
    values = [counted(graph, "x"), ~counted(graph, "part")]
    return graph, values if constant else [*values, start]


@st.composite
def fills(draw: st.DrawFn) -> rig.Case:
    shape = draw(shapes((1, 4)))
    if draw(st.booleans()):
        graph = moved("ZEROS_LIKE", shape, [], [shape])
        return graph, [counted(graph, "x")]
    inputs = [rig.int32("dims", shape), rig.tensor("x", (), SCALE, ZERO)]
    graph = rig.single("FILL", inputs, [rig.tensor("y", shape, SCALE, ZERO)])
    return graph, [draw(rig.arrays(()))]


@st.composite
def casts(draw: st.DrawFn) -> rig.Case:
    shape = draw(shapes((1, 3)))
    source, target = (draw(st.sampled_from([DType.INT8, DType.INT32, DType.BOOL])) for _ in range(2))
    x = rig.tensor("x", shape, SCALE if source is DType.INT8 else None, dtype=source)
    y = rig.tensor("y", shape, SCALE if target is DType.INT8 else None, dtype=target)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    low, high = {DType.INT8: (-128, 128), DType.INT32: (-(2**31), 2**31), DType.BOOL: (0, 2)}[source]
    values = rng.integers(low, high, shape) * rng.integers(0, 2, shape)
    return rig.single("CAST", [x], [y], CastAttributes()), [values.astype(source.numpy)]


ALL = (
    stacks,
    reversals,
    repetitions,
    depth_blocks,
    batch_blocks,
    mirrors,
    lookups,
    updates,
    fills,
    casts,
)


def cases() -> st.SearchStrategy[rig.Case]:
    return st.one_of([strategy() for strategy in ALL])


@pytest.mark.parametrize("strategy", ALL)
def test_equals_tflm(strategy: rig.Strategy) -> None:
    @given(strategy())
    def equals(case: rig.Case) -> None:
        rig.check(*case)

    equals()


@pytest.mark.parametrize("kind", ["GATHER", "GATHER_ND", "EMBEDDING_LOOKUP"])
def test_indices_from_outside_never_lead_outside(kind: str) -> None:
    shape = (3, 1) if kind == "GATHER_ND" else (3,)
    attributes = GatherAttributes() if kind == "GATHER" else None
    indices = rig.tensor("i", shape, dtype=DType.INT32)
    graph = chosen(kind, rig.tensor("x", (4, 2), SCALE, ZERO), indices, (3, 2), attributes)
    given_values = {"x": counted(graph, "x"), "i": np.array([-(2**31), 2**31 - 1, 1], np.int32).reshape(shape)}
    inputs = [given_values[name] for name in graph.inputs]
    rig.check(graph, inputs, oracle=False)
    assert rig.reference(graph, inputs)[0].tolist() == [[0, 1], [6, 7], [2, 3]]


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        (moved("REVERSE_V2", (2, 3, 4), [rig.int32("a", [0, 2])], [(2, 3, 4)]), "[0, 2] are not neighbours"),
        (moved("REVERSE_V2", (2,), [rig.int32("a", [1])], [(2,)]), "axes [1] do not all exist in 1 dimensions"),
        (moved("BROADCAST_TO", (2,), [rig.int32("s", [3])], [(3,)]), "[2] cannot be repeated to [3]"),
        (moved("BROADCAST_TO", (2, 2), [rig.int32("s", [2])], [(2,)]), "[2, 2] cannot be repeated to [2]"),
        (moved("DEPTH_TO_SPACE", (1, 2, 2, 6), [], [(1, 4, 4, 1)], BlockAttributes(2)), "6 channels do not make"),
        (moved("SPACE_TO_DEPTH", (1, 3, 2, 1), [], [(1, 1, 1, 4)], BlockAttributes(2)), "does not consist of blocks"),
        (moved("MIRROR_PAD", (2,), [rig.int32("p", [[2, 0]])], [(4,)], MirrorPadAttributes(MirrorMode(0))), "mirror"),
        (moved("PACK", (2,), [], [(2, 2)], PackAttributes(1)), "side by side are not [2, 2]"),
        (moved("UNPACK", (2, 3), [], [(3,)], UnpackAttributes(2)), "num is 2 with 1 outputs"),
        (
            moved(
                "BATCH_TO_SPACE_ND", (3, 1, 1, 1), [rig.int32("b", [2, 2]), rig.int32("c", [[0, 0], [0, 0]])], [(1,)]
            ),
            "does not make an image",
        ),
        (
            chosen("GATHER", rig.tensor("x", (4,), SCALE), rig.int32("i", [4]), (1,), GatherAttributes()),
            "some indices are not from 0 to 3",
        ),
        (chosen("GATHER_ND", rig.tensor("x", (4,), SCALE), rig.int32("i", [[-1]]), (1,)), "do not exist in [4]"),
    ],
)
def test_problems_say_what_is_wrong(graph: Graph, expected: str) -> None:
    problems = list(rig.operator_of(graph).problems())
    assert any(expected in problem for problem in problems), problems


def test_a_block_size_must_be_positive() -> None:
    with pytest.raises(ValueError, match="block_size is 0"):
        BlockAttributes(0)
