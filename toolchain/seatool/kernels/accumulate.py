"""ADD_N and CUMSUM on int8: whole sums of stored values, each rescaled once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from seatool.ir import Array, Attributes, DType
from seatool.kernels.base import (
    Call,
    Constant,
    Cost,
    Field,
    Operator,
    QuantizationRule,
    Ref,
    TFLiteForm,
    Variant,
    operator,
    require_int8,
    variant,
)
from seatool.kernels.fixed_point import Int64, multiply_by_quantized_multiplier, quantize_multiplier, wrap_int32

_LEFT_SHIFT = 19
"""TFLM scales stored values by 2^20 and halves them."""
_MAX_INPUTS = 64
"""Room in the kernel's arguments (NN_ADD_N_INPUTS)."""


class Accumulation(Operator):
    """Sums of stored values without their zero point. TFLM starts them at the zero point's negative instead of 0."""

    def factor_problems(self) -> Iterator[str]:
        """What is wrong with the scales."""
        factor = self._factor
        if not 0 < factor < 1 or quantize_multiplier(factor)[1] > 0:
            yield f"the output's scale {self.output.scale:g} is too small for that of the input {self.input(0).scale:g}"

    @property
    def _factor(self) -> float:
        """From sums times 2^19 to the output's steps."""
        return self.input(0).scale / ((1 << _LEFT_SHIFT) * self.output.scale)

    @property
    def rescaling(self) -> dict[str, int]:
        """The kernel's offsets, multiplier and shift."""
        multiplier, shift = quantize_multiplier(self._factor)
        return {
            "input_offset": -self.input(0).zero_point,
            "output_offset": self.output.zero_point,
            "output_multiplier": multiplier,
            "output_shift": shift,
        }

    def rescaled(self, total: Int64) -> Array:
        """The output for sums; those of 4096 and more wrap, as in TFLM."""
        p = self.rescaling
        wrapped = wrap_int32(total << _LEFT_SHIFT)
        y = multiply_by_quantized_multiplier(wrapped, p["output_multiplier"], p["output_shift"]) + p["output_offset"]
        return np.asarray(np.clip(y, -128, 127).astype(np.int8))


@operator("ADD_N")
class AddN(Accumulation):
    """Sum of tensors of one shape. Source: TFLM add_n.cc and reference/add_n.h."""

    most_inputs = None
    tflite = TFLiteForm(106, range(1, 2), 82)
    limits = f"2 to {_MAX_INPUTS} inputs, quantized alike"
    quantization = QuantizationRule(same_inputs=True)

    def problems(self) -> Iterator[str]:
        parts = [self.input(i) for i in range(len(self.inputs))]
        found = list(require_int8(self, *parts, self.output))
        if not 2 <= len(parts) <= _MAX_INPUTS:
            found.append(f"{len(parts)} inputs; 2 to {_MAX_INPUTS} are supported")
        if any(t.shape != self.output.shape for t in parts):
            found.append("inputs and output have different shapes")
        if any(t.quant != parts[0].quant for t in parts):
            found.append("the inputs have different quantization, which TFLM does not take")
        yield from found or self.factor_problems()

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        zero = self.input(0).zero_point
        total = sum((x.astype(np.int64) - zero for x in inputs if x is not None), start=np.int64(-zero))
        return (self.rescaled(np.asarray(total)),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        return (np.asarray(sum(x for x in inputs if x is not None), np.float32),)


@dataclass(frozen=True)
class CumsumAttributes(Attributes):
    """CumsumOptions of the TFLite schema."""

    exclusive: bool = False
    reverse: bool = False


@operator("CUMSUM")
class Cumsum(Accumulation):
    """Sums of all values so far along an axis. Source: TFLM cumsum.cc and reference/cumsum.h."""

    most_inputs = 2
    tflite = TFLiteForm(
        128, range(1, 2), 102, (Field("exclusive", 0, "bool", False), Field("reverse", 1, "bool", False))
    )
    attributes_type = CumsumAttributes
    limits = "constant axis"

    @property
    def axis(self) -> int:
        data = self.input(1).data
        assert data is not None
        return int(data.reshape(-1)[0]) % len(self.input(0).shape)

    def problems(self) -> Iterator[str]:
        x, axis = self.input(0), self.input(1)
        found = list(require_int8(self, x, self.output))
        rank = len(x.shape)
        if axis.data is None or axis.dtype is not DType.INT32 or axis.elements != 1:
            found.append("the axis is not one constant int32")
        elif not -rank <= int(axis.data.reshape(-1)[0]) < rank:
            found.append(f"axis {int(axis.data.reshape(-1)[0])} does not exist in {rank} dimensions")
        if x.shape != self.output.shape:
            found.append("input and output have different shapes")
        yield from found or self.factor_problems()

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        start = -self.input(0).zero_point
        return (self.rescaled(self._sums(x.astype(np.int64) + start) + start),)

    def _sums(self, x: Array) -> Array:
        a = self.attributes
        turned = np.flip(x, self.axis) if a.reverse else x
        sums = np.cumsum(turned, axis=self.axis, dtype=x.dtype)
        sums = sums - turned if a.exclusive else sums
        return np.flip(sums, self.axis) if a.reverse else sums

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        return (self._sums(x),)

    def extents(self) -> tuple[int, int, int]:
        """Elements around the axis, along it, and inside it."""
        shape = self.input(0).shape
        return math.prod(shape[: self.axis]), shape[self.axis], math.prod(shape[self.axis + 1 :])


@variant(AddN)
class AddNElements(Variant):
    """One pass over all inputs."""

    name, header = "elements", "nn_add_n_s8.h"

    def cost(self, op: AddN) -> Cost:
        return Cost(op.output.elements * (15 + 2 * len(op.inputs)) + 20, 0, 80 + 12 * len(op.inputs))

    def constants(self, op: AddN) -> tuple[Constant, ...]:
        parts = enumerate(op.input(i) for i in range(len(op.inputs)))
        return tuple(Constant(f"input{i}", t.data) for i, t in parts if t.data is not None)

    def call(self, op: AddN) -> Call:
        refs = tuple(
            Ref("constant", f"input{i}") if op.input(i).is_constant else Ref("input", i) for i in range(len(op.inputs))
        )
        fields = {
            "inputs": refs,
            "output": Ref("output"),
            "count": len(refs),
            "elements": op.output.elements,
            **op.rescaling,
        }
        return Call("nn_add_n_s8", "nn_add_n_s8_args", fields)

    def inplace(self, op: AddN) -> tuple[int, ...]:
        return tuple(i for i in range(len(op.inputs)) if not op.input(i).is_constant)


@variant(Cumsum)
class CumsumRows(Variant):
    """Along the axis, one line after the other."""

    name, header = "lines", "nn_cumsum_s8.h"

    def cost(self, op: Cumsum) -> Cost:
        outer, _, inner = op.extents()
        return Cost(op.output.elements * 14 + outer * inner * 10 + 20, 0, 140)

    def call(self, op: Cumsum) -> Call:
        outer, size, inner = op.extents()
        fields = {
            "input": Ref("input"),
            "output": Ref("output"),
            "outer": outer,
            "size": size,
            "inner": inner,
            "exclusive": op.attributes.exclusive,
            "reverse": op.attributes.reverse,
            **op.rescaling,
        }
        return Call("nn_cumsum_s8", "nn_cumsum_s8_args", fields)

    def inplace(self, op: Cumsum) -> tuple[int, ...]:
        return (0,)
