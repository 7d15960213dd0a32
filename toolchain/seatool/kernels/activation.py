"""RELU, RELU6, LEAKY_RELU, LOGISTIC and TANH on int8: each a table of 256 values, or a clamp where it is one."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from seatool.ir import Array, Attributes, Quantization
from seatool.kernels.base import Field, Operator, QuantizationRule, TFLiteForm, operator, require_int8, variant
from seatool.kernels.fixed_point import (
    Int64,
    factor_problems,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    round_half_away,
    rounding_divide_by_pot,
)
from seatool.kernels.gemmlowp import logistic, tanh
from seatool.kernels.lookup_table import Clamp, Table


class ActivationFunction(Operator):
    """A function of every single value."""

    def problems(self) -> Iterator[str]:
        found = list(self.type_problems())
        if self.input(0).shape != self.output.shape:
            found.append("input and output have different shapes")
        yield from found or self.scale_problems()

    def type_problems(self) -> Iterator[str]:
        """Element types and quantization that are not supported."""
        yield from require_int8(self, self.input(0), self.output)

    def scale_problems(self) -> Iterator[str]:
        """What is wrong with the quantization."""
        yield from factor_problems(self.input(0).scale / self.output.scale)

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        (x,) = inputs
        assert x is not None
        limits = np.iinfo(self.output.dtype.numpy)
        return (np.clip(self.function(x.astype(np.int64)), limits.min, limits.max).astype(limits.dtype),)

    @abstractmethod
    def function(self, x: Int64) -> Int64:
        """The output for stored input values, before it is cut off to the output's type."""

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        (x,) = inputs
        assert x is not None
        return (self.real(x).astype(np.float32),)

    @abstractmethod
    def real(self, x: Array) -> Array:
        """The function on real numbers."""

    def rescaled(self, x: Int64, factor: float = 1.0) -> Int64:
        """``x`` (already without its zero point) times ``factor``, in the output's steps but without its zero point.

        TFLM of August 2026 still divided the scales in float, which changes a bit here and there.
        """
        ratio = self.input(0).scale * np.float32(factor).item() / self.output.scale
        multiplier, shift = quantize_multiplier(abs(ratio))
        return multiply_by_quantized_multiplier(x, multiplier, shift) * (-1 if ratio < 0 else 1)


@operator("RELU")
class Relu(ActivationFunction):
    """max(x, 0), rescaled to the output. Source: TFLM activations_common.cc."""

    tflite = TFLiteForm(19, range(1, 4))

    def function(self, x: Int64) -> Int64:
        zero = self.output.zero_point
        return np.maximum(zero + self.rescaled(x - self.input(0).zero_point), zero)

    def real(self, x: Array) -> Array:
        return np.maximum(x, 0)


@operator("RELU6")
class Relu6(ActivationFunction):
    """min(max(x, 0), 6). TFLM does not rescale. Source: TFLM activations_common.cc."""

    tflite = TFLiteForm(21, range(1, 4))
    limits = "input and output quantized alike"
    quantization = QuantizationRule(same_scale=True)

    def scale_problems(self) -> Iterator[str]:
        if self.input(0).quant != self.output.quant:
            yield "input and output have different quantization, which TFLM ignores"

    def function(self, x: Int64) -> Int64:
        return np.clip(x, self.input(0).zero_point, self.six)

    @property
    def six(self) -> int:
        """6 as it is stored, or the highest value below it."""
        x = self.input(0)
        six = x.zero_point + round_half_away(float(np.float32(6) / np.float32(x.scale)))
        return min(six, int(np.iinfo(x.dtype.numpy).max))

    def real(self, x: Array) -> Array:
        return np.clip(x, 0, 6)


@dataclass(frozen=True)
class LeakyReluAttributes(Attributes):
    """LeakyReluOptions of the TFLite schema."""

    alpha: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.alpha):
            raise ValueError(f"alpha is {self.alpha}")


@operator("LEAKY_RELU")
class LeakyRelu(ActivationFunction):
    """x where it is positive, alpha * x elsewhere. Source: TFLM leaky_relu_common.cc and reference/leaky_relu.h."""

    tflite = TFLiteForm(98, range(1, 3), 75, (Field("alpha", 0, "float32", 0.0),))
    attributes_type = LeakyReluAttributes

    def function(self, x: Int64) -> Int64:
        value = x - self.input(0).zero_point
        scaled = np.where(value >= 0, self.rescaled(value), self.rescaled(value, self.attributes.alpha))
        return scaled + self.output.zero_point

    def scale_problems(self) -> Iterator[str]:
        yield from factor_problems(max(1.0, abs(self.attributes.alpha)) * self.input(0).scale / self.output.scale)

    def real(self, x: Array) -> Array:
        return np.where(x > 0, x, x * np.float32(self.attributes.alpha))


class _Sigmoid(ActivationFunction):
    """A saturating function computed in gemmlowp's Q4: beyond +-16 it is at its limit."""

    def scale_problems(self) -> Iterator[str]:
        if self.input(0).scale < 2.0**-58:
            yield f"the input's scale {self.input(0).scale:g} is too small"

    def function(self, x: Int64) -> Int64:
        value = x - self.input(0).zero_point
        fraction, shift = math.frexp(self.input(0).scale * (1 << 27))
        multiplier = round_half_away(fraction * (1 << 31))
        radius = math.floor(15 * (1 << 27) / 2.0**shift)
        inside = self.curve(multiply_by_quantized_multiplier(value, multiplier, shift))
        return np.where(value <= -radius, -128, np.where(value >= radius, 127, inside))

    @abstractmethod
    def curve(self, q4: Int64) -> Int64:
        """The stored output for an input in Q4."""


@operator("LOGISTIC")
class Logistic(_Sigmoid):
    """1 / (1 + exp(-x)). Source: TFLM logistic_common.cc and integer_ops/logistic.h."""

    tflite = TFLiteForm(14, range(1, 4))
    quantization = QuantizationRule(fixed_output=Quantization.per_tensor(1 / 256, -128))

    def scale_problems(self) -> Iterator[str]:
        yield from super().scale_problems()
        if self.output.zero_point != -128:
            yield f"the output's zero point is {self.output.zero_point}, not -128"

    def curve(self, q4: Int64) -> Int64:
        return rounding_divide_by_pot(logistic(q4, 4), 23) - 128

    def real(self, x: Array) -> Array:
        return np.asarray(0.5 * (1 + np.tanh(0.5 * x)))


@operator("TANH")
class Tanh(_Sigmoid):
    """Hyperbolic tangent. Source: TFLM tanh.cc and integer_ops/tanh.h."""

    tflite = TFLiteForm(28, range(1, 4))
    quantization = QuantizationRule(fixed_output=Quantization.per_tensor(1 / 128, 0))

    def curve(self, q4: Int64) -> Int64:
        return rounding_divide_by_pot(tanh(q4, 4), 24)

    def real(self, x: Array) -> Array:
        return np.tanh(x)


variant(Relu, Relu6, LeakyRelu, Logistic, Tanh)(Table)
variant(Relu, Relu6, LeakyRelu)(Clamp)
