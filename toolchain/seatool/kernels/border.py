"""QUANTIZE and DEQUANTIZE: between float32, int8, int16 and int32, and from one scale to another."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np

from seatool.ir import Array, DType, Tensor, round_half_away
from seatool.kernels.base import (
    Admission,
    Call,
    Cost,
    Operator,
    Ref,
    TFLiteForm,
    Variant,
    operator,
    require_quantized,
    variant,
)
from seatool.kernels.fixed_point import (
    factor_problems,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    wrap_int32,
)
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
    """float32 or integers to integers. Source: TFLM quantize_common.cc, reference/quantize.h and requantize.h.

    From float, what does not fit int32 steps is undefined in TFLM; we cut it off, and NaN becomes the lowest value.
    """

    tflite = TFLiteForm(114, range(1, 4), 89)
    limits = "float32 to int8 or int16; int8, int16 and int32 to one another, but not int32 to int32"

    @property
    def from_float(self) -> bool:
        return self.input(0).dtype is DType.FLOAT32

    def type_problems(self) -> Iterator[str]:
        x, y = self.input(0), self.output
        found = [problem for t in (x, y) if t.dtype is not DType.FLOAT32 for problem in _integer_problems(t)]
        if y.dtype is DType.FLOAT32 or (x.dtype, y.dtype) in _NOT_IN_TFLM:
            found.append(f"{x.name} is {x.dtype.value}, {y.name} {y.dtype.value}; TFLM does not convert that")
        yield from found
        if not found and not self.from_float:
            yield from factor_problems(x.scale / y.scale)

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        (x,) = inputs
        assert x is not None
        zero, limits = self.output.zero_point, np.iinfo(self.output.dtype.numpy)
        if self.from_float:
            steps = x.astype(np.float32) / np.float32(self.output.scale)
            rounded = round_half_away(np.nan_to_num(steps, nan=-np.inf)) + zero
            return (np.clip(rounded, limits.min, limits.max).astype(limits.dtype),)
        stored = wrap_int32(x.astype(np.int64) - self.input(0).zero_point)
        y = wrap_int32(multiply_by_quantized_multiplier(stored, *self.multiplier) + zero)
        return (np.clip(y, limits.min, limits.max).astype(limits.dtype),)

    @property
    def multiplier(self) -> tuple[int, int]:
        """From stored integers to the output's steps."""
        return quantize_multiplier(self.input(0).scale / self.output.scale)


@operator("DEQUANTIZE")
class Dequantize(_Border):
    """int8 or int16 to float32. Source: TFLM dequantize.cc and reference/dequantize.h."""

    tflite = TFLiteForm(6, range(1, 5), 38)
    limits = "int8 or int16 to float32"

    def type_problems(self) -> Iterator[str]:
        yield from require_quantized(self, self.input(0))
        if self.output.dtype is not DType.FLOAT32:
            yield f"{self.output.name} is {self.output.dtype.value}, not float32"

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        (x,) = inputs
        assert x is not None
        steps = x.astype(np.int64) - self.input(0).zero_point
        return ((self.input(0).scale * steps).astype(np.float32),)


_INTEGERS = (DType.INT8, DType.INT16, DType.INT32)
_NOT_IN_TFLM = {(DType.FLOAT32, DType.INT32), (DType.INT32, DType.INT32)}


def _integer_problems(tensor: Tensor) -> Iterator[str]:
    if tensor.dtype not in _INTEGERS:
        yield f"{tensor.name} is {tensor.dtype.value}; only {', '.join(t.value for t in _INTEGERS)} are supported here"
    elif tensor.quant is None or tensor.quant.axis is not None:
        yield f"{tensor.name} has no per-tensor quantization"


class _Conversion(Variant):
    function: str
    per_element: int
    integers: DType
    """The type that is not float32."""

    def cost(self, op: _Border) -> Cost:
        return Cost(op.output.elements * self.per_element + 20, 0, 80)

    def call(self, op: _Border) -> Call:
        quantized = op.input(0) if op.output.dtype is DType.FLOAT32 else op.output
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
    integers = DType.INT8

    def admits(self, op: Quantize) -> Admission:
        if not op.from_float:
            return Admission(False, "the input is no float32")
        return Admission.when(op.output.dtype is self.integers, f"the output is not {self.integers.value}")

    def inplace(self, op: Quantize) -> tuple[int, ...]:
        """The output's bytes trail the input's floats."""
        return (0,)


@variant(Quantize)
class FloatToInt16(FloatToInt8):
    """Division and rounding on the FPU; from float32 to int16."""

    name, header, function = "from_float_s16", "nn_quantize_f32_s16.h", "nn_quantize_f32_s16"
    integers = DType.INT16


@variant(Quantize)
class Rescale(Variant):
    """One integer at a time, about 12 instructions per element."""

    name, header = "rescale", "nn_rescale.h"

    def admits(self, op: Quantize) -> Admission:
        return Admission.when(not op.from_float, "the input is float32")

    def cost(self, op: Quantize) -> Cost:
        return Cost(op.output.elements * 14 + 20, 0, 200)

    def inplace(self, op: Quantize) -> tuple[int, ...]:
        """Where the output's elements do not run ahead of the input's."""
        return (0,) if op.output.dtype.size <= op.input(0).dtype.size else ()

    def call(self, op: Quantize) -> Call:
        x, y, limits = op.input(0), op.output, np.iinfo(op.output.dtype.numpy)
        multiplier, shift = op.multiplier
        fields: dict[str, Any] = {
            "input": Ref("input"),
            "output": Ref("output"),
            "count": y.elements,
            "from": x.dtype.size,
            "to": y.dtype.size,
            "input_offset": -x.zero_point,
            "multiplier": multiplier,
            "shift": shift,
            "output_offset": y.zero_point,
            "output_min": int(limits.min),
            "output_max": int(limits.max),
        }
        return Call("nn_rescale_elements", "nn_rescale_args", fields)


@variant(Dequantize)
class Int8ToFloat(_Conversion):
    """One multiplication on the FPU."""

    name, header, function, per_element = "to_float", "nn_dequantize_s8_f32.h", "nn_dequantize_s8_f32", 7
    cycles_per_instruction = 1.6
    integers = DType.INT8

    def admits(self, op: Dequantize) -> Admission:
        return Admission.when(op.input(0).dtype is self.integers, f"the input is not {self.integers.value}")


@variant(Dequantize)
class Int16ToFloat(Int8ToFloat):
    """One multiplication on the FPU; from int16."""

    name, header, function = "to_float_s16", "nn_dequantize_s16_f32.h", "nn_dequantize_s16_f32"
    integers = DType.INT16


variant(Quantize)(Table)
variant(Quantize)(Clamp)
