"""LOG_SOFTMAX over the last axis, int8 to int8."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property

import numpy as np

from seatool.ir import Array, Quantization
from seatool.kernels.base import (
    Call,
    Constant,
    Cost,
    Operator,
    QuantizationRule,
    Ref,
    TFLiteForm,
    Variant,
    operator,
    require_int8,
    variant,
)
from seatool.kernels.fixed_point import (
    Int64,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    rounding_divide_by_pot,
)
from seatool.kernels.gemmlowp import exp_on_negative_values, log

_INPUT_BITS = 5
"""Integer bits of differences, and of the logarithm."""
_SUM_BITS = 12
"""Integer bits of the sum of exponentials: 4,096 of them always fit."""
_OUTPUT = Quantization.per_tensor(16 / 256, 127)


@operator("LOG_SOFTMAX")
class LogSoftmax(Operator):
    """x less the logarithm of the sum of exp(x) over the last axis. Source: TFLM log_softmax.cc and
    reference/log_softmax.h."""

    tflite = TFLiteForm(50, range(1, 3), 36)
    limits = "over the last axis, up to 4095 elements"
    quantization = QuantizationRule(fixed_output=_OUTPUT)

    def problems(self) -> Iterator[str]:
        x = self.input(0)
        found = list(require_int8(self, x, self.output))
        if x.shape != self.output.shape:
            found.append("input and output have different shapes")
        if not x.shape or x.shape[-1] >= 1 << _SUM_BITS:
            found.append(f"shape {list(x.shape)} has no last axis of up to 4095 elements")
        yield from found
        if not found:
            if self.output.quant != _OUTPUT:
                yield "the output's quantization is not scale 1/16, zero point 127"
            if self._factor <= 1 or not self._reverse_factor < 1:
                yield f"the input's scale {x.scale:g} is too small"

    @property
    def _factor(self) -> float:
        """From a difference of stored inputs to Q5."""
        return min(self.input(0).scale * (1 << (31 - _INPUT_BITS)), (1 << 31) - 1.0)

    @property
    def _reverse_factor(self) -> float:
        """Roughly the inverse, as TFLM has it."""
        multiplier, shift = quantize_multiplier(self._factor)
        return (1 << (31 - shift)) / multiplier

    @cached_property
    def differences(self) -> Int64:
        """-d in Q5 for d = 0, 1, ... stored steps below the row's maximum, up to the last one that counts."""
        multiplier, shift = quantize_multiplier(self._factor)
        radius = math.floor(31 * (1 << 26) / 2.0**shift)
        return multiply_by_quantized_multiplier(-np.arange(min(radius, 255) + 1), multiplier, shift)

    @property
    def exponentials(self) -> Int64:
        """exp of :attr:`differences` in Q12."""
        return rounding_divide_by_pot(exp_on_negative_values(self.differences, _INPUT_BITS), _SUM_BITS)

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        (x,) = inputs
        assert x is not None
        count = len(self.differences)
        distance = x.max(axis=-1, keepdims=True).astype(np.int64) - x
        place = np.minimum(distance, count - 1)
        exponentials = np.where(distance < count, self.exponentials[place], 0)
        logarithm = log(exponentials.sum(axis=-1, keepdims=True), _SUM_BITS)
        y = rounding_divide_by_pot(self.differences[place] - logarithm, 22) + 127
        return (np.where(distance <= self._farthest(logarithm), np.clip(y, -128, 127), -128).astype(np.int8),)

    def _farthest(self, logarithm: Int64) -> Int64:
        """The largest distance to the maximum at which the difference less the logarithm does not overflow."""
        overflow = multiply_by_quantized_multiplier(logarithm - (1 << 31), *self.reverse)
        return -np.maximum(overflow, -len(self.differences)) - 1

    @property
    def reverse(self) -> tuple[int, int]:
        """Multiplier and shift from Q5 to stored steps."""
        return quantize_multiplier(self._reverse_factor)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        (x,) = inputs
        assert x is not None
        centred = x - x.max(axis=-1, keepdims=True)
        return ((centred - np.log(np.exp(centred).sum(axis=-1, keepdims=True))).astype(np.float32),)


@variant(LogSoftmax)
class LogSoftmaxRows(Variant):
    """exp from a table of int32, the logarithm by a Pade approximation."""

    name, header = "table_exp", "nn_log_softmax_s8.h"

    def cost(self, op: LogSoftmax) -> Cost:
        elements = op.output.elements
        return Cost(elements * 34 + elements // op.output.shape[-1] * 220, 0, 1150)

    def constants(self, op: LogSoftmax) -> tuple[Constant, ...]:
        return (
            Constant("exponentials", op.exponentials.astype(np.int32), "exp(-i * scale), 19 fractional bits"),
            Constant("differences", op.differences.astype(np.int32), "-i * scale, 26 fractional bits"),
        )

    def call(self, op: LogSoftmax) -> Call:
        depth = op.output.shape[-1]
        multiplier, shift = op.reverse
        fields = {
            "input": Ref("input"),
            "output": Ref("output"),
            "exponentials": Ref("constant", "exponentials"),
            "differences": Ref("constant", "differences"),
            "entries": len(op.differences),
            "reverse_multiplier": multiplier,
            "reverse_shift": shift,
            "rows": op.output.elements // depth,
            "depth": depth,
        }
        return Call("nn_log_softmax_s8", "nn_log_softmax_s8_args", fields)

    def inplace(self, op: LogSoftmax) -> tuple[int, ...]:
        return (0,)
