"""TRANSPOSE_CONV on int16 against TFLM and the C kernel: shapes, strides, padding, biases and extreme values."""

from __future__ import annotations

import numpy as np
import pytest
import rig
import wide
from hypothesis import given
from hypothesis import strategies as st
from seatool.ir import DType
from seatool.kernels import Padding
from seatool.kernels.transpose_conv import TransposeConvAttributes
from seatool.kernels.transpose_conv_int16 import TransposeConvInt16
from seatool.kernels.weighted_int16 import WIDE
from test_transpose_conv import output_size, transposed
from weights import Scales, activations


@st.composite
def cases(draw: st.DrawFn) -> rig.Case:
    height, width = draw(st.integers(1, 6)), draw(st.integers(1, 11))
    depth, count = draw(st.sampled_from([1, 2, 3, 4, 5, 8, 13])), draw(st.sampled_from([1, 2, 3, 4, 7, 8]))
    kernel = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    strides = draw(st.sampled_from([(1, 1), (2, 2), (2, 2), (3, 2), (1, 4)]))
    attributes = TransposeConvAttributes(draw(st.sampled_from(Padding)), strides[1], strides[0], draw(activations))
    sizes = [
        output_size(attributes.padding, n, k, s) + draw(st.sampled_from([0, 0, 0, 1, 2]))
        for n, k, s in zip((height, width), kernel, strides, strict=True)
    ]
    shape = (draw(st.sampled_from([1, 1, 2])), height, width, depth)
    weights, bias = draw(rig.arrays((count, *kernel, depth))), draw(st.none() | wide.int64_biases(count))
    output, scales = (shape[0], *sizes, count), draw(wide.scales(count))
    graph = transposed(shape, output, weights, bias, attributes, scales, (0, 0), DType.INT16)
    return graph, [draw(wide.arrays(shape))]


@given(cases())
def test_equals_tflm(case: rig.Case) -> None:
    rig.check(*case)


@pytest.mark.parametrize("width", [3, 40])
def test_panels_of_many_rows_and_of_a_part_of_a_row(width: int) -> None:
    shape, output = (1, 9, width, 64), (1, 18, 2 * width, 6)
    rng = np.random.default_rng(0)
    weights = rng.integers(-127, 128, (6, 4, 4, 64)).astype(np.int8)
    attributes = TransposeConvAttributes(Padding.SAME, 2, 2)
    scales = Scales(2.0**-12, [2.0**-9], 2.0**-12)
    graph = transposed(shape, output, weights, None, attributes, scales, (0, 0), DType.INT16)
    rig.check(graph, [rng.integers(-32768, 32768, shape).astype(np.int16)])


@pytest.mark.parametrize("value", [-32768, 32767])
def test_sums_above_32_bits_in_chunks(value: int) -> None:
    """Phases of 9, 6, 6 and 4 taps; only the larger ones have several chunks."""
    shape, weights = (1, 3, 4, 150), np.full((3, 5, 5, 150), -128, np.int8)
    weights[1] = 127
    attributes = TransposeConvAttributes(Padding.SAME, 2, 2)
    scales = Scales(2.0**-12, [2.0**-18], 2.0**-12)
    graph = transposed(shape, (1, 6, 8, 3), weights, np.full(3, 2**40), attributes, scales, (0, 0), DType.INT16)
    operator = rig.operator_of(graph)
    assert isinstance(operator, TransposeConvInt16)
    assert operator.requantize_form == WIDE
    assert operator.phase_chunk_words < 9 * 150 // 4
    rig.check(graph, [np.full(shape, value, np.int16)])


def test_the_bias_is_int64() -> None:
    weights, scales = np.ones((2, 2, 2, 3), np.int8), Scales(1.0, [1.0], 1.0)
    attributes = TransposeConvAttributes(Padding.VALID, 1, 1, quantized_bias_type=wide.INT32)
    shapes = (1, 2, 2, 3), (1, 3, 3, 2)
    graph = transposed(*shapes, weights, np.zeros(2, np.int32), attributes, scales, (0, 0), DType.INT16)
    assert list(rig.operator_of(graph).problems()) == ["the bias b are int32; only int64 is supported here"]


def test_sums_are_int64_whatever_the_file_says() -> None:
    attributes = TransposeConvAttributes(Padding.SAME, 2, 2, quantized_bias_type=wide.INT32)
    shape, rng = (1, 4, 4, 4), np.random.default_rng(0)
    weights, scales = rng.integers(-127, 128, (4, 2, 2, 4)).astype(np.int8), Scales(0.1, [2.0**-9], 0.1)
    graph = transposed(shape, (1, 8, 8, 4), weights, None, attributes, scales, (0, 0), DType.INT16)
    rig.check(graph, [rng.integers(-32768, 32768, shape).astype(np.int16)])


@pytest.mark.parametrize("beyond", [(0, 1), (2, 0), (3, 4)])
def test_outputs_beyond_what_the_input_reaches(beyond: tuple[int, int]) -> None:
    """Nothing lies behind the image, also where an output sees one tap."""
    shape, output = (1, 3, 2, 4), (1, 3 + beyond[0], 2 + beyond[1], 3)
    rng = np.random.default_rng(0)
    weights = rng.integers(-127, 128, (3, 1, 1, 4)).astype(np.int8)
    attributes = TransposeConvAttributes(Padding.VALID, 1, 1)
    graph = transposed(shape, output, weights, None, attributes, Scales(0.1, [2.0**-9], 0.1), (0, 0), DType.INT16)
    rig.check(graph, [rng.integers(-32768, 32768, shape).astype(np.int16)])
