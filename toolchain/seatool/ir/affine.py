"""Affine quantization of arrays: real values to integers and back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from seatool.ir.tensor import Array, DType, Quantization

Float64 = npt.NDArray[np.float64]


def round_half_away(values: Array) -> Float64:
    """C's round(): to the nearest whole number, halves away from zero. float64, exact, same shape.

    >>> round_half_away(np.array([-2.5, 0.49999999999999994, 1.5])).tolist()
    [-3.0, 0.0, 2.0]
    """
    # Adding 0.5 would take the number just below 0.5 to 1; adding that number itself is right everywhere.
    return np.asarray(np.trunc(values + np.copysign(np.nextafter(0.5, 0.0), values)), np.float64)


def quantize_values(values: Array, quant: Quantization, dtype: DType) -> Array:
    """Real ``values`` as integers of ``dtype``: rounded half away from zero as TFLite does, saturated. Same shape."""
    info = np.iinfo(dtype.numpy)
    scale, zero_point = _along(quant, values.ndim)
    rounded = round_half_away(values.astype(np.float64) / scale) + zero_point
    return np.asarray(np.clip(rounded, info.min, info.max), dtype.numpy)


def dequantize_values(values: Array, quant: Quantization) -> npt.NDArray[np.float32]:
    """Integers as real values, float32. Same shape."""
    scale, zero_point = _along(quant, values.ndim)
    return np.asarray((values.astype(np.float64) - zero_point) * scale, np.float32)


def _along(quant: Quantization, rank: int) -> tuple[Float64, Float64]:
    """Scale and zero point, shaped to broadcast against a tensor of ``rank`` dimensions."""
    shape = [1] * rank
    if quant.axis is not None:
        shape[quant.axis] = -1
    scale, zero_point = np.array(quant.scale), np.array(quant.zero_point, np.float64)
    return scale.reshape(shape), zero_point.reshape(shape)
