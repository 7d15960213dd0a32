"""MIRROR_PAD on int8: a border that reflects the tensor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from seatool.ir import Array, Attributes, DType
from seatool.kernels.base import (
    Call,
    Cost,
    Field,
    Operator,
    QuantizationRule,
    Ref,
    Shape,
    TFLiteForm,
    Variant,
    operator,
    require_int8,
    variant,
)
from seatool.kernels.loops import copy_cost

_MAX_RANK = 5


class MirrorMode(IntEnum):
    """TFLite's MirrorPadMode: whether the mirror stands on the outermost values or beyond them."""

    REFLECT = 0
    SYMMETRIC = 1


@dataclass(frozen=True)
class MirrorPadAttributes(Attributes):
    """MirrorPadOptions of the TFLite schema."""

    mode: MirrorMode


@operator("MIRROR_PAD")
class MirrorPad(Operator):
    """The tensor with its mirror image around it. Source: TFLM mirror_pad.cc."""

    most_inputs = 2
    tflite = TFLiteForm(100, range(1, 4), 77, (Field("mode", 0, "int8"),))
    attributes_type = MirrorPadAttributes
    quantization = QuantizationRule(same_scale=True)
    limits = "constant paddings; up to 5 dimensions"

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Attributes:
        return MirrorPadAttributes(MirrorMode(raw["mode"]))

    @property
    def skipped(self) -> int:
        """Outermost values that are not repeated."""
        return int(self.attributes.mode is MirrorMode.REFLECT)

    def amounts(self) -> list[tuple[int, int]]:
        """Places in front of and behind each axis."""
        return [(int(before), int(after)) for before, after in self.constant(1).reshape(-1, 2)]

    def output_shapes(self) -> Sequence[Shape]:
        pairs = zip(self.input(0).shape, self.amounts(), strict=True)
        return [tuple(n + before + after for n, (before, after) in pairs)]

    def problems(self) -> Iterator[str]:
        x, paddings = self.input(0), self.input(1)
        yield from require_int8(self, x, self.output)
        if not 1 <= len(x.shape) <= _MAX_RANK:
            yield f"the input has {len(x.shape)} dimensions; 1 to {_MAX_RANK} are supported"
        elif paddings.data is None or paddings.dtype not in (DType.INT32, DType.INT64):
            yield "the paddings are not a constant of type int32 or int64"
        elif paddings.shape != (len(x.shape), 2):
            yield f"the paddings have shape {list(paddings.shape)}, not two entries per dimension"
        else:
            yield from self._shape_problems()

    def _shape_problems(self) -> Iterator[str]:
        shape = self.input(0).shape
        for size, pair in zip(shape, self.amounts(), strict=True):
            if not all(0 <= amount <= size - self.skipped for amount in pair):
                yield f"a padding of {list(pair)} is negative or more than a dimension of {size} can mirror"
        (expected,) = self.output_shapes()
        if expected != self.output.shape:
            yield f"the output's shape is {list(self.output.shape)}, not {list(expected)}"

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        x = inputs[0]
        assert x is not None
        return (np.pad(x, self.amounts(), mode="reflect" if self.skipped else "symmetric"),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        return self.evaluate(*inputs)

    def axes(self) -> list[tuple[int, int, int]]:
        """(size, before, after) per axis but for inner ones without padding."""
        axes = [(n, *pair) for n, pair in zip(self.input(0).shape, self.amounts(), strict=True)]
        while len(axes) > 1 and axes[-1][1:] == (0, 0):
            axes.pop()
        return axes


@variant(MirrorPad)
class MirrorUnits(Variant):
    """Everything inside the innermost padded axis is copied as a block."""

    name, header = "units", "nn_mirror_pad_s8.h"

    def cost(self, op: MirrorPad) -> Cost:
        axes = op.axes()
        unit = op.input(0).elements // int(np.prod([n for n, _, _ in axes]))
        size, before, after = axes[-1]
        rows = op.output.elements // (unit * (size + before + after))
        row = copy_cost(unit * size) + (before + after) * (copy_cost(unit) + 3)
        return Cost(round(rows * (row + 30 + 8 * len(axes))), 0, 200)

    def call(self, op: MirrorPad) -> Call:
        axes = op.axes()
        outer = axes[:-1]
        room = (0,) * (_MAX_RANK - 1 - len(outer))
        size, before, after = axes[-1]
        fields: dict[str, Any] = {"input": Ref("input"), "output": Ref("output"), "rank": len(outer)}
        if outer:
            fields["sizes"] = tuple(n for n, _, _ in outer) + room
            fields["before"] = tuple(b for _, b, _ in outer) + room
            fields["padded"] = tuple(n + b + a for n, b, a in outer) + room
        fields |= {"row_size": size, "row_before": before, "row_after": after, "skipped": op.skipped}
        fields["unit"] = op.input(0).elements // int(np.prod([n for n, _, _ in axes]))
        return Call("nn_mirror_pad_s8", "nn_mirror_pad_s8_args", fields)
