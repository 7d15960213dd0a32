"""SOFTMAX over the last axis, int8 to int8 or int16; int16 to int16 is in softmax_int16.py."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from seatool.ir import Array, Attributes, DType, Graph, Op, Quantization
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
from seatool.kernels.fixed_point import (
    Int64,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    rounding_divide_by_pot,
    saturating_rounding_doubling_high_mul,
)
from seatool.kernels.gemmlowp import exp_on_negative_values, one_over_one_plus_x

_INPUT_BITS = 5
"""Integer bits of the argument of exp."""
_SUM_BITS = 12
"""Integer bits of the sum of exponentials: 4,096 of them always fit."""
TFLM_SUM_LIMIT = 512
"""TFLM aborts where the exponentials of a row, each at most 1, add up to this."""
_OUTPUT = Quantization.per_tensor(1 / 256, -128)
_INT16_ZERO = -32768
TOLERANCE = 0.001
"""Of the scale of int16, relative; TFLM's."""


@dataclass(frozen=True)
class SoftmaxAttributes(Attributes):
    """SoftmaxOptions of the TFLite schema."""

    beta: float = 1.0

    def __post_init__(self) -> None:
        if not math.isfinite(self.beta):
            raise ValueError(f"beta is {self.beta}")


@operator("SOFTMAX")
class Softmax(Operator):
    """exp(beta * x) divided by its sum over the last axis. Source: TFLM softmax_common.cc and reference/softmax.h.

    Where TFLM aborts (TFLM_SUM_LIMIT, which takes as many equal inputs) we give the limit, the lowest output.
    """

    tflite = TFLiteForm(25, range(1, 4), 9, (Field("beta", 0, "float32", 0.0),))
    attributes_type = SoftmaxAttributes
    limits = "over the last axis, up to 4095 elements"
    quantization = QuantizationRule(fixed_output=_OUTPUT)
    finer: ClassVar[type[Softmax]]
    """The class of instances from int8 to int16."""
    output_bits: ClassVar[int] = 8
    depth_limit: ClassVar[int] = (1 << _SUM_BITS) - 1

    @classmethod
    def of(cls, op: Op, graph: Graph) -> type[Operator]:
        source, target = (graph.tensors[str(names[0])].dtype for names in (op.inputs, op.outputs))
        return cls.finer if (source, target) == (DType.INT8, DType.INT16) else super().of(op, graph)

    def type_problems(self) -> Iterator[str]:
        """Element types and quantization that are not supported."""
        yield from require_int8(self, self.input(0), self.output)
        if self.output.quant != _OUTPUT:
            yield "the output's quantization is not scale 1/256, zero point -128"

    def problems(self) -> Iterator[str]:
        found = list(self.type_problems())
        if self.input(0).shape != self.output.shape:
            found.append("input and output have different shapes")
        if not self.input(0).shape:
            found.append("a scalar has no last axis")
        elif self.input(0).shape[-1] > self.depth_limit:
            depth = self.input(0).shape[-1]
            found.append(f"the last axis has {depth} elements; the sum of exp takes up to {self.depth_limit}")
        yield from found or self.scale_problems()

    def scale_problems(self) -> Iterator[str]:
        """What is wrong with the input's scale."""
        if self.input_factor() <= 1:
            yield f"beta times the input's scale, {self.attributes.beta * self.input(0).scale:g}, is too small"

    def input_factor(self) -> float:
        """From a difference of stored inputs to the argument of exp in Q5."""
        beta: float = np.float32(self.attributes.beta).item()
        return min(beta * self.input(0).scale * (1 << (31 - _INPUT_BITS)), (1 << 31) - 1.0)

    def exponentials(self) -> Int64:
        """exp(-d) in Q0 for d = 0, 1, ... steps below the row's maximum, up to the last one that counts."""
        multiplier, shift = quantize_multiplier(self.input_factor())
        radius = math.floor(31 * (1 << 26) / 2.0**shift)
        distances = np.arange(min(radius, 255) + 1)
        table = exp_on_negative_values(multiply_by_quantized_multiplier(-distances, multiplier, shift), _INPUT_BITS)
        return table[: int(np.flatnonzero(table)[-1]) + 1]

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        (x,) = inputs
        assert x is not None
        table = np.zeros(256, np.int64)
        counted = self.exponentials()
        table[: len(counted)] = counted
        wide = x.astype(np.int64)
        exponentials = table[wide.max(axis=-1, keepdims=True) - wide]
        total = rounding_divide_by_pot(exponentials, _SUM_BITS).sum(axis=-1, keepdims=True)
        bits = np.floor(np.log2(total)).astype(np.int64) + 1
        reciprocal = one_over_one_plus_x((total << (32 - bits)) - (1 << 31))
        share = saturating_rounding_doubling_high_mul(exponentials, reciprocal)
        shift, limits = _SUM_BITS - (32 - bits) + 31 - self.output_bits, np.iinfo(self.output.dtype.numpy)
        y = np.where(shift > 31, 0, rounding_divide_by_pot(share, np.minimum(shift, 31))) + limits.min
        return (np.clip(y, limits.min, limits.max).astype(limits.dtype),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        (x,) = inputs
        assert x is not None
        e = np.exp((x - x.max(axis=-1, keepdims=True)) * np.float32(self.attributes.beta))
        return ((e / e.sum(axis=-1, keepdims=True)).astype(np.float32),)


class FinerSoftmax(Softmax):
    """From int8 in 2^16 steps. Source: TFLM reference/softmax.h."""

    variants: ClassVar[list[Variant]] = []

    output_bits = 16

    def type_problems(self) -> Iterator[str]:
        yield from require_int8(self, self.input(0))
        y = self.output
        if y.quant is None or y.zero_point != _INT16_ZERO or not abs(y.scale * 65536 - 1) < TOLERANCE:
            yield "the int16 output's quantization is not scale 1/65536 (to 0.1 %), zero point -32768"


Softmax.finer = FinerSoftmax


@variant(Softmax, FinerSoftmax)
class SoftmaxRows(Variant):
    """exp from a table of int32, the reciprocal by Newton-Raphson."""

    name, header = "table_exp", "nn_softmax_s8.h"

    def cost(self, op: Softmax) -> Cost:
        elements = op.output.elements
        return Cost(elements * 45 + elements // op.output.shape[-1] * 110, 0, 400)

    def constants(self, op: Softmax) -> tuple[Constant, ...]:
        table = op.exponentials().astype(np.int32)
        return (Constant("exponentials", table, "exp(-i * scale * beta), 31 fractional bits"),)

    def call(self, op: Softmax) -> Call:
        depth = op.output.shape[-1]
        fields = {
            "input": Ref("input"),
            "output": Ref("output"),
            "exponentials": Ref("constant", "exponentials"),
            "entries": len(op.exponentials()),
            "rows": op.output.elements // depth,
            "depth": depth,
            "output_bits": op.output_bits,
        }
        return Call("nn_softmax_s8", "nn_softmax_s8_args", fields)

    def inplace(self, op: Softmax) -> tuple[int, ...]:
        return (0,) if op.output_bits == 8 else ()
