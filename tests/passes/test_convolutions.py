"""Convolutions that are written as several operators: dilated ones on blocks, and those with a PAD in front."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from builder import Builder, random_float, random_int8
from hypothesis import given
from hypothesis import strategies as st
from seatool.ir import Graph, Quantization
from seatool.kernels import Padding
from seatool.passes import optimize, prepare
from seatool.quantize import execute
from test_optimize import assert_same

QUANT = Quantization.per_tensor(0.05, -7)
ONE = {"padding": 1, "stride_h": 1, "stride_w": 1}
"""A VALID convolution."""


def pairs(most: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(0, most), st.integers(0, most))


def integers(build: Builder, values: Any) -> str:
    return build.constant(np.array(values, np.int32))


def convolved(build: Builder, x: str, kernel: tuple[int, int], depthwise: bool, **changes: int) -> str:
    """A convolution of ``x``, to as many channels."""
    batches, height, width, channels = build.tensors[x].shape
    is_float = build.tensors[x].quant is None
    shape = (1, *kernel, channels) if depthwise else (channels, *kernel, channels)
    weights = random_float(*shape) if is_float else random_int8(shape)
    constant = build.constant(weights, None if is_float else Quantization.per_tensor(0.02, 0))
    fields = ONE | ({"depth_multiplier": 1} if depthwise else {}) | changes
    strides = fields["stride_h"], fields["stride_w"]
    places = zip((height, width), kernel, strides, strict=True)
    size = (-(-n // s) if fields["padding"] == Padding.SAME else (n - k) // s + 1 for n, k, s in places)
    kind = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
    quant = None if is_float else Quantization.per_tensor(0.3, 4)
    return build.add(
        kind, x, constant, shape=(batches, *size, channels), quant=quant, name=f"conv{len(build.ops)}", **fields
    )


def padded(build: Builder, x: str, *amounts: tuple[int, int]) -> str:
    """``x`` with so many places around the axes between the first and the last."""
    shape = build.tensors[x].shape
    inner = [n + sum(pair) for n, pair in zip(shape[1:-1], amounts, strict=True)]
    return build.add("PAD", x, integers(build, [(0, 0), *amounts, (0, 0)]), shape=(shape[0], *inner, shape[-1]))


def on_blocks(
    build: Builder, x: str, block: list[int], kernel: tuple[int, int], crops: list[tuple[int, int]], depthwise: bool
) -> str:
    """A convolution of the blocks of ``x``, back in one image; of one axis between views."""
    batches, *places, channels = build.tensors[x].shape
    many, inner = batches * int(np.prod(block)), [n // b for n, b in zip(places, block, strict=True)]
    y = build.add(
        "SPACE_TO_BATCH_ND",
        x,
        integers(build, block),
        integers(build, np.zeros((len(block), 2))),
        shape=(many, *inner, channels),
    )
    if len(block) == 1:
        y = build.add("EXPAND_DIMS", y, build.constant(np.array(-3, np.int32)), shape=(many, 1, *inner, channels))
    y = convolved(build, y, kernel, depthwise)
    inner = [n for axis, n in enumerate(build.tensors[y].shape[1:3]) if len(block) == 2 or axis == 1]
    if len(block) == 1:
        y = build.add("RESHAPE", y, shape=(many, *inner, channels), new_shape=(many, *inner, channels))
    out = [n * b - sum(c) for n, b, c in zip(inner, block, crops, strict=True)]
    return build.add(
        "BATCH_TO_SPACE_ND",
        y,
        integers(build, block),
        integers(build, crops),
        shape=(batches, *out, channels),
        name="out",
    )


@st.composite
def block_graphs(draw: st.DrawFn, quant: Quantization | None) -> Graph:
    """PAD, blocks of one or two axes, a convolution, and crops; perhaps behind another PAD."""
    axes, channels, depthwise = draw(st.integers(1, 2)), draw(st.integers(1, 4)), draw(st.booleans())
    block = [draw(st.integers(1, 3)) for _ in range(axes)]
    kernel = [draw(st.integers(1, 3)) for _ in range(axes)]
    twice, sizes, edges, crops = draw(st.booleans()), [], [], []
    for b, k in zip(block, kernel, strict=True):
        before, after = draw(pairs(4))
        least = max(k, -(-(before + after + 1 + twice) // b))
        whole = b * draw(st.integers(least, least + 4))
        sizes.append(whole - before - after - twice)
        edges.append((before, after))
        left = whole - (k - 1) * b - 1
        cropped = min(draw(st.sampled_from([0, before])), left)
        crops.append((cropped, min(draw(st.sampled_from([0, after, 1])), left - cropped)))
    build = Builder((draw(st.integers(1, 2)), *sizes, channels), quant)
    x = padded(build, "x", *([(1, 0)] * axes)) if twice else "x"
    x = padded(build, x, *edges)
    return build.graph(on_blocks(build, x, block, (1, *kernel)[-2:], crops, depthwise))


@given(block_graphs(QUANT), st.integers(0, 1000))
def test_convolutions_of_blocks_keep_every_bit(graph: Graph, seed: int) -> None:
    after, _ = optimize(graph)
    assert_same(graph, after, random_int8(graph.tensors["x"].shape, seed))


@given(block_graphs(None), st.integers(0, 1000))
def test_float_convolutions_of_blocks_keep_their_values(graph: Graph, seed: int) -> None:
    x, after = random_float(*graph.tensors["x"].shape, seed=seed), prepare(graph)
    np.testing.assert_allclose(execute(after, [x])["out"], execute(graph, [x])["out"], rtol=1e-4, atol=1e-4)


def keras(quant: Quantization | None, depthwise: bool) -> Graph:
    """What TensorFlow 2.21 writes for padding "same" and a dilation of 2 x 3 of 24 x 20 pixels."""
    build = Builder((1, 24, 20, 3), quant)
    x = padded(build, "x", (2, 2), (3, 4))
    return build.graph(on_blocks(build, x, [2, 3], (3, 3), [(0, 0), (0, 1)], depthwise))


@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize("quant", [None, QUANT])
def test_what_keras_calls_same_is_one_operator(quant: Quantization | None, depthwise: bool) -> None:
    graph = keras(quant, depthwise)
    (op,) = (prepare(graph) if quant is None else optimize(graph)[0]).ops
    a: Any = op.attributes
    assert (op.inputs[0], op.outputs, a.padding, a.margins) == ("x", ("out",), Padding.SAME, None)
    assert (a.dilation_h_factor, a.dilation_w_factor) == (2, 3)


def causal(quant: Quantization | None) -> Graph:
    """What TensorFlow 2.21 writes for Conv1D(padding="causal", dilation_rate=4) of 61 places, RELU behind it."""
    build = Builder((1, 61, 3), quant)
    x = padded(build, padded(build, "x", (8, 0)), (0, 3))
    y = on_blocks(build, x, [4], (1, 3), [(0, 3)], depthwise=False)
    return build.graph(build.add("RELU", y, name="end"))


def test_a_causal_convolution_is_one_operator_between_views() -> None:
    graph = causal(QUANT)
    after, said = optimize(graph)
    assert [op.kind for op in after.ops] == ["RESHAPE", "CONV_2D", "RESHAPE", "RELU"]
    a: Any = after.ops[1].attributes
    assert (a.dilation_w_factor, a.margins) == (4, ((0, 0), (8, 0)))
    assert said[:2] == (
        "dilated conv4 (CONV_2D) in place of space_to_batch_nd_2 and out",
        "merged pad_0 (PAD) into conv4",
    )
    assert_same(graph, after, random_int8((1, 61, 3)))


def test_a_causal_float_convolution_keeps_its_pad() -> None:
    kinds = [op.kind for op in prepare(causal(None)).ops]
    assert kinds[:2] == ["PAD", "RESHAPE"]
    assert "SPACE_TO_BATCH_ND" not in kinds


@st.composite
def padded_graphs(draw: st.DrawFn, quant: Quantization | None) -> Graph:
    size, kernel = (
        (draw(st.integers(3, 9)), draw(st.integers(3, 9))),
        (draw(st.integers(1, 4)), draw(st.integers(1, 4))),
    )
    build = Builder((1, *size, draw(st.integers(1, 3))), quant)
    x = padded(build, "x", *(draw(pairs(3)) for _ in range(2)))
    strides = {f"stride_{axis}": draw(st.integers(1, 2)) for axis in "hw"}
    kernel = tuple(min(k, n) for k, n in zip(kernel, build.tensors[x].shape[1:3], strict=True))
    y = convolved(build, x, kernel, draw(st.booleans()), padding=draw(st.sampled_from([0, 1, 1, 1])), **strides)
    return build.graph(*[[y], [y, x]][draw(st.integers(0, 5)) == 0])


@given(padded_graphs(QUANT), st.integers(0, 1000))
def test_padding_merges_bit_for_bit(graph: Graph, seed: int) -> None:
    after, _ = optimize(graph)
    assert_same(graph, after, random_int8(graph.tensors["x"].shape, seed))


@given(padded_graphs(None), st.integers(0, 1000))
def test_float_padding_merges(graph: Graph, seed: int) -> None:
    x, after = random_float(*graph.tensors["x"].shape, seed=seed), prepare(graph)
    for name in graph.outputs:
        np.testing.assert_allclose(execute(after, [x])[name], execute(graph, [x])[name], rtol=1e-4, atol=1e-4)


def test_a_pad_of_pytorch_merges_in_int8_only() -> None:
    """Padding of 1 on all sides with stride 2, which is not TFLite's SAME."""
    for quant, kinds in ((QUANT, ["CONV_2D"]), (None, ["PAD", "CONV_2D"])):
        build = Builder((1, 8, 8, 2), quant)
        y = convolved(build, padded(build, "x", (1, 1), (1, 1)), (3, 3), False, stride_h=2, stride_w=2)
        after = prepare(build.graph(y)) if quant is None else optimize(build.graph(y))[0]
        assert [op.kind for op in after.ops] == kinds


