"""FULLY_CONNECTED (int8): meaning, kernel and how it is called."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seatool.ir import Array, Attributes
from seatool.kernels.assembly import VECTOR_4
from seatool.kernels.base import (
    Activation,
    Call,
    Constant,
    Cost,
    Field,
    QuantizationRule,
    Reading,
    Shape,
    TFLiteForm,
    Variant,
    operator,
    variant,
)
from seatool.kernels.weighted import (
    BUFFERS,
    WeightedOperator,
    channel_constants,
    output_blocks,
    vector_instructions,
)
from seatool.rounding import ceil_div


@dataclass(frozen=True)
class FullyConnectedAttributes(Attributes):
    """FullyConnectedOptions of the TFLite schema."""

    fused_activation_function: Activation = Activation.NONE
    weights_format: int = 0
    keep_num_dims: bool = False
    quantized_bias_type: int = 0


@operator("FULLY_CONNECTED")
class FullyConnected(WeightedOperator):
    """Matrix times vector(s). Source: TFLM integer_ops/fully_connected.h.

    Weights: (out channels, in channels). The input is read as rows of in channels whatever its shape.
    """

    tflite = TFLiteForm(
        9,
        range(1, 14),
        8,
        (
            Field("fused_activation_function", 0, "int8"),
            Field("weights_format", 1, "int8"),
            Field("keep_num_dims", 2, "bool", False),
            Field("quantized_bias_type", 4, "int8"),
        ),
    )
    attributes_type = FullyConnectedAttributes
    quantization = QuantizationRule(weights=1, weight_axis=0, bias=2)
    channel_axis = 0

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Attributes:
        fields = dict(raw)
        return FullyConnectedAttributes(Activation(fields.pop("fused_activation_function")), **fields)

    @property
    def depth(self) -> int:
        """Input channels."""
        return self.weights.shape[1]

    @property
    def batches(self) -> int:
        """Rows of the input."""
        return self.input(0).elements // self.depth

    def problems(self) -> Iterator[str]:
        found = list(self.weighted_problems())
        yield from found or self._bias_problems()
        if self.attributes.weights_format != 0:
            yield "the weights are stored in a shuffled format"
        if len(self.weights.shape) != 2:
            yield f"the weights have {len(self.weights.shape)} dimensions, not 2"
            return
        if self.input(0).elements % self.depth:
            yield f"the input's {self.input(0).elements} elements are no rows of {self.depth}"
            return
        if self.output.shape[-1:] != (self.out_channels,) or self.output.elements != self.batches * self.out_channels:
            yield f"the output's shape {list(self.output.shape)} is not {self.batches} rows of {self.out_channels}"

    def _bias_problems(self) -> Iterator[str]:
        """What TFLM checks where one scale serves all weights (GetQuantizedConvolutionMultipler)."""
        bias, quant = self.optional(self.bias_index), self.weights.quant
        if bias is None or quant is None or len(quant.scale) > 1:
            return
        scale = bias.quant.scale[0] if bias.quant else 0.0
        product = self.data.scale * quant.scale[0]
        if abs(product - scale) / self.output.scale > 0.02:
            yield f"the bias has the scale {scale:g}; the input's times the weights' is {product:g}"

    def output_shapes(self) -> Sequence[Shape]:
        around = self.input(0).shape[:-1] if self.attributes.keep_num_dims else (self.batches,)
        return [(*around, self.out_channels)]

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        x, weights, bias = (*inputs, None)[:3]
        assert x is not None
        assert weights is not None
        kind = self.exact_type()
        rows: Array = (x.reshape(-1, self.depth).astype(np.int32) + self.input_offset).astype(kind)
        columns: Array = weights.astype(kind).T
        return (self.requantize(rows @ columns, bias).reshape(self.output.shape),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        x, weights, bias = (*inputs, None)[:3]
        assert x is not None
        assert weights is not None
        rows: Array = x.reshape(-1, self.depth).astype(np.float32)
        return (self.finish_float(rows @ weights.astype(np.float32).T, bias).reshape(self.output.shape),)

    def macs(self) -> int:
        return self.batches * math.prod(self.weights.shape)


@variant(FullyConnected)
class FullyConnectedBlocks(Variant):
    """Four outputs at a time; the input is widened once, the weights are read once, in order."""

    name, header = "blocks", "nn_fully_connected_s8.h"

    def cost(self, op: FullyConnected) -> Cost:
        instructions = op.batches * vector_instructions(op, op.depth)
        return Cost(instructions, 8 * ceil_div(op.depth, 4), 450, (VECTOR_4,))

    def reading(self, op: FullyConnected) -> Reading:
        return Reading(passes=op.batches)

    def constants(self, op: FullyConnected) -> tuple[Constant, ...]:
        return channel_constants(op, output_blocks(op.filters))

    def call(self, op: FullyConnected) -> Call:
        low, high = op.output_range
        fields = {
            **BUFFERS,
            "batches": op.batches,
            "in_channels": op.depth,
            "out_channels": op.out_channels,
            "output_offset": op.output.zero_point,
            "output_min": low,
            "output_max": high,
            "requantize": op.requantize_form,
        }
        return Call("nn_fully_connected_s8", "nn_fully_connected_args", fields)
