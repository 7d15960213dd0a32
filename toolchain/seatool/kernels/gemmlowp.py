"""gemmlowp's fixed-point exponential, reciprocal, logistic function and tanh, and TFLM's logarithm, in numpy, bit for
bit.

A value in format Qm has m integer bits and 31 - m fractional bits in an int32. Sources: gemmlowp fixedpoint.h and
tensorflow/lite/kernels/internal/common.h.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from seatool.kernels.fixed_point import Int64, rounding_divide_by_pot, saturating_rounding_doubling_high_mul

_ONE = (1 << 31) - 1
"""The largest Q0 value, which stands for 1."""

_EXP_OF_MINUS_POWERS = {
    -2: 1672461947,
    -1: 1302514674,
    0: 790015084,
    1: 290630308,
    2: 39332535,
    3: 720401,
    4: 242,
}
"""exp(-2^k) in Q0, by k."""

_multiply = saturating_rounding_doubling_high_mul


def _saturating_shift_left(x: Int64, bits: int | Int64) -> Int64:
    return np.asarray(np.clip(x << bits, -(1 << 31), _ONE), np.int64)


def exp_on_negative_values(x: npt.ArrayLike, integer_bits: int) -> Int64:
    """exp(x) in Q0 for x <= 0 in Qm with m = ``integer_bits`` of at most 5."""
    a = np.asarray(x, np.int64)
    fractional_bits = 31 - integer_bits
    quarter = np.int64(1) << (fractional_bits - 2)
    in_quarter = (a & (quarter - 1)) - quarter
    result = _exp_between_minus_quarter_and_zero(in_quarter << integer_bits)
    remainder = in_quarter - a
    for power, factor in _EXP_OF_MINUS_POWERS.items():
        if power < integer_bits:
            bit = np.int64(1) << (fractional_bits + power)
            result = np.where(remainder & bit, _multiply(result, factor), result)
    return np.where(a == 0, _ONE, result)


def _exp_between_minus_quarter_and_zero(a: Int64) -> Int64:
    """exp(a) for a in [-1/4, 0) in Q0: the Taylor series around -1/8."""
    constant_term, third = 1895147668, 715827883
    x = a + (1 << 28)
    x2 = _multiply(x, x)
    x3 = _multiply(x2, x)
    x4 = _multiply(x2, x2)
    tail = rounding_divide_by_pot(_multiply(rounding_divide_by_pot(x4, 2) + x3, third) + x2, 1)
    return constant_term + _multiply(constant_term, x + tail)


def _newton_reciprocal(a: Int64) -> Int64:
    """2 / (1 + a) in Q2 for a in [0, 1] in Q0: three Newton-Raphson steps."""
    total = a + _ONE
    half_denominator = (total + np.where(total >= 0, 1, -1)) // 2
    x = 1515870810 + _multiply(half_denominator, -1010580540)
    one = 1 << 29
    for _ in range(3):
        error = one - _multiply(half_denominator, x)
        x = x + _saturating_shift_left(_multiply(x, error), 2)
    return x


def one_over_one_plus_x(a: npt.ArrayLike) -> Int64:
    """1 / (1 + a) in Q0 for a in [0, 1] in Q0."""
    return _saturating_shift_left(_newton_reciprocal(np.asarray(a, np.int64)), 1)


def logistic(x: npt.ArrayLike, integer_bits: int) -> Int64:
    """1 / (1 + exp(-x)) in Q0 for x in Qm."""
    a = np.asarray(x, np.int64)
    positive = one_over_one_plus_x(exp_on_negative_values(-np.abs(a), integer_bits))
    return np.where(a == 0, 1 << 30, np.where(a > 0, positive, _ONE - positive))


def tanh(x: npt.ArrayLike, integer_bits: int) -> Int64:
    """tanh(x) in Q0 for x in Qm; computed as (1 - exp(-2x)) / (1 + exp(-2x)) in one integer bit more."""
    a = np.asarray(x, np.int64)
    exponential = exp_on_negative_values(-np.abs(a), integer_bits + 1)
    t = _saturating_shift_left(_newton_reciprocal(exponential) - (1 << 29), 2)
    return np.where(a == 0, 0, np.sign(a) * t)


_SQRT_HALF, _SQRT_SQRT_HALF, _LOG_2 = 1518500250, 1805811301, 1488522236
"""Powers of 1/2, and log(2), in Q0."""


def log(x: npt.ArrayLike, integer_bits: int) -> Int64:
    """log(x) in Q5 for x >= 1 in Qm (log_x_for_x_greater_than_or_equal_to_1 in TFLM's common.h).

    With x = r * 2^k and r near 1, log(x) is k * log(2) and a Pade approximation of log(r).
    """
    a = np.asarray(x, np.int64)
    zeros = 32 - _bits(a)
    first = _saturating_shift_left(_multiply(_saturating_shift_left(a, zeros - 1), _SQRT_HALF), 1)
    headroom = 31 - _bits(_multiply(a, _SQRT_HALF))
    second = _saturating_shift_left(a, headroom)
    r = np.minimum(first, second)
    quarter = 1 << 23
    power = np.maximum(
        _saturating_shift_left(integer_bits - zeros, 25) + quarter,
        _saturating_shift_left(integer_bits - headroom, 25) - quarter,
    )
    q = 2 * (r - _SQRT_SQRT_HALF)
    square = _multiply(q, q)
    numerator = _multiply(q, r) + _multiply(_multiply(q, square), 117049297)
    half_sum = (r + _SQRT_SQRT_HALF + 1) // 2
    factor = 1057819769 + q + _multiply(127690142, square)
    denominator = _multiply(half_sum, factor) + _multiply(638450708, q)
    ratio = _multiply(rounding_divide_by_pot(numerator, 6), one_over_one_plus_x(denominator))
    return _saturating_shift_left(_multiply(power, _LOG_2) + ratio, 1)


def _bits(x: Int64) -> Int64:
    """Bits of positive numbers."""
    return np.asarray(np.frexp(x.astype(np.float64))[1], np.int64)
