"""DEPTHWISE_CONV_2D against TFLM and the C kernel: shapes, windows, multipliers, quantization and extreme values."""

from __future__ import annotations

from collections.abc import Sequence

import bands
import numpy as np
import pytest
import rig
from hypothesis import given
from hypothesis import strategies as st
from seatool.ir import Array, DType, Graph
from seatool.kernels import Activation, Padding
from seatool.kernels.depthwise_conv_2d import DepthwiseConv2D, DepthwiseConv2DAttributes, DepthwiseLanes
from seatool.kernels.window import Axis
from weights import Scales, activations, biases, scales, weighted


def depthwise(
    shape: Sequence[int],
    weights: Array,
    bias: Array | None,
    attributes: DepthwiseConv2DAttributes,
    scales: Scales,
    zero_points: tuple[int, int],
    dtype: DType = DType.INT8,
) -> Graph:
    """A depthwise convolution of an input of ``shape`` with ``weights`` (1, height, width, out channels)."""
    a = attributes
    y = Axis.of(a.padding, shape[1], weights.shape[1], a.stride_h, a.dilation_h_factor)
    x = Axis.of(a.padding, shape[2], weights.shape[2], a.stride_w, a.dilation_w_factor)
    output = (shape[0], y.output, x.output, weights.shape[3])
    shapes = shape, output
    return weighted("DEPTHWISE_CONV_2D", shapes, weights, 3, bias, attributes, scales, zero_points, dtype=dtype)


@st.composite
def windows(draw: st.DrawFn, size: tuple[int, int], multiplier: int) -> tuple[list[int], DepthwiseConv2DAttributes]:
    """Kernel size and attributes for an image of ``size``."""
    padding = draw(st.sampled_from(Padding))
    dilation = draw(st.sampled_from([(1, 1), (1, 1), (1, 1), (2, 1), (1, 3), (2, 2)]))
    most = [n if padding is Padding.SAME else (n - 1) // d + 1 for n, d in zip(size, dilation, strict=True)]
    kernel = [draw(st.sampled_from([k for k in (3, 3, 1, 2, 4, 5, 7) if k <= max(m, 1)] or [1])) for m in most]
    return kernel, DepthwiseConv2DAttributes(
        padding,
        stride_w=draw(st.sampled_from([1, 1, 2, 3])),
        stride_h=draw(st.sampled_from([1, 1, 2, 3])),
        depth_multiplier=multiplier,
        fused_activation_function=draw(activations),
        dilation_w_factor=dilation[1],
        dilation_h_factor=dilation[0],
    )


@st.composite
def cases(draw: st.DrawFn) -> rig.Case:
    size = (draw(st.integers(1, 12)), draw(st.integers(1, 12)))
    channels, multiplier = draw(st.sampled_from([1, 2, 3, 4, 7, 16, 33])), draw(st.sampled_from([1, 1, 1, 2, 3, 5]))
    shape = (draw(st.sampled_from([1, 1, 2])), *size, channels)
    kernel, attributes = draw(windows(size, multiplier))
    count = channels * multiplier
    graph = depthwise(
        shape,
        draw(rig.arrays((1, *kernel, count))),
        draw(biases(count)),
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


def test_cases_reach_every_kernel() -> None:
    operators = [rig.operator_of(graph) for graph, _ in rig.sample(cases(), 100)]
    used = {v.name for op in operators for v in op.variants if v.admits(op).ok}
    assert used == {v.name for v in DepthwiseConv2D.variants}


def test_without_a_bias() -> None:
    """TFLM crashes on this, so the reference alone says what is right."""
    shape = (1, 4, 5, 3)
    weights = np.arange(-13, 14, dtype=np.int8).reshape(1, 3, 3, 3)
    attributes = DepthwiseConv2DAttributes(Padding.SAME, 1, 1)
    with_zeros, without = (
        depthwise(shape, weights, bias, attributes, Scales(0.1, [0.1], 0.1), (-4, 9))
        for bias in (np.zeros(3, np.int32), None)
    )
    x = np.arange(60, dtype=np.int8).reshape(shape)
    rig.check(without, [x], oracle=False)
    assert np.array_equal(rig.reference(without, [x])[0], rig.reference(with_zeros, [x])[0])


@pytest.mark.parametrize("channels", [5, 96])
@pytest.mark.parametrize("stride", [1, 2])
def test_images_that_need_several_bands_or_blocks(channels: int, stride: int) -> None:
    shape = (1, 48, 47, channels)
    rng = np.random.default_rng(channels)
    weights = rng.integers(-127, 128, (1, 3, 3, channels)).astype(np.int8)
    attributes = DepthwiseConv2DAttributes(Padding.SAME, stride, stride)
    graph = depthwise(shape, weights, np.zeros(channels, np.int32), attributes, Scales(0.02, [0.01], 0.1), (-7, 3))
    operator = rig.operator_of(graph)
    assert isinstance(operator, DepthwiseConv2D)
    blocking = DepthwiseLanes().blocking(operator)
    assert blocking.rows < operator.output.shape[1] or blocking.channels < channels
    rig.check(graph, [rng.integers(-128, 128, shape).astype(np.int8)])


def test_float_convolution() -> None:
    rng = np.random.default_rng(0)
    attributes = DepthwiseConv2DAttributes(Padding.VALID, 1, 2, 2, Activation.RELU)
    shape = (1, 5, 4, 3)
    weights = rng.integers(-128, 128, (1, 3, 2, 6)).astype(np.int8)
    graph = depthwise(shape, weights, np.zeros(6, np.int32), attributes, Scales(0.1, [0.1], 0.1), (0, 0))
    x, w, b = rng.normal(size=shape), rng.normal(size=(1, 3, 2, 6)), rng.normal(size=6)
    (y,) = rig.operator_of(graph).evaluate_float(x.astype(np.float32), w.astype(np.float32), b.astype(np.float32))
    for i, j, channel in np.ndindex(y.shape[1:]):
        total = (x[0, 2 * i : 2 * i + 3, j : j + 2, channel // 2] * w[0, :, :, channel]).sum() + b[channel]
        assert y[0, i, j, channel] == pytest.approx(max(total, 0), abs=1e-5)


def test_problems_are_named() -> None:
    attributes = DepthwiseConv2DAttributes(Padding.SAME, 1, 1, depth_multiplier=3)
    weights, bias = np.ones((1, 3, 3, 8), np.int8), np.zeros(8, np.int32)
    graph = depthwise((1, 4, 4, 4), weights, bias, attributes, Scales(0.1, [0.1], 0.1), (0, 0))
    assert any("multiplier 3" in problem for problem in rig.operator_of(graph).problems())
