"""SVDF (int8): a layer of rank-limited filters over the last inputs, which it remembers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from seatool.ir import Array, Attributes, DType, Tensor
from seatool.kernels.assembly import VECTOR_4
from seatool.kernels.base import (
    Activation,
    Call,
    Constant,
    Cost,
    Field,
    Operator,
    Ref,
    Shape,
    TFLiteForm,
    Variant,
    operator,
    require_int8,
    variant,
)
from seatool.kernels.fixed_point import (
    Int64,
    factor_problems,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    wrap_int32,
)
from seatool.kernels.weighted import output_blocks
from seatool.rounding import ceil_div

_STATES = {DType.INT8: (-128, 127), DType.INT16: (-(1 << 15), (1 << 15) - 1)}
_SCALES_TOLERANCE = 1e-5


@dataclass(frozen=True)
class SvdfAttributes(Attributes):
    """SVDFOptions of the TFLite schema."""

    rank: int
    fused_activation_function: Activation = Activation.NONE
    asymmetric_quantize_inputs: bool = False

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise ValueError(f"rank is {self.rank}")


@operator("SVDF")
class Svdf(Operator):
    """Each filter's product with the input joins its last ones; each unit sums these, weighted by age, over ``rank``
    filters. The fused activation is ignored, as in TFLM: the output's range stands for it. Source: TFLM svdf_common.cc.

    Inputs: x (batch, inputs), weights (filters, inputs), weights of time (filters, memory), bias (units), and the state
    (batch, filters * memory), int16 or int8.
    """

    tflite = TFLiteForm(
        27,
        range(1, 5),
        6,
        (
            Field("rank", 0, "int32"),
            Field("fused_activation_function", 1, "int8"),
            Field("asymmetric_quantize_inputs", 2, "bool", False),
        ),
    )
    attributes_type = SvdfAttributes
    most_inputs = 5
    state_inputs = (4,)
    limits = "int8 with a state of int16 or int8; no float models"

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Attributes:
        fields = dict(raw)
        return SvdfAttributes(fused_activation_function=Activation(fields.pop("fused_activation_function")), **fields)

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Inputs, filters, memory and units."""
        filters, inputs = self.input(1).shape
        return inputs, filters, self.input(2).shape[1], filters // int(self.attributes.rank)

    @property
    def state(self) -> Tensor:
        return self.input(4)

    def output_shapes(self) -> Sequence[Shape]:
        return [(self.input(0).shape[0], self.sizes[3]), *(self.state.shape for _ in self.outputs[1:])]

    def problems(self) -> Iterator[str]:
        x, weights, time, bias = (self.input(i) for i in range(4))
        yield from require_int8(self, x, self.output)
        if self.state.dtype not in _STATES or time.dtype is not self.state.dtype:
            types = self.state.dtype.value, time.dtype.value
            yield "the state is {}, the weights of time are {}; both must be int16, or both int8".format(*types)
        if (weights.dtype, bias.dtype) != (DType.INT8, DType.INT32):
            yield f"weights are {weights.dtype.value}, the bias is {bias.dtype.value}; int8 and int32 are supported"
        found = [f"{t.name} is not constant" for t in (weights, time, bias) if t.data is None]
        scaled = (weights, time, bias, self.state)
        found += [f"{t.name} has no scale" for t in scaled if t.quant is None or t.quant.axis is not None]
        if any(len(t.shape) != 2 for t in (x, weights, time)):
            found.append("input and weights must have 2 dimensions")
        if len(self.outputs) != 2:
            found.append("the state is not a variable of its own")
        yield from found or self._shape_problems()

    def float_problems(self) -> Iterator[str]:
        yield "float32 is not supported"

    def _shape_problems(self) -> Iterator[str]:
        (inputs, filters, memory, units), batches = self.sizes, self.input(0).shape[0]
        if filters % self.attributes.rank:
            yield f"{filters} filters of rank {self.attributes.rank} make no whole units"
        expected = {0: (batches, inputs), 2: (filters, memory), 3: (units,), 4: (batches, filters * memory)}
        for index, shape in expected.items():
            if self.input(index).shape != shape:
                yield f"{self.input(index).name} has shape {list(self.input(index).shape)}, not {list(shape)}"
        if self.output.shape != (expected_output := self.output_shapes()[0]):
            yield f"the output's shape is {list(self.output.shape)}, not {list(expected_output)}"
        time, bias = self.input(2), self.input(3)
        if abs(bias.scale - self.state.scale * time.scale) >= _SCALES_TOLERANCE:
            yield f"the scale of {bias.name} is not the state's times that of the weights of time"
        yield from factor_problems(max(self._factors()))

    def _factors(self) -> tuple[float, float]:
        """From sums over inputs to the state, and from sums over time to the output."""
        x, weights, time = (self.input(i).scale for i in range(3))
        return x * weights / self.state.scale, self.state.scale * time / self.output.scale

    @property
    def rescalings(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Multiplier and shift of both."""
        first, second = map(quantize_multiplier, self._factors())
        return first, second

    @cached_property
    def filters(self) -> Int64:
        """The weights, (filters, inputs)."""
        return self.constant(1).astype(np.int64)

    @cached_property
    def time(self) -> Int64:
        """The weights of time, (filters, memory)."""
        return self.constant(2).astype(np.int64)

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        x, _, _, bias, state = inputs
        assert x is not None
        assert bias is not None
        assert state is not None
        (_, filters, memory, units), (first, second) = self.sizes, self.rescalings
        batches, zero = x.shape[0], self.state.zero_point
        sums = (x.astype(np.int64) - self.input(0).zero_point) @ self.filters.T
        latest = np.clip(multiply_by_quantized_multiplier(wrap_int32(sums), *first), *_STATES[self.state.dtype]) + zero
        before = state.reshape(batches, filters, memory)[:, :, 1:]
        now = np.concatenate([before, latest[:, :, None].astype(self.state.dtype.numpy)], axis=2)
        weighted = ((now.astype(np.int64) - zero) * self.time).sum(axis=2)
        total = weighted.reshape(batches, units, -1).sum(axis=2) + bias.astype(np.int64)
        y = multiply_by_quantized_multiplier(wrap_int32(total), *second) + self.output.zero_point
        return np.clip(y, -128, 127).astype(np.int8), now.reshape(state.shape)

    def macs(self) -> int:
        return self.input(0).shape[0] * (self.filters.size + self.time.size)


def _int32(x: Int64) -> Array:
    return wrap_int32(x).astype(np.int32)


@variant(Svdf)
class SvdfPass(Variant):
    """Four filters at a time as FULLY_CONNECTED; the state moves on while it is summed."""

    name, header = "pass", "nn_svdf_s8.h"

    def cost(self, op: Svdf) -> Cost:
        (inputs, filters, memory, units), batches = op.sizes, op.input(0).shape[0]
        words = ceil_div(inputs, 4)
        products = 20 + 8 * words + ceil_div(filters, 4) * (50 + 23 * words) + filters * 22
        sums = filters * (24 + memory * (3 if op.state.dtype is DType.INT16 else 6)) + units * 24
        return Cost(batches * (products + sums), 8 * words, 400, (VECTOR_4,))

    def constants(self, op: Svdf) -> tuple[Constant, ...]:
        _, filters, _, units = op.sizes
        rows = np.pad(op.filters, ((0, -filters % 4), (0, 0)))
        folded = -op.input(0).zero_point * rows.sum(axis=1)
        of_state = op.state.zero_point * op.time.reshape(units, -1).sum(axis=1)
        return (
            Constant("weights", output_blocks(rows)),
            Constant("offsets", _int32(folded), "the input's offset times the sum of each filter's weights"),
            Constant("time", op.time.astype(op.state.dtype.numpy), "weights of time"),
            Constant("bias", _int32(op.constant(3).astype(np.int64) - of_state), "includes the state's offset"),
        )

    def call(self, op: Svdf) -> Call:
        (inputs, filters, memory, _), ((m1, s1), (m2, s2)) = op.sizes, op.rescalings
        low, high = _STATES[op.state.dtype]
        fields = {
            "input": Ref("input"),
            "state": Ref("output", 1),
            "output": Ref("output"),
            "scratch": Ref("scratch"),
            **{name: Ref("constant", name) for name in ("weights", "offsets", "time", "bias")},
            "batches": op.input(0).shape[0],
            "inputs": inputs,
            "filters": filters,
            "memory": memory,
            "rank": op.attributes.rank,
            "wide": op.state.dtype is DType.INT16,
            "state_multiplier": m1,
            "state_shift": s1,
            "state_min": low,
            "state_max": high,
            "state_offset": op.state.zero_point,
            "output_multiplier": m2,
            "output_shift": s2,
            "output_offset": op.output.zero_point,
        }
        return Call("nn_svdf_s8", "nn_svdf_s8_args", fields)
