"""CONV_2D on int16 against TFLM and the C kernel: shapes, windows, groups, biases of both kinds and extreme values."""

from __future__ import annotations

from dataclasses import replace

import bands
import numpy as np
import pytest
import rig
import wide
from hypothesis import given
from hypothesis import strategies as st
from seatool.ir import DType
from seatool.kernels import Padding
from seatool.kernels.conv_2d import Conv2DAttributes
from seatool.kernels.conv_2d_int16 import Conv2DInt16
from seatool.kernels.weighted_int16 import WIDE
from test_conv_2d import conv, windows
from weights import Scales


@st.composite
def cases(draw: st.DrawFn) -> rig.Case:
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 13))
    groups = draw(st.sampled_from([1, 1, 1, 1, 1, 1, 2, 3]))
    depth, count = draw(st.sampled_from([1, 2, 3, 4, 5, 8, 70])), groups * draw(st.sampled_from([1, 2, 3, 4, 7]))
    shape = (draw(st.sampled_from([1, 1, 2])), height, width, groups * depth)
    kernel, attributes = draw(windows(height, width))
    attributes = replace(attributes, quantized_bias_type=draw(st.sampled_from([0, wide.INT32])))
    weights, bias = draw(rig.arrays((count, *kernel, depth))), draw(st.none() | wide.biases(count))
    graph = conv(shape, weights, bias, attributes, draw(wide.scales(count)), (0, 0), DType.INT16)
    return graph, [draw(wide.arrays(shape))]


@given(cases())
def test_equals_tflm(case: rig.Case) -> None:
    rig.check(*case)


@given(cases(), st.data())
def test_bands_with_line_buffers_give_the_same(case: rig.Case, data: st.DataObject) -> None:
    data.draw(bands.check(case))


@pytest.mark.parametrize("value", [-32768, 32767])
def test_sums_above_32_bits_in_chunks(value: int) -> None:
    shape, weights = (1, 5, 6, 150), np.full((3, 3, 3, 150), -128, np.int8)
    weights[1] = 127
    scales = Scales(2.0**-12, [2.0**-18], 2.0**-12)
    graph = conv(shape, weights, np.full(3, 2**40), Conv2DAttributes(Padding.SAME, 1, 1), scales, (0, 0), DType.INT16)
    operator = rig.operator_of(graph)
    assert isinstance(operator, Conv2DInt16)
    assert operator.requantize_form == WIDE
    assert operator.chunk_words(operator.filters) < 1350 // 4
    rig.check(graph, [np.full(shape, value, np.int16)])


@pytest.mark.parametrize(("depth", "count"), [(16, 16), (10, 7)])
def test_in_place_where_an_output_sees_one_pixel(depth: int, count: int) -> None:
    shape, rng = (1, 40, 30, depth), np.random.default_rng(0)
    weights = rng.integers(-127, 128, (count, 1, 1, depth)).astype(np.int8)
    scales = Scales(2.0**-12, [2.0**-9], 2.0**-12)
    graph = conv(shape, weights, None, Conv2DAttributes(Padding.SAME, 1, 1), scales, (0, 0), DType.INT16)
    operator = rig.operator_of(graph)
    assert any(option.inplace(operator) for v in operator.variants for option in v.options(operator))
    rig.check(graph, [rng.integers(-32768, 32768, shape).astype(np.int16)])
