"""TFLM's fixed-point arithmetic, in numpy. Everything is int64 inside, so nothing overflows unnoticed.

Source: tensorflow/lite/kernels/internal/common.cc and quantization_util.cc as TFLM builds them (double rounding).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from seatool.ir import Tensor
from seatool.kernels.base import Activation

Int64 = npt.NDArray[np.int64]


def quantize_multiplier(real: float) -> tuple[int, int]:
    """``real`` as (multiplier, shift) with real = multiplier / 2^31 * 2^shift; multiplier in [2^30, 2^31).

    >>> quantize_multiplier(0.5)
    (1073741824, 0)
    >>> quantize_multiplier(0.0)
    (0, 0)
    """
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    # C's round(): half away from zero; fraction is positive here.
    multiplier = math.floor(fraction * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    if shift > 30:
        return (1 << 31) - 1, 30
    return multiplier, shift


def factor_problems(factor: float) -> Iterator[str]:
    """Why a rescaling factor cannot be represented; TFLM's arithmetic is undefined there."""
    if factor >= 1 << 30:
        yield f"the scales are too far apart (a factor of {factor:g})"


def wrap_int32(x: Int64) -> Int64:
    """``x`` modulo 2^32, as int32 has it."""
    return ((x + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)


def saturating_rounding_doubling_high_mul(a: npt.ArrayLike, b: npt.ArrayLike) -> Int64:
    """round(a * b / 2^31), ties towards plus infinity; int32 operands.

    gemmlowp's nudge-and-truncate equals floor((a * b + 2^30) / 2^31). The one saturating case (both INT32_MIN) cannot
    occur because multipliers are not negative.
    """
    product = np.asarray(a, np.int64) * np.asarray(b, np.int64)
    return (product + (1 << 30)) >> 31


def rounding_divide_by_pot(x: npt.ArrayLike, exponent: npt.ArrayLike) -> Int64:
    """round(x / 2^exponent), ties away from zero."""
    value, exp = np.asarray(x, np.int64), np.asarray(exponent, np.int64)
    mask = (np.int64(1) << exp) - 1
    remainder = value & mask
    threshold = (mask >> 1) + (value < 0)
    return (value >> exp) + (remainder > threshold)


def multiply_by_quantized_multiplier(x: npt.ArrayLike, multiplier: npt.ArrayLike, shift: npt.ArrayLike) -> Int64:
    """x * multiplier / 2^31 * 2^shift with TFLM's double rounding; the left shift wraps as int32, as in C."""
    shifts = np.asarray(shift, np.int64)
    shifted = np.asarray(x, np.int64) << np.maximum(shifts, 0)
    product = saturating_rounding_doubling_high_mul(wrap_int32(shifted), multiplier)
    return rounding_divide_by_pot(product, np.maximum(-shifts, 0))


def reduced_multiplier(multiplier: npt.ArrayLike) -> Int64:
    """A multiplier of 2^31 as one of 2^15, at most 2^15 - 1: what TFLM rescales int64 by."""
    value = np.asarray(multiplier, np.int64)
    return np.asarray(np.where(value < 0x7FFF0000, (value + (1 << 15)) >> 16, 0x7FFF), np.int64)


def multiply_by_reduced_multiplier(x: npt.ArrayLike, multiplier: npt.ArrayLike, shift: npt.ArrayLike) -> Int64:
    """x * multiplier / 2^31 * 2^shift as TFLM computes it for int64: multipliers of 15 bits, ties towards plus
    infinity, the result modulo 2^32. |x| < 2^47, shift at most 7."""
    right = 15 - np.asarray(shift, np.int64)
    product = np.asarray(x, np.int64) * reduced_multiplier(multiplier) + (np.int64(1) << (right - 1))
    return wrap_int32(product >> right)


@cache
def inverse_square_root(x: int) -> tuple[int, int]:
    """1 / sqrt(x) for x >= 1 as (multiplier, shift), see :func:`quantize_multiplier`, as TFLM computes it
    (GetInvSqrtQuantizedMultiplierExp): five Newton-Raphson steps in gemmlowp's Q3.

    >>> multiplier, shift = inverse_square_root(100)
    >>> round(multiplier * 2.0 ** (shift - 31), 6)
    0.1
    """
    if x <= 1:
        return (1 << 31) - 1, 0
    right = 11
    while x >= 1 << 29:
        x //= 4
        right += 1
    pairs = (31 - x.bit_length()) // 2 - 1
    right -= pairs
    value = x << (2 * pairs) >> 1
    half = (value + 1) >> 1
    root, one_and_a_half = 1 << 28, (1 << 28) + (1 << 27)

    def times(a: int, b: int) -> int:
        return int(saturating_rounding_doubling_high_mul(a, b))

    for _ in range(5):
        cube = _saturated(times(times(root, root), root) << 6)
        root = _saturated((times(one_and_a_half, root) - times(half, cube)) << 3)
    root = times(root, 1518500250)
    return (root << -right, 0) if right < 0 else (root, -right)


def _saturated(x: int) -> int:
    return min(max(x, -(1 << 31)), (1 << 31) - 1)


def round_half_away(x: float) -> int:
    """C's round().

    >>> round_half_away(-2.5), round_half_away(0.49999997)
    (-3, 0)
    """
    return int(math.copysign(math.floor(abs(x) + 0.5), x))


def activation_range(activation: Activation, output: Tensor) -> tuple[int, int]:
    """The clamp of a fused activation in the output's quantized units (CalculateActivationRangeQuantized)."""
    info = np.iinfo(output.dtype.numpy)
    low, high = activation.bounds

    def quantize(real: float) -> int:
        scaled = real / np.float32(output.scale).item()
        return output.zero_point + round_half_away(float(np.float32(min(max(scaled, -(2.0**31)), 2.0**31))))

    return (
        int(info.min) if low is None else max(int(info.min), quantize(low)),
        int(info.max) if high is None else min(int(info.max), quantize(high)),
    )


def clamp_float(activation: Activation, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A fused activation on real numbers."""
    low, high = activation.bounds
    return x if low is None and high is None else np.clip(x, low, high)