@pytest.mark.parametrize("why", ["read twice", "other zero", "channels padded", "all padding"])
def test_padding_stays_where_it_is_something_else(why: str) -> None:
    build = Builder((1, 5, 5, 2), QUANT)
    edge = (3, 3) if why == "all padding" else (1, 1)
    amounts = [(0, 0), edge, edge, (0, 1) if why == "channels padded" else (0, 0)]
    shape = tuple(n + sum(pair) for n, pair in zip((1, 5, 5, 2), amounts, strict=True))
    if why == "other zero":
        value = build.constant(np.int8([5]), QUANT)
        x = build.add("PADV2", "x", integers(build, amounts), value, shape=shape)
    else:
        x = build.add("PAD", "x", integers(build, amounts), shape=shape)
    y = convolved(build, x, (3, 3), depthwise=False)
    graph = build.graph(y, *([x] if why == "read twice" else []))
    after, _ = optimize(graph)
    assert len(after.ops) == 2
    assert_same(graph, after, random_int8((1, 5, 5, 2)))


def test_views_that_are_undone_are_dropped() -> None:
    build = Builder((1, 4, 6, 2), QUANT)
    a = build.add("RESHAPE", "x", shape=(4, 12), new_shape=(4, 12))
    b = build.add("RESHAPE", a, shape=(1, 4, 6, 2), new_shape=(1, 4, 6, 2))
    y = build.add("RELU", b)
    c = build.add("RESHAPE", y, shape=(48,), new_shape=(48,))
    d = build.add("RESHAPE", c, shape=(1, 4, 6, 2), new_shape=(1, 4, 6, 2))
    graph = build.graph(c, build.add("ADD", d, b))
    after, _ = optimize(graph)
    assert [op.kind for op in after.ops] == ["RELU", "RESHAPE", "ADD"]
    assert_same(graph, after, random_int8((1, 4, 6, 2)))
