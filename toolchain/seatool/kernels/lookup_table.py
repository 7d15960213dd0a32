"""LOOKUP_TABLE, and the two kernels for any function of one int8 value: a table, or a clamp where it is one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from seatool.ir import Array, Attributes, DType
from seatool.kernels.base import (
    Admission,
    Call,
    Constant,
    Cost,
    Operator,
    Ref,
    Variant,
    operator,
    require_int8,
    variant,
)

ALL_INT8 = np.arange(-128, 128, dtype=np.int8)


@dataclass(frozen=True)
class LookupTableAttributes(Attributes):
    """``table[x + 128]`` is the output for x: 256 int8 values."""

    table: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.table) != 256 or not all(-128 <= y <= 127 for y in self.table):
            raise ValueError("a lookup table has 256 int8 values")


@operator("LOOKUP_TABLE")
class LookupTable(Operator):
    """Any function of one int8 value. Internal: the passes make it from chains of elementwise operators."""

    attributes_type = LookupTableAttributes

    def problems(self) -> Iterator[str]:
        yield from require_int8(self, self.input(0), self.output)
        if self.input(0).shape != self.output.shape:
            yield "input and output have different shapes"

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        (x,) = inputs
        assert x is not None
        return (np.array(self.attributes.table, np.int8)[x.astype(np.int64) + 128],)


def variable_index(op: Operator) -> int | None:
    """The index of the only input that is not a scalar constant, if it is int8 and as large as the output.

    None too where the output is neither int8 nor bool.
    """
    others = [i for i, t in enumerate(op.inputs) if t is not None and not (t.is_constant and t.elements == 1)]
    if len(others) != 1:
        return None
    (index,) = others
    tensor = op.input(index)
    bytewise = tensor.dtype is DType.INT8 and op.output.dtype in (DType.INT8, DType.BOOL)
    alike = bytewise and tensor.elements == op.output.elements
    return index if alike and not tensor.is_constant else None


def table_of(op: Operator) -> Array:
    """The output for every int8 value from -128 on; for operators with a :func:`variable_index`."""
    values = [None if t is None else t.data for t in op.inputs]
    index = variable_index(op)
    assert index is not None
    values[index] = ALL_INT8
    return op.evaluate(*values)[0].reshape(256)


def clamp_of(op: Operator) -> tuple[int, int] | None:
    """The bounds of the clamp that the operator amounts to; None where it is no clamp."""
    table = table_of(op)
    low, high = int(table.min()), int(table.max())
    return (low, high) if np.array_equal(table, np.clip(ALL_INT8, low, high)) else None


class _Unary(Variant):
    """Reads one byte, writes one byte at the same place."""

    def inplace(self, op: Operator) -> tuple[int, ...]:
        index = variable_index(op)
        assert index is not None
        return (index,)

    def _buffers(self, op: Operator) -> dict[str, Ref | int]:
        index = variable_index(op)
        assert index is not None
        return {"input": Ref("input", index), "output": Ref("output"), "count": op.output.elements}


@variant(LookupTable)
class Table(_Unary):
    """A table of 256 bytes, 3.5 instructions per element; where the only other inputs are scalar constants."""

    name, header = "table", "nn_lookup_s8.h"
    cycles_per_instruction = 0.9

    def admits(self, op: Operator) -> Admission:
        return Admission.when(variable_index(op) is not None, "not a function of one int8 value")

    def cost(self, op: Operator) -> Cost:
        return Cost(op.output.elements * 7 // 2 + 20, 0, 120)

    def constants(self, op: Operator) -> tuple[Constant, ...]:
        by_bits = np.roll(table_of(op), 128)
        return (Constant("table", by_bits, "output by the input's bits: 0 to 127, then -128 to -1"),)

    def call(self, op: Operator) -> Call:
        return Call("nn_lookup_s8", "nn_lookup_s8_args", self._buffers(op) | {"table": Ref("constant", "table")})


@variant(LookupTable)
class Clamp(_Unary):
    """Four elements per word, no table; where the function amounts to a clamp."""

    name, header = "clamp_x4", "nn_clamp_s8.h"

    def admits(self, op: Operator) -> Admission:
        if variable_index(op) is None:
            return Admission(False, "not a function of one int8 value")
        return Admission.when(clamp_of(op) is not None, "not a clamp")

    def cost(self, op: Operator) -> Cost:
        return Cost(op.output.elements * 3 // 2 + 20, 0, 50)

    def call(self, op: Operator) -> Call:
        bounds = clamp_of(op)
        assert bounds is not None
        fields = {"output_min": bounds[0], "output_max": bounds[1]}
        return Call("nn_clamp_s8_x4", "nn_clamp_s8_args", self._buffers(op) | fields)
