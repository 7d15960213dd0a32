"""TRANSPOSE_CONV against TFLM and the C kernel: shapes, strides, padding, quantization and extreme values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import rig
from hypothesis import given
from hypothesis import strategies as st
from seatool.ir import Array, DType, Graph
from seatool.kernels import Activation, Padding
from seatool.kernels.transpose_conv import TransposeConvAttributes
from weights import Scales, activations, biases, scales, weighted


def transposed(
    shape: Sequence[int],
    output: Sequence[int],
    weights: Array,
    bias: Array | None,
    attributes: TransposeConvAttributes,
    scales: Scales,
    zero_points: tuple[int, int],
    dtype: DType = DType.INT8,
) -> Graph:
    """A transposed convolution of an input of ``shape`` with ``weights`` (out channels, height, width, in channels)."""
    layer = weighted("TRANSPOSE_CONV", (shape, output), weights, 0, bias, attributes, scales, zero_points, dtype=dtype)
    x, w, *b = (layer.tensors[str(name)] for name in layer.ops[0].inputs if name is not None)
    return rig.single(
        "TRANSPOSE_CONV", [rig.int32("shape", output), w, x, *b], [layer.tensors["y"]], attributes, version=3
    )


def output_size(padding: Padding, size: int, kernel: int, stride: int) -> int:
    """As converters choose it."""
    return size * stride if padding is Padding.SAME else (size - 1) * stride + max(kernel, stride)


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
    graph = transposed(
        shape,
        (shape[0], *sizes, count),
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


@pytest.mark.parametrize("width", [3, 40])
def test_panels_of_many_rows_and_of_a_part_of_a_row(width: int) -> None:
    shape, output = (1, 9, width, 64), (1, 18, 2 * width, 6)
    rng = np.random.default_rng(0)
    weights = rng.integers(-127, 128, (6, 4, 4, 64)).astype(np.int8)
    attributes = TransposeConvAttributes(Padding.SAME, 2, 2)
    graph = transposed(shape, output, weights, None, attributes, Scales(0.05, [0.003], 0.4), (3, -5))
    rig.check(graph, [rng.integers(-128, 128, shape).astype(np.int8)])


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
def test_a_shape_that_is_an_input_does_not_count(dtype: DType) -> None:
    """TFLM takes the output's shape from the file, whatever the input says."""
    rng, x_shape = np.random.default_rng(0), (1, 4, 5, 8)
    weights = rng.integers(-127, 128, (3, 3, 3, 8)).astype(np.int8)
    attributes = TransposeConvAttributes(Padding.SAME, 2, 2)
    graph = transposed(x_shape, (1, 8, 10, 3), weights, None, attributes, Scales(0.05, [0.003], 0.4), (0, 0), dtype)
    shape = replace(graph.tensors["shape"], data=None)
    given_shape = replace(graph, tensors={**graph.tensors, "shape": shape}, inputs=("shape", *graph.inputs))
    x = rng.integers(-128, 128, x_shape).astype(dtype.numpy)
    rig.check(given_shape, [np.array([1, 2, 3, 4], np.int32), x])


def test_float_form() -> None:
    weights = np.arange(1, 5, dtype=np.int8).reshape(1, 2, 2, 1)
    attributes = TransposeConvAttributes(Padding.VALID, 1, 1, Activation.RELU)
    graph = transposed((1, 2, 2, 1), (1, 3, 3, 1), weights, None, attributes, Scales(1.0, [1.0], 1.0), (0, 0))
    x = np.array([[1, 0], [0, -1]], np.float32).reshape(1, 2, 2, 1)
    (y,) = rig.operator_of(graph).evaluate_float(None, weights.astype(np.float32), x)
    assert y.dtype == np.float32
    assert y.reshape(3, 3).tolist() == [[1, 2, 0], [3, 3, 0], [0, 0, 0]]


def test_shapes_that_do_not_fit_are_problems() -> None:
    weights = np.zeros((2, 2, 2, 3), np.int8)
    attributes = TransposeConvAttributes(Padding.VALID, 1, 1)
    graph = transposed((1, 2, 2, 4), (1, 3, 3, 5), weights, None, attributes, Scales(1.0, [1.0], 1.0), (0, 0))
    assert list(rig.operator_of(graph).problems()) == [
        "weights for 3 of 4 input channels",
        "the output's shape [1, 3, 3, 5] does not follow from the input's [1, 2, 2, 4]",
    ]


def test_strides_must_be_positive() -> None:
    with pytest.raises(ValueError, match="strides must be positive"):
        TransposeConvAttributes(Padding.SAME, 0, 1)


@pytest.mark.parametrize("beyond", [(0, 1), (2, 0), (3, 4)])
def test_outputs_beyond_what_the_input_reaches(beyond: tuple[int, int]) -> None:
    """Nothing lies behind the image, also where an output sees one tap."""
    shape, output = (1, 3, 2, 4), (1, 3 + beyond[0], 2 + beyond[1], 3)
    rng = np.random.default_rng(0)
    weights = rng.integers(-127, 128, (3, 1, 1, 4)).astype(np.int8)
    attributes = TransposeConvAttributes(Padding.VALID, 1, 1)
    graph = transposed(shape, output, weights, None, attributes, Scales(0.1, [2.0**-9], 0.1), (3, -5))
    rig.check(graph, [rng.integers(-128, 128, shape).astype(np.int8)])
