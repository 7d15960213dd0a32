"""CONV_2D against TFLM and the C kernels: shapes, windows, groups, quantization and extreme values of every kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import bands
import numpy as np
import pytest
import rig
from hypothesis import given
from hypothesis import strategies as st
from seatool.ir import Array, DType, Graph, Quantization, Tensor
from seatool.kernels import Activation, Padding
from seatool.kernels.conv_2d import Conv2D, Conv2DAttributes, ConvGemm
from seatool.kernels.conv_rows import RowTiles
from seatool.kernels.weighted import EXACT, SHORT, SHORT_RELU
from seatool.kernels.window import Axis
from weights import Scales, activations, biases, scales, weighted


def conv(
    shape: Sequence[int],
    weights: Array,
    bias: Array | None,
    attributes: Conv2DAttributes,
    scales: Scales,
    zero_points: tuple[int, int],
    dtype: DType = DType.INT8,
) -> Graph:
    """A convolution of an input of ``shape`` with ``weights`` (out channels, height, width, in channels / groups)."""
    a = attributes
    y = Axis.of(a.padding, shape[1], weights.shape[1], a.stride_h, a.dilation_h_factor)
    x = Axis.of(a.padding, shape[2], weights.shape[2], a.stride_w, a.dilation_w_factor)
    output = (shape[0], y.output, x.output, weights.shape[0])
    return weighted("CONV_2D", (shape, output), weights, 0, bias, attributes, scales, zero_points, dtype=dtype)


@st.composite
def windows(draw: st.DrawFn, height: int, width: int) -> tuple[tuple[int, int], Conv2DAttributes]:
    """Kernel size and attributes: half of them 3 rows and columns with stride 1, the rest anything that fits."""
    padding, activation = draw(st.sampled_from(Padding)), draw(activations)
    if draw(st.booleans()):
        return (draw(st.sampled_from([3, 3, 3, 2, 1])), draw(st.sampled_from([3, 3, 3, 4]))), Conv2DAttributes(
            Padding.SAME, 1, 1, activation
        )
    dilation = draw(st.sampled_from([(1, 1), (1, 1), (1, 1), (2, 1), (1, 3), (2, 2)]))
    most = [n if padding is Padding.SAME else (n - 1) // d + 1 for n, d in zip((height, width), dilation, strict=True)]
    kernel = [draw(st.sampled_from([k for k in (1, 3, 2, 4, 5, 6) if k <= m])) for m in most]
    strides = draw(st.sampled_from([1, 1, 2, 3])), draw(st.sampled_from([1, 1, 2, 3]))
    return (kernel[0], kernel[1]), Conv2DAttributes(padding, *strides, activation, dilation[1], dilation[0])


@st.composite
def cases(draw: st.DrawFn) -> rig.Case:
    height, width = draw(st.integers(1, 10)), draw(st.integers(1, 18))
    groups = draw(st.sampled_from([1, 1, 1, 1, 1, 1, 2, 3]))
    depth, count = draw(st.sampled_from([1, 2, 3, 4, 5, 8, 13, 16])), groups * draw(st.sampled_from([1, 2, 3, 4, 7, 8]))
    shape = (draw(st.sampled_from([1, 1, 2])), height, width, groups * depth)
    kernel, attributes = draw(windows(height, width))
    graph = conv(
        shape,
        draw(rig.arrays((count, *kernel, depth))),
        draw(st.none() | biases(count)),
        attributes,
        draw(scales(count)),
        (draw(rig.zero_points), draw(rig.zero_points)),
    )
    return graph, [draw(rig.arrays(shape))]


@given(cases())
def test_equals_tflm(case: rig.Case) -> None:
    rig.check(*case)


@given(cases(), st.data())
def test_bands_with_line_buffers_give_the_same(case: rig.Case, data: st.DataObject) -> None:
    data.draw(bands.check(case))


def test_cases_reach_every_kernel_and_every_requantization() -> None:
    operators = [rig.operator_of(graph) for graph, _ in rig.sample(cases(), 100)]
    assert {op.requantize_form for op in operators if isinstance(op, Conv2D)} == {EXACT, SHORT, SHORT_RELU}
    used = {v.name for op in operators for v in op.variants if v.admits(op).ok}
    assert used >= {v.name for v in Conv2D.variants if not v.name.startswith("winograd")}


@pytest.mark.parametrize("zero_point", [-128, 0, 127])
@pytest.mark.parametrize("value", [-128, 127])
@pytest.mark.parametrize("width", [3, 8, 9, 12, 14])
def test_packed_products_do_not_overflow(width: int, value: int, zero_point: int) -> None:
    """The largest sums that 3 x 3 x 40 taps can have, in all positions of a tile, of one sign and of changing signs."""
    weights = np.full((4, 3, 3, 40), 127, np.int8)
    weights[1] = -128
    weights[2, :, ::2] = -127
    weights[3, 1] = -127
    attributes = Conv2DAttributes(Padding.SAME, 1, 1)
    shape = (1, 5, width, 40)
    graph = conv(shape, weights, None, attributes, Scales(0.1, [0.001], 40.0), (zero_point, 3))
    assert {"rows", "rows_f2"} <= {v.name for v in Conv2D.variants if v.admits(rig.operator_of(graph)).ok}
    rig.check(graph, [np.full(shape, value, np.int8)])


@pytest.mark.parametrize("count", [1, 6, 13])
@pytest.mark.parametrize("depth", [13, 16, 700])
def test_outputs_of_single_pixels_may_take_the_place_of_the_input(count: int, depth: int) -> None:
    """Also where a panel has room for a few pixels only."""
    shape, rng = (2, 5, 7, depth), np.random.default_rng(count)
    weights = rng.integers(-127, 128, (count, 1, 1, depth)).astype(np.int8)
    graph = conv(shape, weights, None, Conv2DAttributes(Padding.SAME, 1, 1), Scales(0.02, [0.01], 0.5), (3, -5))
    operator = rig.operator_of(graph)
    assert all(option.inplace(operator) == (0,) for option in ConvGemm().options(operator))
    rig.check(graph, [rng.integers(-128, 128, shape).astype(np.int8)])


@pytest.mark.parametrize(("channels", "value"), [(6_300, -128), (14_500, 127)])
def test_thousands_of_channels(channels: int, value: int) -> None:
    """Packed products of the largest weights make more than 2048 chunks, and 2048 * NN_ROWS_EXCESS is 2^31."""
    weights = np.full((1, 3, 3, channels), value, np.int8)
    attributes = Conv2DAttributes(Padding.SAME, 1, 1, Activation.NONE)
    graph = conv((1, 2, 4, channels), weights, None, attributes, Scales(0.1, [0.001], 400.0), (3, -5))
    operator = rig.operator_of(graph)
    admitted = [v for v in operator.variants if v.admits(operator).ok]
    assert max(chunk for v in admitted for chunk in v.call(operator).fields.get("chunks", ())) > 2048
    rig.check(graph, [np.random.default_rng(0).integers(-128, 128, (1, 2, 4, channels)).astype(np.int8)])


@pytest.mark.parametrize("bias", [2**31 - 1, -(2**31)])
def test_sums_wrap_like_tflm(bias: int) -> None:
    weights = np.full((2, 3, 3, 4), 127, np.int8)
    biases = np.array([bias, bias], np.int32)
    graph = conv(
        (1, 4, 6, 4), weights, biases, Conv2DAttributes(Padding.SAME, 1, 1), Scales(1.0, [2.0**-20], 1.0), (-128, 0)
    )
    assert rig.operator_of(graph).requantize_form == EXACT  # type: ignore[attr-defined]
    rig.check(graph, [np.full((1, 4, 6, 4), 127, np.int8)])


@pytest.mark.parametrize("width", range(1, 40))
def test_tiles_cover_a_row(width: int) -> None:
    for may_close in (False, True):
        tiles = RowTiles.of(width, may_close)
        if tiles.closing:
            assert may_close
            assert 2 * tiles.pairs == width
        else:
            assert tiles.pairs >= width // 2 + 1


def test_float_convolution() -> None:
    rng = np.random.default_rng(0)
    attributes = Conv2DAttributes(Padding.SAME, 2, 1, Activation.RELU6)
    weights = rng.integers(-128, 128, (3, 2, 3, 2)).astype(np.int8)
    graph = conv((1, 4, 5, 2), weights, np.zeros(3, np.int32), attributes, Scales(0.1, [0.1], 0.1), (0, 0))
    x, w, b = rng.normal(size=(1, 4, 5, 2)), rng.normal(size=(3, 2, 3, 2)), rng.normal(size=3)
    (y,) = rig.operator_of(graph).evaluate_float(x.astype(np.float32), w.astype(np.float32), b.astype(np.float32))
    padded = np.pad(x[0], ((0, 1), (1, 1), (0, 0)))
    for i, j, channel in np.ndindex(y.shape[1:]):
        total = (padded[i : i + 2, 2 * j : 2 * j + 3] * w[channel]).sum() + b[channel]
        assert y[0, i, j, channel] == pytest.approx(np.clip(total, 0, 6), abs=1e-5)


def _graph(weights: Array, bias: Array | None = None, **changes: Any) -> Graph:
    attributes = Conv2DAttributes(Padding.SAME, 1, 1, **changes)
    return conv((1, 4, 4, 4), weights, bias, attributes, Scales(0.1, [0.1], 0.1), (0, 0))


def _replaced(graph: Graph, tensor: Tensor, **changes: Any) -> Graph:
    return graph.with_(tensors=[tensor if t.name == tensor.name else t for t in graph.tensors.values()], **changes)


def test_problems_are_named() -> None:
    good = _graph(np.ones((2, 3, 3, 4), np.int8), np.zeros(2, np.int32))
    w, b, y = good.tensors["w"], good.tensors["b"], good.tensors["y"]
    shifted = replace(w, quant=Quantization((0.1,), (3,)))
    faults = {
        "zero point other than 0": _replaced(good, shifted),
        "no quantization": _replaced(good, replace(w, quant=None)),
        "3 scales for 2": _replaced(good, replace(w, quant=Quantization((0.1,) * 3, (0,) * 3, 0))),
        "not constant": _replaced(good, replace(b, data=None), inputs=("x", "b")),
        "3 elements for 2": _graph(np.ones((2, 3, 3, 4), np.int8), np.zeros(3, np.int32)),
        "form no groups": _graph(np.ones((2, 3, 3, 3), np.int8)),
        "output's shape": _replaced(good, replace(y, shape=(1, 3, 3, 2))),
        "TANH": _graph(np.ones((2, 3, 3, 4), np.int8), fused_activation_function=Activation.TANH),
        "too far apart": _replaced(good, replace(w, quant=Quantization((2.0**40,), (0,)))),
        "a stride or dilation of 40,000": _graph(np.ones((2, 1, 3, 4), np.int8), dilation_h_factor=40000),
        "places over the edge": _graph(np.ones((2, 3, 3, 4), np.int8), dilation_h_factor=40000),
        "only int8": _replaced(good, replace(y, dtype=DType.INT32)),
        "must both be int16": _replaced(good, replace(y, dtype=DType.INT16)),
    }
    assert list(rig.operator_of(good).problems()) == []
    for words, graph in faults.items():
        assert any(words in problem for problem in rig.operator_of(graph).problems()), words
