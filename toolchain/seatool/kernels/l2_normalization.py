"""L2_NORMALIZATION over the last axis, int8 to int8."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from seatool.ir import Array, Attributes, Quantization
from seatool.kernels.base import (
    Activation,
    Call,
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
from seatool.kernels.fixed_point import inverse_square_root, multiply_by_quantized_multiplier

_OUTPUT = Quantization.per_tensor(1 / 128, 0)
_OUTPUT_BITS = 7
_MOST = ((1 << 31) - 1) // 255**2
"""Elements of a row whose squares always fit their sum."""


@dataclass(frozen=True)
class L2NormalizationAttributes(Attributes):
    """L2NormOptions of the TFLite schema."""

    fused_activation_function: Activation = Activation.NONE


@operator("L2_NORMALIZATION")
class L2Normalization(Operator):
    """x divided by the root of the sum of its squares over the last axis. Source: TFLM l2norm.cc and
    integer_ops/l2normalization.h."""

    tflite = TFLiteForm(11, range(1, 3), 12, (Field("fused_activation_function", 0, "int8"),))
    attributes_type = L2NormalizationAttributes
    quantization = QuantizationRule(fixed_output=_OUTPUT)
    limits = f"over the last axis, up to {_MOST} elements; up to 4 dimensions; no fused activation"

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Attributes:
        return L2NormalizationAttributes(Activation(raw["fused_activation_function"]))

    def problems(self) -> Iterator[str]:
        x = self.input(0)
        yield from require_int8(self, x, self.output)
        if x.shape != self.output.shape:
            yield "input and output have different shapes"
        if not 1 <= len(x.shape) <= 4 or x.shape[-1] > _MOST:
            yield f"shape {list(x.shape)} is not of 1 to 4 dimensions, the last of up to {_MOST} elements"
        if self.output.quant is not None and self.output.quant != _OUTPUT:
            yield "the output's quantization is not scale 1/128, zero point 0"
        if self.attributes.fused_activation_function is not Activation.NONE:
            yield "a fused activation is not supported"

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        (x,) = inputs
        assert x is not None
        value = x.astype(np.int64) - self.input(0).zero_point
        squares = np.square(value).sum(axis=-1)
        inverse = np.array([inverse_square_root(int(s)) for s in squares.reshape(-1)], np.int64)
        multiplier, shift = inverse.reshape(*squares.shape, 1, 2).transpose(-1, *range(squares.ndim + 1))
        y = multiply_by_quantized_multiplier(value, multiplier, shift + _OUTPUT_BITS)
        return (np.clip(y, -128, 127).astype(np.int8),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        (x,) = inputs
        assert x is not None
        norm = np.sqrt(np.maximum(np.square(x).sum(axis=-1, keepdims=True), 1e-6))
        return ((x / norm).astype(np.float32),)


@variant(L2Normalization)
class L2NormalizationRows(Variant):
    """The inverse root by five Newton-Raphson steps per row."""

    name, header = "rows", "nn_l2_normalization_s8.h"

    def cost(self, op: L2Normalization) -> Cost:
        elements = op.output.elements
        return Cost(elements * 26 + elements // op.output.shape[-1] * 290, 0, 400)

    def call(self, op: L2Normalization) -> Call:
        depth = op.output.shape[-1]
        fields = {
            "input": Ref("input"),
            "output": Ref("output"),
            "rows": op.output.elements // depth,
            "depth": depth,
            "input_offset": -op.input(0).zero_point,
        }
        return Call("nn_l2_normalization_s8", "nn_l2_normalization_s8_args", fields)

    def inplace(self, op: L2Normalization) -> tuple[int, ...]:
        return (0,)
