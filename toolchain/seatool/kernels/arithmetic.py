"""SQUARED_DIFFERENCE, DIV and PRELU on int8, with broadcasting."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, ClassVar

import numpy as np

from seatool.ir import Array
from seatool.kernels.base import Constant, Ref, TFLiteForm, operator, variant
from seatool.kernels.binary import ACTIVATION_FIELD, Arithmetic, Binary, Elementwise, Rescaled
from seatool.kernels.fixed_point import (
    Int64,
    factor_problems,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    saturating_rounding_doubling_high_mul,
)
from seatool.kernels.gemmlowp import one_over_one_plus_x
from seatool.kernels.lookup_table import Table


@operator("SQUARED_DIFFERENCE")
class SquaredDifference(Binary):
    """(a - b)^2. Both inputs are scaled to 2^left_shift steps of twice the larger input scale. Source: TFLM
    squared_difference.cc."""

    tflite = TFLiteForm(99, range(1, 3), 76)
    left_shift: ClassVar[int] = 7
    """Bits that the inputs gain before they are scaled."""

    def factors(self) -> tuple[float, float, float]:
        """Real factors of the inputs and of the square of their difference."""
        a, b = self.input(0).scale, self.input(1).scale
        twice = 2 * max(a, b)
        return a / twice, b / twice, twice * twice / (2 ** (2 * self.left_shift) * self.output.scale)

    def problems(self) -> Iterator[str]:
        found = list(super().problems())
        yield from found or factor_problems(self.factors()[2])

    def scales(self) -> dict[str, int]:
        """The kernel's offsets, multipliers and shifts."""
        (m1, s1), (m2, s2), (m, s) = map(quantize_multiplier, self.factors())
        return {
            "input1_offset": -self.input(0).zero_point,
            "input1_multiplier": m1,
            "input1_shift": s1,
            "input2_offset": -self.input(1).zero_point,
            "input2_multiplier": m2,
            "input2_shift": s2,
            "output_offset": self.output.zero_point,
            "output_multiplier": m,
            "output_shift": s,
        }

    def combine(self, a: Int64, b: Int64) -> Int64:
        p = self.scales()
        x1 = (a + p["input1_offset"]) << self.left_shift
        x2 = (b + p["input2_offset"]) << self.left_shift
        term1 = multiply_by_quantized_multiplier(x1, p["input1_multiplier"], p["input1_shift"])
        term2 = multiply_by_quantized_multiplier(x2, p["input2_multiplier"], p["input2_shift"])
        square = np.square(term1 - term2)
        y = multiply_by_quantized_multiplier(square, p["output_multiplier"], p["output_shift"]) + p["output_offset"]
        limits = np.iinfo(self.output.dtype.numpy)
        return np.clip(y, limits.min, limits.max)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        a, b = inputs
        assert a is not None
        assert b is not None
        return (np.square(a - b),)


@operator("PRELU")
class Prelu(Binary):
    """x where it is positive, alpha * x elsewhere. Source: TFLM prelu_common.cc and reference/prelu.h."""

    tflite = TFLiteForm(54, range(1, 2))

    def _factors(self) -> tuple[float, float]:
        """From stored values, and from their products with stored alphas, to the output's steps."""
        x, alpha, y = self.input(0).scale, self.input(1).scale, self.output.scale
        return x / y, x * alpha / y

    def problems(self) -> Iterator[str]:
        found = list(super().problems())
        yield from found or factor_problems(max(self._factors()))

    def scales(self) -> dict[str, int]:
        """The kernel's offsets, multipliers and shifts: 1 for positive, 2 for negative inputs."""
        (m1, s1), (m2, s2) = map(quantize_multiplier, self._factors())
        return {
            "input1_offset": -self.input(0).zero_point,
            "input2_offset": -self.input(1).zero_point,
            "output_offset": self.output.zero_point,
            "multiplier1": m1,
            "shift1": s1,
            "multiplier2": m2,
            "shift2": s2,
        }

    def combine(self, a: Int64, b: Int64) -> Int64:
        p = self.scales()
        value, alpha = a + p["input1_offset"], b + p["input2_offset"]
        positive = multiply_by_quantized_multiplier(value, p["multiplier1"], p["shift1"])
        negative = multiply_by_quantized_multiplier(value * alpha, p["multiplier2"], p["shift2"])
        return np.asarray(np.clip(np.where(value >= 0, positive, negative) + p["output_offset"], -128, 127))

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        x, alpha = inputs
        assert x is not None
        assert alpha is not None
        return (np.where(x >= 0, x, x * alpha),)


