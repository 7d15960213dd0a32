"""DEPTHWISE_CONV_2D on int16 against TFLM and the C kernels: shapes, windows, multipliers and extreme values."""

from __future__ import annotations

import bands
import numpy as np
import pytest
import rig
import wide
from hypothesis import given
from hypothesis import strategies as st
from seatool.ir import DType
from seatool.kernels import Padding
from seatool.kernels.depthwise_conv_2d import DepthwiseConv2DAttributes
from seatool.kernels.depthwise_conv_2d_int16 import DepthwiseConv2DInt16, DepthwiseTwoChannels
from test_depthwise_conv_2d import depthwise, windows
from weights import Scales


@st.composite
def cases(draw: st.DrawFn) -> rig.Case:
    size = (draw(st.integers(1, 12)), draw(st.integers(1, 12)))
    channels, multiplier = draw(st.sampled_from([1, 2, 3, 4, 7, 16, 33])), draw(st.sampled_from([1, 1, 1, 2, 3, 5]))
    kernel, attributes = draw(windows(size, multiplier))
    shape, count = (draw(st.sampled_from([1, 1, 2])), *size, channels), channels * multiplier
    weights, bias = draw(rig.arrays((1, *kernel, count))), draw(wide.int64_biases(count))
    graph = depthwise(shape, weights, bias, attributes, draw(wide.scales(count)), (0, 0), DType.INT16)
    return graph, [draw(wide.arrays(shape))]


@given(cases())
def test_equals_tflm(case: rig.Case) -> None:
    rig.check(*case)


@given(cases(), st.data())
def test_bands_with_line_buffers_give_the_same(case: rig.Case, data: st.DataObject) -> None:
    data.draw(bands.check(case))


@pytest.mark.parametrize("columns", [511, 512, 1040])
@pytest.mark.parametrize("value", [-32768, 32767])
def test_sums_around_and_above_32_bits(columns: int, value: int) -> None:
    weights = np.full((1, 1, columns, 2), -128, np.int8)
    attributes, scales = DepthwiseConv2DAttributes(Padding.VALID, 1, 1), Scales(2.0**-12, [2.0**-17], 2.0**-12)
    graph = depthwise((1, 1, 1045, 2), weights, np.array([2**40, 0]), attributes, scales, (0, 0), DType.INT16)
    operator = rig.operator_of(graph)
    assert isinstance(operator, DepthwiseConv2DInt16)
    assert DepthwiseTwoChannels().admits(operator).ok == (columns < 512)
    rig.check(graph, [np.full((1, 1, 1045, 2), value, np.int16)])


def test_the_bias_is_int64() -> None:
    weights, attributes = np.ones((1, 2, 2, 2), np.int8), DepthwiseConv2DAttributes(Padding.SAME, 1, 1)
    scales = Scales(1.0, [1.0], 1.0)
    graph = depthwise((1, 4, 4, 2), weights, np.zeros(2, np.int32), attributes, scales, (0, 0), DType.INT16)
    assert list(rig.operator_of(graph).problems()) == ["the bias b are int32; only int64 is supported here"]


def test_without_a_bias() -> None:
    """TFLM crashes on this, so the reference alone says what is right."""
    shape, attributes = (1, 4, 5, 3), DepthwiseConv2DAttributes(Padding.SAME, 1, 1)
    weights = np.arange(-13, 14, dtype=np.int8).reshape(1, 3, 3, 3)
    with_zeros, without = (
        depthwise(shape, weights, bias, attributes, Scales(0.1, [0.1], 0.1), (0, 0), DType.INT16)
        for bias in (np.zeros(3, np.int64), None)
    )
    x = (np.arange(60, dtype=np.int16) * 1000).reshape(shape)
    rig.check(without, [x], oracle=False)
    assert np.array_equal(rig.reference(without, [x])[0], rig.reference(with_zeros, [x])[0])


@pytest.mark.parametrize("channels", [5, 96])
def test_images_that_need_several_bands(channels: int) -> None:
    shape, rng = (1, 90, 80, channels), np.random.default_rng(channels)
    weights = rng.integers(-127, 128, (1, 3, 3, channels)).astype(np.int8)
    attributes, scales = DepthwiseConv2DAttributes(Padding.SAME, 1, 1), Scales(2.0**-12, [2.0**-9], 2.0**-12)
    graph = depthwise(shape, weights, np.zeros(channels, np.int64), attributes, scales, (0, 0), DType.INT16)
    operator = rig.operator_of(graph)
    assert isinstance(operator, DepthwiseConv2DInt16)
    assert DepthwiseTwoChannels().band_rows(operator) < 90
    rig.check(graph, [rng.integers(-32768, 32768, shape).astype(np.int16)])
