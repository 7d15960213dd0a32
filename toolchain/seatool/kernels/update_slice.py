"""DYNAMIC_UPDATE_SLICE on int8: a tensor with a part overwritten."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from seatool.ir import Array, DType
from seatool.kernels.base import (
    Call,
    Constant,
    Cost,
    Operator,
    QuantizationRule,
    Ref,
    TFLiteForm,
    Variant,
    operator,
    require_int8,
    variant,
)
from seatool.kernels.loops import copy_cost, strides

_MAX_RANK = 6


@operator("DYNAMIC_UPDATE_SLICE")
class DynamicUpdateSlice(Operator):
    """The first input with the second one written over it, from the start indices on; these are moved so far that all
    fits. Source: TFLM dynamic_update_slice.cc."""

    most_inputs = 3
    tflite = TFLiteForm(151, range(1, 5), 117)
    quantization = QuantizationRule(same_scale=True)
    limits = "int32 indices; up to 6 dimensions"

    def problems(self) -> Iterator[str]:
        whole, part, start = (self.input(i) for i in range(3))
        yield from require_int8(self, whole, part, self.output)
        rank = len(whole.shape)
        if not 1 <= rank <= _MAX_RANK or len(part.shape) != rank or start.shape != (rank,):
            yield f"{list(part.shape)} at {list(start.shape)} indices does not fit {list(whole.shape)}"
        elif any(n > size for n, size in zip(part.shape, whole.shape, strict=True)):
            yield f"{list(part.shape)} is larger than {list(whole.shape)}"
        if start.dtype is not DType.INT32:
            yield f"the start indices are {start.dtype.value}, not int32"
        if whole.shape != self.output.shape:
            yield "input and output have different shapes"

    def _room(self) -> list[int]:
        """The largest start along each axis."""
        return [size - n for size, n in zip(self.input(0).shape, self.input(1).shape, strict=True)]

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        whole, part, start = inputs
        assert whole is not None
        assert part is not None
        assert start is not None
        result = whole.copy()
        first = np.clip(start, 0, self._room())
        result[tuple(slice(int(i), int(i) + n) for i, n in zip(first, part.shape, strict=True))] = part
        return (result,)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        return self.evaluate(*inputs)

    def outer(self) -> list[tuple[int, int, int]]:
        """(places, elements per place in the part, in the whole) of the axes around the rows."""
        steps = strides(self.output.shape)
        return [(n, step, room) for n, step, room in zip(self.input(1).shape, steps, self._room(), strict=True)]


@variant(DynamicUpdateSlice)
class UpdateRows(Variant):
    """A copy, and the part over it row by row."""

    name, header = "rows", "nn_update_slice_s8.h"

    def cost(self, op: DynamicUpdateSlice) -> Cost:
        row = op.input(1).shape[-1]
        return Cost(copy_cost(op.output.elements) + op.input(1).elements // row * (copy_cost(row) + 12) + 60, 0, 180)

    def constants(self, op: DynamicUpdateSlice) -> tuple[Constant, ...]:
        named = zip(("whole", "part", "start"), (op.input(i) for i in range(3)), strict=True)
        return tuple(Constant(name, tensor.data) for name, tensor in named if tensor.data is not None)

    def call(self, op: DynamicUpdateSlice) -> Call:
        def buffer(index: int, name: str) -> Ref:
            return Ref("constant", name) if op.input(index).is_constant else Ref("input", index)

        axes = op.outer()
        room = (0,) * (_MAX_RANK - len(axes))
        fields: dict[str, Any] = {
            "input": buffer(0, "whole"),
            "update": buffer(1, "part"),
            "start": buffer(2, "start"),
            "output": Ref("output"),
            "count": op.output.elements,
            "rank": len(axes),
            "dims": tuple(n for n, _, _ in axes) + room,
            "steps": tuple(step for _, step, _ in axes) + room,
            "last": tuple(last for _, _, last in axes) + room,
        }
        return Call("nn_update_slice_s8", "nn_update_slice_s8_args", fields)

    def inplace(self, op: DynamicUpdateSlice) -> tuple[int, ...]:
        return () if op.input(0).is_constant else (0,)
