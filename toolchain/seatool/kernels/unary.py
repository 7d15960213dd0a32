"""ABS, ELU, HARD_SWISH and RSQRT on int8: functions of one value, each a table of 256 values."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from seatool.ir import Array, DType, round_half_away
from seatool.kernels.activation import ActivationFunction
from seatool.kernels.base import TFLiteForm, operator, variant
from seatool.kernels.fixed_point import (
    Int64,
    factor_problems,
    inverse_square_root,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
)
from seatool.kernels.float_curve import curve_problems
from seatool.kernels.lookup_table import Clamp, Table

_INT16_MIN, _INT16_MAX = -(1 << 15), (1 << 15) - 1


@operator("ABS")
class Abs(ActivationFunction):
    """The magnitude, rescaled. Source: TFLM elementwise.cc."""

    tflite = TFLiteForm(101, range(1, 6), 78)

    def function(self, x: Int64) -> Int64:
        return self.rescaled(np.abs(x - self.input(0).zero_point)) + self.output.zero_point

    def real(self, x: Array) -> Array:
        return np.abs(x)


@operator("RSQRT")
class Rsqrt(ActivationFunction):
    """1 / sqrt(x); 0 gives the largest output. Source: TFLM elementwise.cc.

    TFLM stops at an input below zero; we treat it like 0.
    """

    tflite = TFLiteForm(76, range(1, 4))

    _SHIFT = 20
    """Bits that the result has on top of the output's steps before the last rounding."""

    @property
    def _factor(self) -> float:
        """From the inverse root of a stored value to the output's steps; the root of the scale is a float32."""
        root = np.sqrt(np.float32(self.input(0).scale))
        return 1.0 / float(np.float32(root * np.float32(self.output.scale)))

    def scale_problems(self) -> Iterator[str]:
        yield from factor_problems(self._factor)

    def function(self, x: Int64) -> Int64:
        value = x - self.input(0).zero_point
        inverse, shift = np.array([inverse_square_root(max(int(v), 1)) for v in value.reshape(-1)], np.int64).T
        root = multiply_by_quantized_multiplier(np.ones_like(inverse), inverse, shift + self._SHIFT)
        multiplier, exponent = quantize_multiplier(self._factor)
        scaled = multiply_by_quantized_multiplier(root, multiplier, exponent - self._SHIFT).reshape(value.shape)
        return np.where(value <= 0, 127, scaled + self.output.zero_point)

    def real(self, x: Array) -> Array:
        return np.asarray(1 / np.sqrt(x))


@operator("ELU")
class Elu(ActivationFunction):
    """x where it is positive, exp(x) - 1 elsewhere, in float32. Source: TFLM elu.cc."""

    tflite = TFLiteForm(111, range(1, 2))
    also_float = is_curve = True  # converters leave it in float32

    def problems(self) -> Iterator[str]:
        if self.output.dtype is DType.FLOAT32:
            yield from curve_problems(self)
        else:
            yield from super().problems()

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        (x,) = inputs
        assert x is not None
        if self.output.dtype is DType.FLOAT32:
            return (self.real(x.astype(np.float64)).astype(np.float32),)
        return super().evaluate(*inputs)

    def scale_problems(self) -> Iterator[str]:
        yield from factor_problems(256 * self.input(0).scale / self.output.scale)

    def function(self, x: Int64) -> Int64:
        real = np.float32(self.input(0).scale) * (x - self.input(0).zero_point).astype(np.float32)
        inverse = np.float32(1) / np.float32(self.output.scale)
        steps = np.where(real < 0, _exp(real) - np.float32(1), real).astype(np.float32) * inverse
        return round_half_away(steps).astype(np.int64) + self.output.zero_point

    def real(self, x: Array) -> Array:
        return np.where(x < 0, np.expm1(np.minimum(x, 0)), x)


def _exp(x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """exp as C's expf has it: rounded correctly, which numpy's own float32 version is not."""
    return np.exp(np.minimum(x, 0).astype(np.float64)).astype(np.float32)


@operator("HARD_SWISH")
class HardSwish(ActivationFunction):
    """x * min(max(x + 3, 0), 6) / 6 in int16 arithmetic. Source: TFLM hard_swish_common.cc and
    reference/hard_swish.h."""

    tflite = TFLiteForm(117, range(1, 2), 91)

    def _factors(self) -> tuple[float, float]:
        """From 128 times a stored value to the output's steps, and to 32768 where x is 3; both computed in float32."""
        fine = np.float32(1 / 128) * np.float32(self.input(0).scale)
        return float(fine / np.float32(self.output.scale)), float(fine / np.float32(3 / 32768))

    def scale_problems(self) -> Iterator[str]:
        to_output, to_ramp = self._factors()
        if quantize_multiplier(to_output)[1] > 0:
            yield f"the output's scale {self.output.scale:g} is too small for the input's {self.input(0).scale:g}"
        yield from factor_problems(to_ramp)

    def function(self, x: Int64) -> Int64:
        to_output, to_ramp = self._factors()
        fine = (x - self.input(0).zero_point) * 128
        multiplier, exponent = _int16_multiplier(to_output)
        product = _multiply_int16(self._ramp(fine, to_ramp), _rounding_multiply_int16(fine, multiplier))
        return _divide_int16(product, -exponent) + self.output.zero_point

    @staticmethod
    def _ramp(fine: Int64, factor: float) -> Int64:
        """min(max(x + 3, 0), 6) / 6 with 15 fractional bits."""
        multiplier, exponent = _int16_multiplier(factor)
        value = _saturated(fine << max(exponent - 1, 0))
        value = _rounding_multiply_int16(value, multiplier)
        value = _saturated(value << min(max(exponent, 0), 1))
        value = _divide_int16(value, max(-exponent, 0))
        return (value + (1 << 15)) >> 1

    def real(self, x: Array) -> Array:
        return np.asarray(x * np.clip(x + 3, 0, 6) / 6)


def _int16_multiplier(real: float) -> tuple[int, int]:
    """As quantize_multiplier, with a multiplier of 15 bits (DownScaleInt32ToInt16Multiplier)."""
    multiplier, exponent = quantize_multiplier(real)
    return min((multiplier + (1 << 15)) >> 16, _INT16_MAX), exponent


def _saturated(x: Int64) -> Int64:
    return np.clip(x, _INT16_MIN, _INT16_MAX)


def _rounding_multiply_int16(x: Int64, multiplier: int) -> Int64:
    """round(x * multiplier / 2^15), ties towards plus infinity (gemmlowp's SaturatingRoundingDoublingHighMul)."""
    return (x * multiplier + (1 << 14)) >> 15


def _multiply_int16(a: Int64, b: Int64) -> Int64:
    """a * b / 2^15 towards zero (SaturatingDoublingHighMul)."""
    product = a * b
    return np.asarray(np.sign(product) * (np.abs(product) >> 15))


def _divide_int16(x: Int64, exponent: int) -> Int64:
    """round(x / 2^exponent), ties away from zero; 1 for 0 where the exponent's mask overflows int16, as in TFLM."""
    mask = (1 << exponent) - 1 if exponent < 16 else -1
    return (x >> exponent) + ((x & mask) > (mask >> 1) + (x < 0))


variant(Abs, Rsqrt, Elu, HardSwish)(Table)
variant(Abs, Elu)(Clamp)
