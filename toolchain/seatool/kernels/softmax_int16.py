"""SOFTMAX over the last axis, int16 to int16."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import numpy.typing as npt

from seatool.ir import Array, round_half_away
from seatool.kernels.base import Call, Constant, Cost, Ref, Variant, require_int16, variant, wide
from seatool.kernels.fixed_point import Int64, multiply_by_quantized_multiplier, quantize_multiplier
from seatool.kernels.softmax import TOLERANCE, Softmax

_STEPS = 512
_RANGE = 65535
_DEPTH = 65536
"""Exponentials of 15 bits whose sum fits int32."""
_Float = npt.NDArray[np.float32]


@wide(Softmax)
class SoftmaxInt16(Softmax):
    """exp and the reciprocal from tables of 513 values, interpolated. Source: TFLM reference/softmax.h (SoftmaxInt16)
    and softmax_common.cc."""

    output_bits = 16
    depth_limit = _DEPTH

    def type_problems(self) -> Iterator[str]:
        found = list(require_int16(self.input(0), self.output))
        yield from found
        if not found and not abs(self.output.scale * 32768 - 1) < TOLERANCE:
            yield "the output's quantization is not scale 1/32768 (to 0.1 %), zero point 0"

    def scale_problems(self) -> Iterator[str]:
        if not 0 < self.input_factor() < (1 << 31) / _RANGE:
            yield f"beta times the input's scale, {self.attributes.beta * self.input(0).scale:g}, is too large"

    def input_factor(self) -> float:
        """From a difference of stored inputs to steps of 10 / 65535."""
        beta: float = np.float32(self.attributes.beta).item()
        return self.input(0).scale * beta / (10.0 / _RANGE)

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        (x,) = inputs
        assert x is not None
        distances = x.astype(np.int64) - x.max(axis=-1, keepdims=True)
        scaled = multiply_by_quantized_multiplier(distances, *quantize_multiplier(self.input_factor()))
        powers = _look_up(exponentials(), np.clip(scaled + 32767, -32768, 32767))
        total = powers.sum(axis=-1, keepdims=True)
        bits = np.floor(np.log2(total)).astype(np.int64) + 1
        fraction = (((total << (31 - bits)) + (1 << 13)) >> 14) - (1 << 15) - (1 << 16)
        scale = _look_up(reciprocals(), np.clip(fraction, -32768, 32767))
        right = bits - 1
        y = (powers * scale + (np.int64(1) << (right - 1))) >> right
        return (np.clip(y, 0, 32767).astype(np.int16),)


def _look_up(table: Int64, x: Int64) -> Int64:
    """Between the entries on a straight line. Source: LUTLookup in TFLite's internal/common.h."""
    index = 256 + (x >> 7)
    base, slope = table[index], table[index + 1] - table[index]
    return np.asarray(base + ((slope * (x & 0x7F) + 64) >> 7))


@cache
def exponentials() -> Int64:
    """exp(x) from -10 to 0."""
    return _table(np.float32(10) / np.float32(_RANGE), 32767, lambda x: np.exp(x.astype(np.float64)))


@cache
def reciprocals() -> Int64:
    """1 / (1 + x) from 0 to 1."""
    one = np.float32(1)
    return _table(one / np.float32(_RANGE), -32768, lambda x: one / (one + x))


def _table(scale: np.float32, zero_point: int, function: Callable[[_Float], Array]) -> Int64:
    """513 values with 15 fractional bits, in float32 arithmetic as TFLM computes them: each is moved by half of the
    error that the straight line to the next has in the middle. Source: LUTPopulateInt16 in internal/common.h."""
    half = np.float32(2)
    low, high = (scale * np.float32(end - zero_point) for end in (-32768, 32767))
    step = (high - low) / np.float32(_STEPS)
    output_scale = half / np.float32(_RANGE)
    inverse = np.float32(_RANGE + 1) / (output_scale * np.float32(32767) - output_scale * np.float32(-32768))
    starts = np.arange(_STEPS + 1, dtype=np.float32)
    x = low + starts[:-1] * step

    def steps(at: _Float) -> _Float:
        return np.asarray(function(at).astype(np.float32) * inverse, np.float32)

    here, there, middle = steps(x), steps(low + starts[1:] * step), steps(x + step / half)
    rounded = round_half_away(here)
    line = round_half_away((there + rounded.astype(np.float32)) / half)
    bias = round_half_away((line - round_half_away(middle)).astype(np.float32) / half)
    last = round_half_away(steps(np.array([high], np.float32)))
    return np.asarray(np.clip(np.concatenate([rounded - bias, last]), -32768, 32767), np.int64)


@variant(SoftmaxInt16)
class SoftmaxTables(Variant):
    """exp and the reciprocal of the sum from two tables of 513 int16."""

    name, header = "tables_s16", "nn_softmax_s16.h"

    def cost(self, op: SoftmaxInt16) -> Cost:
        elements = op.output.elements
        return Cost(elements * 36 + elements // op.output.shape[-1] * 60, 0, 320)

    def constants(self, op: SoftmaxInt16) -> tuple[Constant, ...]:
        return (
            Constant("exponentials", exponentials().astype(np.int16), "exp(x), x from -10 to 0, 15 fractional bits"),
            Constant("reciprocals", reciprocals().astype(np.int16), "1 / (1 + x), x from 0 to 1, 15 fractional bits"),
        )

    def inplace(self, op: SoftmaxInt16) -> tuple[int, ...]:
        return (0,)

    def call(self, op: SoftmaxInt16) -> Call:
        depth = op.output.shape[-1]
        multiplier, shift = quantize_multiplier(op.input_factor())
        fields = {
            "input": Ref("input"),
            "output": Ref("output"),
            "exponentials": Ref("constant", "exponentials"),
            "reciprocals": Ref("constant", "reciprocals"),
            "multiplier": multiplier,
            "shift": shift,
            "rows": op.output.elements // depth,
            "depth": depth,
        }
        return Call("nn_softmax_s16", "nn_softmax_s16_args", fields)
