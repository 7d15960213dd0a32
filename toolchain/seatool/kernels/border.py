"""QUANTIZE and DEQUANTIZE: between float32 and int8, and from one int8 scale to another."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np

from seatool.ir import Array, DType, round_half_away
from seatool.kernels.base import (
    Admission,
    Call,
    Cost,
    Operator,
    Ref,
    TFLiteForm,
    Variant,
    operator,
    require_int8,
    variant,
)
from seatool.kernels.fixed_point import factor_problems, multiply_by_quantized_multiplier, quantize_multiplier
from seatool.kernels.lookup_table import Clamp, Table


class _Border(Operator):
    """Changes the numbers' representation, not their meaning."""

    also_float = True

    def problems(self) -> Iterator[str]:
        if self.input(0).shape != self.output.shape:
            yield "input and output have different shapes"
        yield from self.type_problems()

    @abstractmethod
    def type_problems(self) -> Iterator[str]:
        """Element types that are not supported."""

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        (x,) = inputs
        assert x is not None
        return (x.astype(np.float32),)


@operator("QUANTIZE")
class Quantize(_Border):
    """float32 or int8 to int8. Source: TFLM quantize_common.cc, reference/quantize.h and requantize.h.

    From float, what does not fit int32 steps is undefined in TFLM; we cut it off, and NaN becomes the lowest value.
    """

    tflite = TFLiteForm(114, range(1, 4), 89)
    limits = "float32 or int8 to int8"

    @property
    def from_float(self) -> bool:
        return self.input(0).dtype is DType.FLOAT32

    def type_problems(self) -> Iterator[str]:
        found = list(require_int8(self, None if self.from_float else self.input(0), self.output))
        yield from found
        if not found and not self.from_float:
            yield from factor_problems(self.input(0).scale / self.output.scale)

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        (x,) = inputs
        assert x is not None
        zero = self.output.zero_point
        if self.from_float:
            steps = x.astype(np.float32) / np.float32(self.output.scale)
            rounded = round_half_away(np.nan_to_num(steps, nan=-np.inf)) + zero
            return (np.clip(rounded, -128, 127).astype(np.int8),)
        multiplier, shift = quantize_multiplier(self.input(0).scale / self.output.scale)
        y = multiply_by_quantized_multiplier(x.astype(np.int64) - self.input(0).zero_point, multiplier, shift)
        return (np.clip(y + zero, -128, 127).astype(np.int8),)


@operator("DEQUANTIZE")
class Dequantize(_Border):
    """int8 to float32. Source: TFLM dequantize.cc and reference/dequantize.h."""

    tflite = TFLiteForm(6, range(1, 5), 38)
    limits = "int8 to float32"

    def type_problems(self) -> Iterator[str]:
        yield from require_int8(self, self.input(0))
        if self.output.dtype is not DType.FLOAT32:
            yield f"{self.output.name} is {self.output.dtype.value}, not float32"

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        (x,) = inputs
        assert x is not None
        steps = x.astype(np.int64) - self.input(0).zero_point
        return ((self.input(0).scale * steps).astype(np.float32),)


class _Conversion(Variant):
    function: str
    per_element: int

    def cost(self, op: _Border) -> Cost:
        return Cost(op.output.elements * self.per_element + 20, 0, 80)

    def call(self, op: _Border) -> Call:
        quantized = op.output if op.output.dtype is DType.INT8 else op.input(0)
        fields: dict[str, Any] = {
            "input": Ref("input"),
            "output": Ref("output"),
            "count": op.output.elements,
            "scale": quantized.scale,
            "zero_point": quantized.zero_point,
        }
        return Call(self.function, f"{self.function}_args", fields)


@variant(Quantize)
class FloatToInt8(_Conversion):
    """Division and rounding on the FPU; from float32."""

    name, header, function, per_element = "from_float", "nn_quantize_f32_s8.h", "nn_quantize_f32_s8", 17
    cycles_per_instruction = 1.8

    def admits(self, op: Quantize) -> Admission:
        return Admission.when(op.from_float, "the input is int8")

    def inplace(self, op: Quantize) -> tuple[int, ...]:
        """The output's bytes trail the input's floats."""
        return (0,)


@variant(Dequantize)
class Int8ToFloat(_Conversion):
    """One multiplication on the FPU."""

    name, header, function, per_element = "to_float", "nn_dequantize_s8_f32.h", "nn_dequantize_s8_f32", 7
    cycles_per_instruction = 1.6


variant(Quantize)(Table)
variant(Quantize)(Clamp)
