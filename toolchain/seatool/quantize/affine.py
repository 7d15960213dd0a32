"""The parameters of affine int8 quantization: from ranges, weights and biases.

Source: the TFLite 8-bit quantization specification; bias limit as in TFLite's quantization_utils.cc.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from seatool.ir import Array, DType, Quantization, Tensor, quantize_values

INT8_MIN, INT8_MAX = -128, 127
WEIGHT_MAX = 127
BIAS_MAX = 0.5 * (2**31 - 1)
"""A bias stays in the middle half of int32, so that the products added to it cannot overflow."""

LEAST_MULTIPLIER = 2.0**-16
"""Finer weights than this many output steps per product step gain nothing and only make the biases large."""

_MIN_SCALE = float(np.finfo(np.float32).tiny)


def activation_parameters(low: float, high: float) -> Quantization:
    """Asymmetric int8 parameters for real values in [low, high]; the range is widened to hold zero exactly.

    A range of zero width gets scale 1: any scale represents its only value.

    >>> activation_parameters(0.0, 255.0)
    Quantization(scale=(1.0,), zero_point=(-128,), axis=None)
    """
    low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        return Quantization.per_tensor(1.0, INT8_MIN)
    scale = float(np.float32(max((high - low) / (INT8_MAX - INT8_MIN), _MIN_SCALE)))
    zero_point = int(np.clip(np.rint(INT8_MIN - low / scale), INT8_MIN, INT8_MAX))
    return Quantization.per_tensor(scale, zero_point)


def quantization(tensor: Tensor) -> Quantization:
    """The parameters of ``tensor``; ValueError when it has none."""
    if tensor.quant is None:
        raise ValueError(f"tensor {tensor.name!r} is not quantized")
    return tensor.quant


def representable(quant: Quantization) -> tuple[float, float]:
    """The real values of -128 and 127 under per-tensor ``quant``."""
    scale, zero_point = quant.scale[0], quant.zero_point[0]
    return scale * (INT8_MIN - zero_point), scale * (INT8_MAX - zero_point)


def weight_parameters(weights: Array, axis: int | None, least: float) -> Quantization:
    """Symmetric int8 parameters of ``weights`` (any shape, float): the largest magnitude becomes 127, none -128.

    Args:
        weights: The real values.
        axis: One scale per index of this axis; one for all when it is None.
        least: The smallest scale; channels of (nearly) nothing but zeros get it.
    """
    magnitudes = np.abs(np.asarray(weights, np.float64))
    others = tuple(i for i in range(magnitudes.ndim) if i != axis)
    peaks = np.atleast_1d(magnitudes.max(axis=others if axis is not None else None))
    return _symmetric(np.maximum(peaks / WEIGHT_MAX, max(least, _MIN_SCALE)), axis)


def fit_bias(weights: Quantization, bias: Array, input_scale: float) -> tuple[Quantization, int]:
    """Weight parameters under which no bias leaves the middle half of int32.

    Args:
        weights: Parameters of the weights, per tensor or per output channel.
        bias: Real bias, one value per output channel.
        input_scale: Scale of the operator's input.

    Returns:
        The parameters, with the scale of offending channels raised (coarser weights instead of an overflow), and how
        many channels offend. A per-tensor scale is raised for all channels.
    """
    scales = weights.scales.astype(np.float64)
    # A little above the exact bound, so that rounding to float32 cannot fall below it.
    needed = np.abs(np.asarray(bias, np.float64)) / (BIAS_MAX * input_scale) * (1 + 2.0**-20)
    offending = int(np.count_nonzero(needed > scales))
    if weights.axis is None:
        needed = needed.max(keepdims=True)
    return _symmetric(np.maximum(scales, needed), weights.axis), offending


def bias_parameters(weights: Quantization, input_scale: float) -> Quantization:
    """Parameters of an int32 bias: scale input * weight, zero point 0, along axis 0 where weights are per channel."""
    scales = np.maximum(weights.scales.astype(np.float64) * input_scale, _MIN_SCALE)
    return _symmetric(scales, None if weights.axis is None else 0)


def quantized_constant(name: str, values: Array, quant: Quantization, dtype: DType) -> Tensor:
    """A constant tensor of the real ``values`` under ``quant``."""
    return Tensor(name, values.shape, dtype, quant, quantize_values(values, quant, dtype))


def _symmetric(scales: npt.NDArray[np.float64], axis: int | None) -> Quantization:
    if scales.max() > np.finfo(np.float32).max:
        raise OverflowError(f"a scale of {scales.max():g} does not fit float32")
    exact = tuple(float(scale) for scale in np.atleast_1d(scales).astype(np.float32))
    return Quantization(exact, (0,) * len(exact), axis)
