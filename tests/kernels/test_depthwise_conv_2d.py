"""DEPTHWISE_CONV_2D against TFLM and the C kernel: shapes, windows, multipliers, quantization and extreme values."""

from __future__ import annotations

from collections.abc import Sequence

import rig
from hypothesis import given
from hypothesis import strategies as st
from seatool.ir import Array, Graph
from seatool.kernels import Padding
from seatool.kernels.depthwise_conv_2d import DepthwiseConv2DAttributes
from seatool.kernels.window import Axis
from weights import Scales, activations, biases, scales, weighted


def depthwise(
    shape: Sequence[int],
    weights: Array,
    bias: Array | None,
    attributes: DepthwiseConv2DAttributes,
    scales: Scales,
    zero_points: tuple[int, int],
) -> Graph:
    """A depthwise convolution of an input of ``shape`` with ``weights`` (1, height, width, out channels)."""
    a = attributes
    y = Axis.of(a.padding, shape[1], weights.shape[1], a.stride_h, a.dilation_h_factor)
    x = Axis.of(a.padding, shape[2], weights.shape[2], a.stride_w, a.dilation_w_factor)
    output = (shape[0], y.output, x.output, weights.shape[3])
    return weighted("DEPTHWISE_CONV_2D", (shape, output), weights, 3, bias, attributes, scales, zero_points)


@st.composite
def cases(draw: st.DrawFn) -> rig.Case:
    size = (draw(st.integers(1, 12)), draw(st.integers(1, 12)))
    channels, multiplier = draw(st.sampled_from([1, 2, 3, 4, 7, 16, 33])), draw(st.sampled_from([1, 1, 1, 2, 3, 5]))
    shape = (draw(st.sampled_from([1, 1, 2])), *size, channels)
    padding = draw(st.sampled_from(Padding))
    dilation = draw(st.sampled_from([(1, 1), (1, 1), (1, 1), (2, 1), (1, 3), (2, 2)]))
    most = [n if padding is Padding.SAME else (n - 1) // d + 1 for n, d in zip(size, dilation, strict=True)]
    kernel = [draw(st.sampled_from([k for k in (3, 3, 1, 2, 4, 5, 7) if k <= max(m, 1)] or [1])) for m in most]
    attributes = DepthwiseConv2DAttributes(
        padding,
        stride_w=draw(st.sampled_from([1, 1, 2, 3])),
        stride_h=draw(st.sampled_from([1, 1, 2, 3])),
        depth_multiplier=multiplier,
        fused_activation_function=draw(activations),
        dilation_w_factor=dilation[1],
        dilation_h_factor=dilation[0],
    )
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
