"""TFLM's sigmoid and tanh on int16, both interpolated between values of one table."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from seatool.kernels.fixed_point import Int64

_ROUNDED_UP = [4, 8, 12, *range(14, 18), *range(19, 23), 25, *range(27, 32), 33, 34, 35, 37, *range(39, 42)]
_ROUNDED_UP += [43, 44, 45, 46, 49, 50, 54, *range(62, 65), 66, 82, 86, 93, 100, 103, 112, 116, 135, 255]
"""Where TFLM's table is one above the nearest integer."""

_STEPS_PER_UNIT = 24
_LAST = 255


def sigmoid_table() -> npt.NDArray[np.uint16]:
    """sigmoid(i / 24) in units of 2^-16 for i up to 255, and the last one again: TFLM's sigmoid_table_uint16.

    Source: tensorflow/lite/kernels/internal/common.h.
    """
    table = np.rint(65536 / (1 + np.exp(-np.arange(_LAST + 1) / _STEPS_PER_UNIT)))
    table[_ROUNDED_UP] += 1
    return np.append(table, table[-1]).astype(np.uint16)


def sigmoid(x: Int64, factor: tuple[int, int] = (3, 0)) -> Int64:
    """Sigmoid in units of 2^-15, for int16 (reference_integer_ops::Logistic).

    ``factor``: multiplier and shift to the right that take ``x`` to units of 1 / 24 / 512, by default from 2^-12.
    """
    scaled = _scaled(x, factor)
    value = _interpolated(np.minimum(np.abs(scaled), (_LAST << 9) - 1), 9)
    return (np.where(scaled >= 0, value, (1 << 25) - 1 - value) + (1 << 9)) >> 10


def tanh(x: Int64, factor: tuple[int, int]) -> Int64:
    """Tanh in units of 2^-15, for int16 (reference_integer_ops::Tanh).

    ``factor``: multiplier and shift to the right that take ``x`` to units of 1 / 48 / 256.
    """
    scaled = _scaled(x, factor)
    value = _interpolated(np.minimum(np.abs(scaled), _LAST << 8), 8) - (1 << 23)
    return (np.where(scaled >= 0, value, ~value) + (1 << 7)) >> 8


def _scaled(x: Int64, factor: tuple[int, int]) -> Int64:
    multiplier, right = factor
    return (x * multiplier + (1 << right >> 1)) >> right


def tanh_factor(power: int) -> tuple[int, int]:
    """The factor of the LSTM's :func:`tanh` for an input in units of 2^``power``."""
    left = 12 + power  # 2^12 * 3 = 2 * 24 * 256, where 2 is that of tanh(x) = 2 sigmoid(2 x) - 1
    return (3 << left, 0) if left >= 0 else (3, -left)


def _interpolated(x: Int64, bits: int) -> Int64:
    """The table at x / 2^bits, times 2^bits."""
    table, place = sigmoid_table().astype(np.int64), x >> bits
    low, step = table[place], table[place + 1] - table[place]
    between: Int64 = (low << bits) + (x & ((1 << bits) - 1)) * step
    return between
