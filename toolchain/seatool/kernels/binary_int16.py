"""ADD, SUB, MUL, SQUARED_DIFFERENCE, MAXIMUM and MINIMUM on int16: kernels and how they are called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seatool.kernels.arithmetic import SquaredDifference
from seatool.kernels.base import require_int16, variant, wide
from seatool.kernels.binary import Add, Arithmetic, Binary, Elementwise, Extremum, Maximum, Minimum, Mul, Sub, Sum
from seatool.kernels.fixed_point import activation_range


class _Wide(Binary):
    def type_problems(self) -> Iterator[str]:
        yield from require_int16(self.input(0), self.input(1), self.output)


class SumInt16(_Wide, Sum):
    """ADD and SUB on int16, scaled to 2^15 steps. Source: TFLM add_common.cc and sub_common.cc."""

    left_shift = 15


@wide(Add)
class AddInt16(SumInt16, Add):
    """Sum."""


@wide(Sub)
class SubInt16(SumInt16, Sub):
    """Difference."""


@wide(Mul)
class MulInt16(_Wide, Mul):
    """Product. Source: TFLM mul_common.cc."""


@wide(SquaredDifference)
class SquaredDifferenceInt16(_Wide, SquaredDifference):
    """(a - b)^2, both inputs scaled without more bits. Source: TFLM squared_difference.cc."""

    left_shift = 0


@wide(Maximum)
class MaximumInt16(_Wide, Maximum):
    """The larger value."""


@wide(Minimum)
class MinimumInt16(_Wide, Minimum):
    """The smaller value."""


def _factors(op: Arithmetic | SquaredDifference) -> dict[str, int]:
    """Without zero points, which are 0 and no argument."""
    return {name: value for name, value in op.scales().items() if not name.endswith("_offset")}


class _RescaledInt16(Elementwise):
    def parameters(self, op: Arithmetic) -> dict[str, Any]:
        low, high = activation_range(op.activation, op.output)
        return _factors(op) | {"output_min": low, "output_max": high}


@variant(AddInt16, SubInt16)
class AddElementsInt16(_RescaledInt16):
    """Both inputs and the sum rescaled, about 14 instructions per element."""

    name, header, function = "elements_s16", "nn_add_s16.h", "nn_add_s16"
    quarters, code_bytes = 56, 280
    cycles_per_instruction = 1.05


@variant(MulInt16)
class MulElementsInt16(_RescaledInt16):
    """The product rescaled, about 14 instructions per element."""

    name, header, function = "elements_s16", "nn_mul_s16.h", "nn_mul_s16"
    quarters, code_bytes = 56, 260


@variant(SquaredDifferenceInt16)
class SquaredDifferenceElementsInt16(Elementwise):
    """Both inputs and the square rescaled, about 34 instructions per element."""

    name, header, function = "elements_s16", "nn_squared_difference_s16.h", "nn_squared_difference_s16"
    quarters, code_bytes = 136, 600

    def parameters(self, op: SquaredDifference) -> dict[str, Any]:
        return _factors(op)


@variant(MaximumInt16, MinimumInt16)
class ExtremumElementsInt16(Elementwise):
    """One value at a time."""

    name, header, function = "elements_s16", "nn_extremum_s16.h", "nn_extremum_s16"
    quarters, code_bytes = 24, 120

    def parameters(self, op: Extremum) -> dict[str, Any]:
        return {"largest": op.largest}
