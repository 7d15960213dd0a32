"""CONV_2D against TFLM and the C kernels: shapes, windows, quantization and extreme values of every kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import rig
from hypothesis import given
from hypothesis import strategies as st
from seatool.ir import Array, DType, Graph, Quantization, Tensor
from seatool.kernels import Activation, Padding
from seatool.kernels.conv_2d import Conv2DAttributes
from seatool.kernels.window import Axis


def conv(
    shape: Sequence[int],
    weights: Array,
    bias: Array | None,
    attributes: Conv2DAttributes,
    *,
    scales: tuple[float, Sequence[float], float],
    zero_points: tuple[int, int],
) -> Graph:
    """A convolution; ``scales`` of input, weights (one or one per channel) and output."""
    a, count = attributes, weights.shape[0]
    y = Axis.of(a.padding, shape[1], weights.shape[1], a.stride_h, a.dilation_h_factor)
    x = Axis.of(a.padding, shape[2], weights.shape[2], a.stride_w, a.dilation_w_factor)
    per_channel = tuple(float(np.float32(s)) for s in scales[1])
    quant = Quantization(per_channel, (0,) * len(per_channel), 0 if len(per_channel) == count else None)
    w = Tensor("w", weights.shape, DType.INT8, quant, weights)
    b = None
    if bias is not None:
        products = tuple(float(np.float32(s * scales[0])) for s in quant.scale)
        b = Tensor("b", (count,), DType.INT32, Quantization(products, quant.zero_point, quant.axis), bias)
    return rig.single(
        "CONV_2D",
        [rig.tensor("x", shape, scales[0], zero_points[0]), w, b],
        [rig.tensor("y", (shape[0], y.output, x.output, count), scales[2], zero_points[1])],
        attributes,
        version=3,
    )


@st.composite
def weight_scales(draw: st.DrawFn, count: int) -> list[float]:
    """One scale, or one per channel, from tiny to large."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    low, high = draw(st.sampled_from([(-3.0, 0.0), (-8.0, 1.0), (0.0, 4.0)]))
    return np.exp2(rng.uniform(low - 6, high - 6, draw(st.sampled_from([1, count])))).tolist()


@st.composite
def biases(draw: st.DrawFn, count: int) -> Array | None:
    reach = draw(st.sampled_from([None, 0, 1000, 2**20, 2**31 - 1]))
    if reach is None:
        return None
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng.integers(-reach, reach + 1, count).astype(np.int32)


activations = st.sampled_from([Activation.NONE, Activation.RELU, Activation.RELU6, Activation.RELU_N1_TO_1])


@st.composite
def cases(draw: st.DrawFn) -> rig.Case:
    height, width = draw(st.integers(1, 10)), draw(st.integers(1, 14))
    groups = draw(st.sampled_from([1, 1, 1, 1, 2, 3]))
    depth = draw(st.sampled_from([1, 2, 3, 4, 5, 8, 13, 16]))
    count = groups * draw(st.sampled_from([1, 2, 3, 4, 7, 8]))
    shape = (draw(st.sampled_from([1, 1, 2])), height, width, groups * depth)
    padding = draw(st.sampled_from(Padding))
    dilation = draw(st.sampled_from([(1, 1), (1, 1), (1, 1), (2, 1), (1, 3), (2, 2)]))
    most = [min(size, 6) if padding is Padding.SAME else min((size - 1) // d + 1, 6) for size, d in zip((height, width), dilation)]
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
        draw(biases(count)),
        attributes,
        scales=(draw(rig.scales), draw(weight_scales(count)), draw(rig.scales)),
        zero_points=(draw(rig.zero_points), draw(rig.zero_points)),
    )
    return graph, [draw(rig.arrays(shape))]


@given(cases())
def test_equals_tflm(case: rig.Case) -> None:
    rig.check(*case)