@operator("DIV")
class Div(Arithmetic):
    """Quotient by a reciprocal from Newton-Raphson. Source: TFLM div.cc and reference/div.h.

    What C leaves undefined there is what its build for x86 gives: shifts of more than 31 places count modulo 32. A
    division by zero, which it does not allow, is one by the smallest step.
    """

    tflite = TFLiteForm(42, range(1, 3), 29, (ACTIVATION_FIELD,))

    @property
    def factor(self) -> float:
        """From the quotient of the stored values to the output's steps."""
        return self.input(0).scale / (self.input(1).scale * self.output.scale)

    def problems(self) -> Iterator[str]:
        found = list(super().problems())
        yield from found
        if not found and not (0 < self.factor < 2**22):
            yield f"the scales are too far apart (a factor of {self.factor:g})"

    def scales(self) -> dict[str, int]:
        multiplier, shift = quantize_multiplier(self.factor)
        return {
            "input1_offset": -self.input(0).zero_point,
            "input2_offset": -self.input(1).zero_point,
            "output_offset": self.output.zero_point,
            "output_multiplier": multiplier,
            "output_shift": shift,
        }

    def combine(self, a: Int64, b: Int64) -> Int64:
        p = self.scales()
        divisor = b + p["input2_offset"]
        dividend = (a + p["input1_offset"]) * np.where(divisor < 0, -1, 1)
        bits = np.frexp(np.maximum(np.abs(divisor), 1))[1].astype(np.int64)
        headroom = 31 - np.frexp(np.where(dividend < 0, -dividend - 1, dividend))[1].astype(np.int64)
        quotient = saturating_rounding_doubling_high_mul(dividend << headroom, reciprocals()[np.abs(divisor)])
        scaled = saturating_rounding_doubling_high_mul(quotient, p["output_multiplier"])
        return self.clamped(_divide_modulo(scaled, bits - 1 + headroom - p["output_shift"]) + p["output_offset"])

    def real(self, a: Array, b: Array) -> Array:
        return np.asarray(a / b)


@cache
def reciprocals() -> Int64:
    """1 / x in Q0 times the power of two that brings it to (1/2, 1], for x from 0 to 255; 0 counts as 1."""
    x = np.maximum(np.arange(256), 1)
    bits = np.frexp(x)[1]
    return one_over_one_plus_x((x << (32 - bits)) - (1 << 31))


def _divide_modulo(x: Int64, exponent: Int64) -> Int64:
    """round(x / 2^exponent), ties away from zero; from 32 on as x86 has it, where shifts count modulo 32."""
    mask = np.where(exponent < 32, (1 << np.minimum(exponent, 32)) - 1, -1)
    return (x >> (exponent & 31)) + ((x & mask) > (mask >> 1) + (x < 0))


@variant(SquaredDifference)
class SquaredDifferenceElements(Elementwise):
    """Both inputs and the square rescaled with SMMLAR, about 17 instructions per element."""

    name, header, function = "elements", "nn_squared_difference_s8.h", "nn_squared_difference_s8"
    quarters, code_bytes = 69, 280
    cycles_per_instruction = 1.05

    def parameters(self, op: SquaredDifference) -> dict[str, Any]:
        return op.scales()


@variant(Prelu)
class PreluElements(Elementwise):
    """The input or its product with alpha rescaled with SMMLAR, about 13 instructions per element."""

    name, header, function = "elements", "nn_prelu_s8.h", "nn_prelu_s8"
    quarters, code_bytes = 53, 260
    cycles_per_instruction = 1.2

    def parameters(self, op: Prelu) -> dict[str, Any]:
        return op.scales()


@variant(Div)
class DivElements(Rescaled):
    """Reciprocals from a table of int32, about 52 instructions per element."""

    name, header, function = "elements", "nn_div_s8.h", "nn_div_s8"
    quarters, code_bytes = 208, 300

    def constants(self, op: Binary) -> tuple[Constant, ...]:
        table = Constant("reciprocals", reciprocals().astype(np.int32), "1 / x, normalised, 31 fractional bits")
        return (*super().constants(op), table)

    def parameters(self, op: Arithmetic) -> dict[str, Any]:
        return super().parameters(op) | {"reciprocals": Ref("constant", "reciprocals")}


variant(SquaredDifference, Prelu, Div)(Table)
