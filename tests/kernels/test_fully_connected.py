"""FULLY_CONNECTED against TFLM and the C kernels: depths, batches, shapes, quantization and extreme values."""

from __future__ import annotations

import math

import numpy as np
import pytest
import rig
from hypothesis import given
from hypothesis import strategies as st
from seatool.errors import ToolError
from seatool.ir import DType, Quantization, Tensor
from seatool.kernels import Activation
from seatool.kernels.fixed_point import multiply_by_quantized_multiplier, quantize_multiplier
from seatool.kernels.fully_connected import FullyConnectedAttributes
from weights import Scales, activations, biases, scales, weighted


@st.composite
def cases(draw: st.DrawFn) -> rig.Case:
    depth, count = (
        draw(st.sampled_from([1, 2, 3, 4, 5, 8, 30, 64, 257])),
        draw(st.sampled_from([1, 2, 3, 4, 5, 8, 11, 12])),
    )
    rows = draw(st.sampled_from([(1,), (1,), (2,), (5,), (1, 3), (2, 1, 2)]))
    keep = len(rows) > 1 and draw(st.booleans())
    shape = (*rows, depth)
    output = (*rows, count) if keep else (math.prod(rows), count)
    graph = weighted(
        "FULLY_CONNECTED",
        (shape, output),
        draw(rig.arrays((count, depth))),
        0,
        draw(st.none() | biases(count)),
        FullyConnectedAttributes(draw(activations), keep_num_dims=keep),
        draw(scales(count)),
        (draw(rig.zero_points), draw(rig.zero_points)),
        version=5,
    )
    return graph, [draw(rig.arrays(shape))]


@given(cases())
def test_equals_tflm(case: rig.Case) -> None:
    rig.check(*case)


def test_scales_are_multiplied_in_double() -> None:
    """A bias whose output would be another if TFLM multiplied the scales of input and weights in float32."""
    input_scale, weight_scale, output_scale = (float(np.float32(s)) for s in (0.0031, 0.00017, 7.0))
    wide = quantize_multiplier(input_scale * weight_scale / output_scale)
    narrow = quantize_multiplier(float(np.float32(input_scale) * np.float32(weight_scale)) / output_scale)
    candidates = np.arange(2**30, 2**30 + 2**26, 61)
    outputs = [multiply_by_quantized_multiplier(candidates, *pair) for pair in (wide, narrow)]
    different = np.flatnonzero(outputs[0] != outputs[1])
    bias = candidates[different[:1]].astype(np.int32)
    graph = weighted(
        "FULLY_CONNECTED",
        ((1, 1), (1, 1)),
        np.zeros((1, 1), np.int8),
        0,
        bias,
        FullyConnectedAttributes(),
        Scales(input_scale, [weight_scale], output_scale),
        (0, 0),
        version=5,
    )
    rig.check(graph, [np.zeros((1, 1), np.int8)])


def test_float_product() -> None:
    rng = np.random.default_rng(0)
    graph = weighted(
        "FULLY_CONNECTED",
        ((2, 3, 5), (2, 3, 4)),
        np.ones((4, 5), np.int8),
        0,
        np.zeros(4, np.int32),
        FullyConnectedAttributes(Activation.RELU_N1_TO_1, keep_num_dims=True),
        Scales(0.1, [0.1], 0.1),
        (0, 0),
    )
    x, w, b = rng.normal(size=(2, 3, 5)), rng.normal(size=(4, 5)), rng.normal(size=4)
    (y,) = rig.operator_of(graph).evaluate_float(x.astype(np.float32), w.astype(np.float32), b.astype(np.float32))
    assert np.allclose(y, np.clip(np.einsum("abk,ok->abo", x, w) + b, -1, 1), atol=1e-5)


def test_problems_are_named() -> None:
    def problems(shape: tuple[int, ...], output: tuple[int, ...], attributes: FullyConnectedAttributes) -> str:
        graph = weighted(
            "FULLY_CONNECTED", (shape, output), np.ones((4, 5), np.int8), 0, None, attributes, Scales(1, [1], 1), (0, 0)
        )
        return " / ".join(rig.operator_of(graph).problems())

    assert problems((1, 5), (1, 4), FullyConnectedAttributes()) == ""
    assert "no rows of 5" in problems((1, 7), (1, 4), FullyConnectedAttributes())
    assert "output's shape" in problems((2, 5), (1, 4), FullyConnectedAttributes())
    assert "shuffled" in problems((1, 5), (1, 4), FullyConnectedAttributes(weights_format=1))


@pytest.mark.parametrize(
    ("scale", "fits"), [(0.02, True), (0.029, True), (0.031, False), (0.001, False), (None, False)]
)
def test_the_scale_of_the_bias_is_checked_as_tflm_checks_it(scale: float | None, fits: bool) -> None:
    """An error of 2 % of an output step is allowed; input, weights and output have scales of 0.1, 0.2 and 0.5."""
    tensors = [rig.tensor("x", (1, 5), 0.1), rig.tensor("w", (4, 5), 0.2, data=np.ones((4, 5), np.int8))]
    quant = None if scale is None else Quantization.per_tensor(scale, 0)
    tensors.append(Tensor("b", (4,), DType.INT32, quant, np.zeros(4, np.int32)))
    for output_scale, allowed in ((0.5, fits), (10.0, True), (0.1, scale == 0.02)):
        graph = rig.single(
            "FULLY_CONNECTED", tensors, [rig.tensor("y", (1, 4), output_scale)], FullyConnectedAttributes(), version=4
        )
        assert (not list(rig.operator_of(graph).problems())) == allowed
        if allowed:
            rig.tflm(graph, [np.zeros((1, 5), np.int8)])
        else:
            with pytest.raises(ToolError):
                rig.tflm(graph, [np.zeros((1, 5), np.int8)])
