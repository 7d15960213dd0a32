"""CONV_2D against TFLM and the C kernels: shapes, windows, groups, quantization and extreme values of every kind."""

from __future__ import annotations

from collections.abc import Sequence

import rig
from hypothesis import given
from hypothesis import strategies as st
from seatool.ir import Array, Graph
from seatool.kernels import Padding
from seatool.kernels.conv_2d import Conv2DAttributes
from seatool.kernels.window import Axis
from weights import Scales, activations, biases, scales, weighted


def conv(
    shape: Sequence[int],
    weights: Array,
    bias: Array | None,
    attributes: Conv2DAttributes,
    scales: Scales,
    zero_points: tuple[int, int],
) -> Graph:
    """A convolution of an input of ``shape`` with ``weights`` (out channels, height, width, in channels / groups)."""
    a = attributes
    y = Axis.of(a.padding, shape[1], weights.shape[1], a.stride_h, a.dilation_h_factor)
    x = Axis.of(a.padding, shape[2], weights.shape[2], a.stride_w, a.dilation_w_factor)
    output = (shape[0], y.output, x.output, weights.shape[0])
    return weighted("CONV_2D", (shape, output), weights, 0, bias, attributes, scales, zero_points)


@st.composite
def cases(draw: st.DrawFn) -> rig.Case:
    height, width = draw(st.integers(1, 10)), draw(st.integers(1, 14))
    groups = draw(st.sampled_from([1, 1, 1, 1, 2, 3]))
    depth = draw(st.sampled_from([1, 2, 3, 4, 5, 8, 13, 16]))
    count = groups * draw(st.sampled_from([1, 2, 3, 4, 7, 8]))
    shape = (draw(st.sampled_from([1, 1, 2])), height, width, groups * depth)
    padding = draw(st.sampled_from(Padding))
    dilation = draw(st.sampled_from([(1, 1), (1, 1), (1, 1), (2, 1), (1, 3), (2, 2)]))
    most = [
        min(size, 6) if padding is Padding.SAME else min((size - 1) // d + 1, 6)
        for size, d in zip((height, width), dilation, strict=True)
    ]
    kernel = [draw(st.sampled_from([k for k in (1, 3, 3, 2, 4, 5, 6) if k <= m])) for m in most]
    attributes = Conv2DAttributes(
        padding,
        stride_w=draw(st.sampled_from([1, 1, 2, 3])),
        stride_h=draw(st.sampled_from([1, 1, 2, 3])),
        fused_activation_function=draw(activations),
        dilation_w_factor=dilation[1],
        dilation_h_factor=dilation[0],
    )
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
