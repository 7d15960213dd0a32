"""EQUAL, NOT_EQUAL, GREATER, GREATER_EQUAL, LESS and LESS_EQUAL: int8 (or bool) to bool, with broadcasting."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from seatool.ir import Array, DType, Tensor
from seatool.kernels.base import (
    Admission,
    Constant,
    QuantizationRule,
    Ref,
    TFLiteForm,
    operator,
    require_int8,
    variant,
)
from seatool.kernels.binary import Binary, Elementwise
from seatool.kernels.fixed_point import Int64, multiply_by_quantized_multiplier, quantize_multiplier
from seatool.kernels.lookup_table import ALL_INT8, Table

_LEFT_SHIFT = 8
"""Bits that the inputs gain before they are scaled to whole numbers."""

Ranks = npt.NDArray[np.int16]
"""By the input's bits as an unsigned number: the place of its scaled value among those of both inputs."""


class Comparison(Binary):
    """A relation of two values. TFLM compares x * scale * 256, rounded, so that small scales blur neighbours.

    ``equal``: whether values are compared for equality, else for order. ``negated``: whether the opposite is asked.
    ``swapped``: whether the order is that of the second and the first input. Source: TFLM comparisons.cc and
    reference/comparisons.h.
    """

    quantization = QuantizationRule(same_inputs=True)
    limits = "scales below 1"
    equal: ClassVar[bool] = False
    negated: ClassVar[bool] = False
    swapped: ClassVar[bool] = False

    @property
    def is_boolean(self) -> bool:
        """Whether truth values are compared, which have no scale."""
        return self.equal and self.input(0).dtype is DType.BOOL

    def type_problems(self) -> Iterator[str]:
        a, b = self.input(0), self.input(1)
        if self.output.dtype is not DType.BOOL:
            yield f"{self.output.name} is {self.output.dtype.value}, not bool"
        if self.is_boolean:
            if b.dtype is not DType.BOOL:
                yield f"{b.name} is {b.dtype.value}, not bool"
            return
        found = list(require_int8(self, a, b))
        yield from found
        if not found and max(a.scale, b.scale) >= 1:
            yield f"the inputs' scales {a.scale:g} and {b.scale:g} are not both below 1, which TFLM does not take"

    def scaled(self, tensor: Tensor, x: Int64) -> Int64:
        """What TFLM compares."""
        if self.is_boolean:
            return x
        multiplier, shift = quantize_multiplier(tensor.scale)
        return multiply_by_quantized_multiplier((x - tensor.zero_point) << _LEFT_SHIFT, multiplier, shift)

    def combine(self, a: Int64, b: Int64) -> Int64:
        x, y = self.scaled(self.input(0), a), self.scaled(self.input(1), b)
        if self.swapped:
            x, y = y, x
        return np.asarray(((x == y) if self.equal else (x < y)) != self.negated, np.int64)

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        return (super().evaluate(*inputs)[0].astype(np.bool_),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        x, y = inputs
        assert x is not None
        assert y is not None
        if self.swapped:
            x, y = y, x
        return (np.asarray((np.equal(x, y) if self.equal else np.less(x, y)) != self.negated),)

    @cached_property
    def ranks(self) -> tuple[Ranks, Ranks]:
        """For every value of the inputs its place among all values; equal places mean equal values."""
        by_bits = np.roll(ALL_INT8, 128).astype(np.int64)
        both = [self.scaled(self.input(i), by_bits) for i in (0, 1)]
        _, places = np.unique(np.concatenate(both), return_inverse=True)
        first, second = places.astype(np.int16).reshape(2, 256)
        return first, second


@operator("EQUAL")
class Equal(Comparison):
    """a == b."""

    tflite = TFLiteForm(71, range(1, 5), 53)
    equal = True


@operator("NOT_EQUAL")
class NotEqual(Comparison):
    """a != b."""

    tflite = TFLiteForm(72, range(1, 4), 54)
    equal, negated = True, True


@operator("LESS")
class Less(Comparison):
    """a < b."""

    tflite = TFLiteForm(58, range(1, 4), 41)


@operator("LESS_EQUAL")
class LessEqual(Comparison):
    """a <= b."""

    tflite = TFLiteForm(63, range(1, 4), 45)
    negated, swapped = True, True


@operator("GREATER")
class Greater(Comparison):
    """a > b."""

    tflite = TFLiteForm(61, range(1, 3), 44)
    swapped = True


@operator("GREATER_EQUAL")
class GreaterEqual(Comparison):
    """a >= b."""

    tflite = TFLiteForm(62, range(1, 4), 46)
    negated = True


class _Compare(Elementwise):
    def parameters(self, op: Comparison) -> dict[str, Any]:
        return {"equal": op.equal, "negated": op.negated, "swapped": op.swapped}


_KINDS = (Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual)


@variant(*_KINDS)
class CompareBytes(_Compare):
    """Four values per word with SSUB8 and SEL; where both inputs have one scale that blurs nothing."""

    name, header, function = "bytes_x4", "nn_compare_s8.h", "nn_compare_s8"
    quarters, code_bytes = 9, 60

    def admits(self, op: Comparison) -> Admission:
        if op.is_boolean:
            return Admission(True)
        first, second = (np.roll(ranks, 128) for ranks in op.ranks)
        as_stored = np.array_equal(first, second) and bool((np.diff(first) > 0).all())
        return Admission.when(as_stored, "the inputs' values do not compare as they are stored")


@variant(*_KINDS)
class CompareRanks(_Compare):
    """Places of the values in two tables of int16, 10 instructions per element."""

    name, header, function = "ranks", "nn_compare_ranks_s8.h", "nn_compare_ranks_s8"
    quarters, code_bytes = 42, 80

    def admits(self, op: Comparison) -> Admission:
        return Admission.when(not op.is_boolean, "bool")

    def constants(self, op: Any) -> tuple[Constant, ...]:
        return (*super().constants(op), *(Constant(f"ranks{i + 1}", ranks) for i, ranks in enumerate(op.ranks)))

    def parameters(self, op: Comparison) -> dict[str, Any]:
        return super().parameters(op) | {name: Ref("constant", name) for name in ("ranks1", "ranks2")}


variant(*_KINDS)(Table)
