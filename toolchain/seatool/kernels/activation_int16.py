"""ABS, RELU, RELU6, LEAKY_RELU, LOGISTIC and TANH on int16: kernels and how they are called."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from seatool.kernels.activation import ActivationFunction, LeakyRelu, Logistic, Relu, Relu6, Tanh
from seatool.kernels.base import Call, Constant, Cost, Ref, Variant, require_int16, variant, wide
from seatool.kernels.fixed_point import Int64, quantize_multiplier, round_half_away
from seatool.kernels.sigmoid import sigmoid, sigmoid_table, tanh
from seatool.kernels.unary import Abs


class _Wide(ActivationFunction):
    def type_problems(self) -> Iterator[str]:
        yield from require_int16(self.input(0), self.output)

    @property
    def ratio(self) -> float:
        """From stored inputs to the output's steps."""
        return self.input(0).scale / self.output.scale

    @property
    def slope(self) -> float:
        """Of negative inputs."""
        return 1.0

    @property
    def lowest(self) -> int:
        """The smallest output."""
        return -32768


@wide(Relu)
class ReluInt16(_Wide, Relu):
    """max(x, 0), rescaled. Source: TFLM activations_common.cc."""

    @property
    def lowest(self) -> int:
        return 0


@wide(Relu6)
class Relu6Int16(_Wide, Relu6):
    """min(max(x, 0), 6), not rescaled. Source: TFLM activations_common.cc."""


@wide(LeakyRelu)
class LeakyReluInt16(_Wide, LeakyRelu):
    """x where it is positive, alpha * x elsewhere. Source: TFLM reference/leaky_relu.h."""

    @property
    def slope(self) -> float:
        return np.float32(self.attributes.alpha).item()


@variant(ReluInt16, LeakyReluInt16)
class LeakyReluElements(Variant):
    """Each value rescaled by one of two factors, about 16 instructions per element, 10 where they are one."""

    name, header = "elements_s16", "nn_leaky_relu_s16.h"
    cycles_per_instruction = 1.0

    def cost(self, op: _Wide) -> Cost:
        return Cost(op.output.elements * (10 if op.slope == 1 else 16) + 20, 0, 400)

    def inplace(self, op: _Wide) -> tuple[int, ...]:
        return (0,)

    def call(self, op: _Wide) -> Call:
        multiplier1, shift1 = quantize_multiplier(op.ratio)
        multiplier2, shift2 = quantize_multiplier(abs(op.input(0).scale * op.slope / op.output.scale))
        fields = {
            "input": Ref("input"),
            "output": Ref("output"),
            "count": op.output.elements,
            "multiplier1": multiplier1,
            "shift1": shift1,
            "multiplier2": multiplier2,
            "shift2": shift2,
            "sign2": -1 if op.slope < 0 else 1,
            "output_min": op.lowest,
        }
        return Call("nn_leaky_relu_s16", "nn_leaky_relu_s16_args", fields)


@wide(Abs)
class AbsInt16(_Wide, Abs):
    """The magnitude, rescaled. Source: TFLM elementwise.cc."""


@variant(AbsInt16)
class AbsElements(Variant):
    """Each magnitude rescaled, about 12 instructions per element."""

    name, header = "elements_s16", "nn_abs_s16.h"

    def cost(self, op: AbsInt16) -> Cost:
        return Cost(op.output.elements * 12 + 20, 0, 200)

    def inplace(self, op: AbsInt16) -> tuple[int, ...]:
        return (0,)

    def call(self, op: AbsInt16) -> Call:
        multiplier, shift = quantize_multiplier(op.ratio)
        fields = {
            "input": Ref("input"),
            "output": Ref("output"),
            "count": op.output.elements,
            "multiplier": multiplier,
            "shift": shift,
        }
        return Call("nn_abs_s16", "nn_abs_s16_args", fields)


@variant(Relu6Int16)
class Relu6Elements(Variant):
    """Each value clamped, about 7 instructions per element."""

    name, header = "clamp_s16", "nn_clamp_elements_s16.h"

    def cost(self, op: Relu6Int16) -> Cost:
        return Cost(op.output.elements * 7 + 20, 0, 60)

    def inplace(self, op: Relu6Int16) -> tuple[int, ...]:
        return (0,)

    def call(self, op: Relu6Int16) -> Call:
        fields = {
            "input": Ref("input"),
            "output": Ref("output"),
            "count": op.output.elements,
            "output_min": 0,
            "output_max": op.six,
        }
        return Call("nn_clamp_elements_s16", "nn_clamp_elements_s16_args", fields)


def _log2(scale: float) -> int | None:
    """The power of 2 that TFLM takes a scale for, with its float32 logarithm; None if it takes it for none."""
    logarithm = np.float32(math.log(scale)) * (np.float32(1) / np.float32(math.log(2)))
    power = round_half_away(float(logarithm))
    return power if abs(logarithm - np.float32(power)) < np.float32(1e-3) else None


class _SigmoidInt16(_Wide):
    is_tanh: ClassVar[bool]

    def scale_problems(self) -> Iterator[str]:
        if _log2(self.output.scale) != -15:
            yield f"the output's scale is {self.output.scale:g}, not 1/32768"
        if not 2.0**-31 <= self.input(0).scale * 12288 < 32768:
            yield f"the input's scale {self.input(0).scale:g} is too small or too large"

    def factor(self) -> tuple[int, int]:
        """Multiplier and shift to the right from inputs to steps of the table. Source: TFLM logistic_common.cc."""
        power = _log2(self.input(0).scale)
        if power == -12 or (self.is_tanh and power == -11):
            return 3 << (12 + power), 0
        multiplier, shift = self.input(0).scale * 12288, 0
        while multiplier <= 32767 / 2 and shift <= 30:
            multiplier, shift = multiplier * 2, shift + 1
        return int(multiplier), shift


@wide(Logistic)
class LogisticInt16(_SigmoidInt16, Logistic):
    """1 / (1 + exp(-x)). Source: TFLM integer_ops/logistic.h."""

    is_tanh = False

    def function(self, x: Int64) -> Int64:
        return sigmoid(x, self.factor())


@wide(Tanh)
class TanhInt16(_SigmoidInt16, Tanh):
    """Hyperbolic tangent. Source: TFLM integer_ops/tanh.h."""

    is_tanh = True

    def function(self, x: Int64) -> Int64:
        return tanh(x, self.factor())


@variant(LogisticInt16, TanhInt16)
class SigmoidElements(Variant):
    """Interpolated between values of a table, about 20 instructions per element."""

    name, header = "elements_s16", "nn_sigmoid_elements_s16.h"

    def cost(self, op: _SigmoidInt16) -> Cost:
        return Cost(op.output.elements * 20 + 20, 0, 120)

    def constants(self, op: _SigmoidInt16) -> tuple[Constant, ...]:
        return (Constant("table", sigmoid_table(), "sigmoid(i / 24)"),)

    def inplace(self, op: _SigmoidInt16) -> tuple[int, ...]:
        return (0,)

    def call(self, op: _SigmoidInt16) -> Call:
        multiplier, shift = op.factor()
        fields = {
            "input": Ref("input"),
            "output": Ref("output"),
            "table": Ref("constant", "table"),
            "count": op.output.elements,
            "multiplier": multiplier,
            "shift": shift,
            "is_tanh": op.is_tanh,
        }
        return Call("nn_sigmoid_elements_s16", "nn_sigmoid_elements_s16_args", fields)
