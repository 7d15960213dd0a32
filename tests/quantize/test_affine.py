"""Parameters as the TFLite 8-bit quantization specification wants them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seatool.ir import DType, Quantization, dequantize_values, quantize_values
from seatool.quantize.affine import (
    BIAS_MAX,
    activation_parameters,
    bias_parameters,
    fit_bias,
    representable,
    weight_parameters,
)

reals = st.floats(-1e6, 1e6, width=32)


@given(reals, reals)
def test_a_range_is_covered_and_holds_zero_exactly(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    quant = activation_parameters(low, high)
    scale = quant.scale[0]
    assert dequantize_values(quantize_values(np.zeros(1), quant, DType.INT8), quant) == 0.0
    least, greatest = representable(quant)
    # Rounding the zero point to an integer shifts the range by up to half a step.
    assert least <= min(low, 0.0) + 0.5001 * scale
    assert greatest >= max(high, 0.0) - 0.5001 * scale
    assert greatest - least <= 1.0001 * max(high, 0.0) - 1.0001 * min(low, 0.0) + 1e-30 or low == high == 0.0


def test_a_rectified_range_uses_all_256_steps() -> None:
    quant = activation_parameters(0.0, 6.0)
    assert quant.zero_point == (-128,)
    assert quant.scale == (float(np.float32(6 / 255)),)


def test_a_tensor_of_zeros_gets_a_harmless_scale() -> None:
    assert activation_parameters(0.0, 0.0) == Quantization.per_tensor(1.0, -128)


def test_values_round_half_away_from_zero_and_saturate() -> None:
    quant = Quantization.per_tensor(1.0, 0)
    values = np.array([0.5, 1.5, -0.5, -2.5, 127.6, -1000.0])
    np.testing.assert_array_equal(quantize_values(values, quant, DType.INT8), [1, 2, -1, -3, 127, -128])


@given(st.integers(0, 2**32 - 1), st.sampled_from([None, 0, 3]))
def test_weights_fill_the_symmetric_range_of_every_channel(seed: int, axis: int | None) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal((4, 3, 2, 5)).astype(np.float32)
    quant = weight_parameters(weights, axis, 0.0)
    codes = quantize_values(weights, quant, DType.INT8)
    channels = codes.reshape(1, -1) if axis is None else np.moveaxis(codes, axis, 0).reshape(weights.shape[axis], -1)
    np.testing.assert_array_equal(np.abs(channels.astype(int)).max(axis=1), 127)
    assert set(quant.zero_point) == {0}
    assert np.abs(dequantize_values(codes, quant) - weights).max() <= 0.5001 * max(quant.scale)


def test_weights_of_zero_get_the_least_scale() -> None:
    weights = np.array([[0.0, 0.0], [1.0, -2.0]], np.float32)
    assert weight_parameters(weights, 0, 0.25).scale == (0.25, 0.25)
    assert weight_parameters(weights, 0, 0.001).scale == (float(np.float32(0.001)), float(np.float32(2 / 127)))


@pytest.mark.parametrize("axis", [0, None])
def test_a_huge_bias_makes_its_weights_coarser_instead_of_overflowing(axis: int | None) -> None:
    count = 1 if axis is None else 2
    weights = Quantization((1e-9,) * count, (0,) * count, axis)
    bias, input_scale = np.array([4.0, 1e-6]), 0.05
    fitted, offending = fit_bias(weights, bias, input_scale)
    assert offending == 1
    assert fitted.scale[0] > weights.scale[0]
    assert fitted.scale[-1] == (fitted.scale[0] if axis is None else weights.scales[1])
    codes = quantize_values(bias, bias_parameters(fitted, input_scale), DType.INT32)
    assert 0.99 * BIAS_MAX < codes[0] <= BIAS_MAX


def test_a_modest_bias_leaves_the_weights_alone() -> None:
    weights = Quantization((0.125, 0.25), (0, 0), 0)
    assert fit_bias(weights, np.array([3.0, -4.0]), 0.1) == (weights, 0)


def test_the_bias_scale_is_input_times_weight() -> None:
    quant = bias_parameters(Quantization((0.25, 0.5), (0, 0), 3), 0.5)
    assert quant == Quantization((0.125, 0.25), (0, 0), 0)
    assert bias_parameters(Quantization((0.25,), (0,)), 0.5) == Quantization((0.125,), (0,))
