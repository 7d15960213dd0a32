"""BATCH_MATMUL (int8): matrix products of activations."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seatool.ir import Array, Attributes
from seatool.kernels.assembly import GEMM_2X4, GEMM_OVERREAD
from seatool.kernels.base import (
    Admission,
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
from seatool.kernels.fixed_point import factor_problems, multiply_by_quantized_multiplier, quantize_multiplier
from seatool.kernels.loops import DIMS, Loop, collapse
from seatool.rounding import ceil_div, round_up

_MAX_RANK = 5
_MOST = (1 << 30) // 255**2
"""Products whose sum always fits the rescaling."""


@dataclass(frozen=True)
class BatchMatmulAttributes(Attributes):
    """BatchMatMulOptions of the TFLite schema: which operands are given transposed."""

    adj_x: bool = False
    adj_y: bool = False
    asymmetric_quantize_inputs: bool = False


@operator("BATCH_MATMUL")
class BatchMatmul(Operator):
    """(..., M, K) times (..., K, N), leading dimensions broadcast. Source: TFLM batch_matmul.cc and
    reference/batch_matmul.h."""

    most_inputs = 2
    tflite = TFLiteForm(
        126,
        range(1, 5),
        101,
        tuple(
            Field(name, slot, "bool", False)
            for slot, name in enumerate(("adj_x", "adj_y", "asymmetric_quantize_inputs"))
        ),
    )
    attributes_type = BatchMatmulAttributes
    limits = f"2 to {_MAX_RANK} dimensions; sums of up to {_MOST} products"

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Attributes:
        return BatchMatmulAttributes(**raw)

    @property
    def sizes(self) -> tuple[int, int, int]:
        """M, K and N."""
        a, b = self.input(0).shape, self.input(1).shape
        rows, depth = (a[-1], a[-2]) if self.attributes.adj_x else (a[-2], a[-1])
        return rows, depth, b[-2] if self.attributes.adj_y else b[-1]

    def output_shapes(self) -> Sequence[Shape]:
        a, b, (rows, _, columns) = self.input(0).shape, self.input(1).shape, self.sizes
        return [(*np.broadcast_shapes(a[:-2], b[:-2]), rows, columns)]

    def problems(self) -> Iterator[str]:
        a, b = self.input(0), self.input(1)
        found = list(require_int8(self, a, b, self.output))
        if not all(2 <= len(t.shape) <= _MAX_RANK for t in (a, b)):
            found.append(f"{list(a.shape)} times {list(b.shape)}: 2 to {_MAX_RANK} dimensions are supported")
        else:
            found += self._shape_problems()
        yield from found or factor_problems(self.factor)

    def _shape_problems(self) -> Iterator[str]:
        a, b, (rows, depth, columns) = self.input(0).shape, self.input(1).shape, self.sizes
        if depth != (b[-1] if self.attributes.adj_y else b[-2]):
            yield f"{list(a)} times {list(b)}: the inner dimensions differ"
        elif depth > _MOST:
            yield f"{depth} products; up to {_MOST} are supported"
        try:
            batches = np.broadcast_shapes(a[:-2], b[:-2])
        except ValueError:
            yield f"{list(a)} times {list(b)}: the batches do not fit together"
            return
        if self.output.shape != (expected := (*batches, rows, columns)):
            yield f"the output's shape is {list(self.output.shape)}, not {list(expected)}"

    @property
    def factor(self) -> float:
        """From sums of products of stored values to the output's steps."""
        return self.input(0).scale * self.input(1).scale / self.output.scale

    def _operands(self, a: Array, b: Array) -> tuple[Array, Array]:
        """Without the transpositions."""
        return (
            a.swapaxes(-1, -2) if self.attributes.adj_x else a,
            b.swapaxes(-1, -2) if self.attributes.adj_y else b,
        )

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        a, b = inputs
        assert a is not None
        assert b is not None
        first, second = self._operands(
            a.astype(np.float64) - self.input(0).zero_point, b.astype(np.float64) - self.input(1).zero_point
        )
        sums = np.rint(first @ second).astype(np.int64)
        y = multiply_by_quantized_multiplier(sums, *quantize_multiplier(self.factor)) + self.output.zero_point
        return (np.clip(y, -128, 127).astype(np.int8),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        a, b = inputs
        assert a is not None
        assert b is not None
        first, second = self._operands(a, b)
        return (np.asarray(first @ second, np.float32),)

    def macs(self) -> int:
        return self.output.elements * self.sizes[1]

    def matrices(self) -> tuple[list[Loop], int]:
        """The loops over products, with each operand's elements per turn, and the rows of each product.

        Where one right side serves all, the left sides are one matrix of many rows.
        """
        (rows, _, _), a, b = self.sizes, self.input(0).shape, self.input(1).shape
        batches = self.output.shape[:-2]
        if math.prod(b[:-2]) == 1 and not self.attributes.adj_x:
            return [], rows * math.prod(batches)
        steps = [_steps(shape, len(batches)) for shape in (a, b)]
        return [loop for loop in collapse(batches, *steps) if loop.count > 1], rows


def _steps(shape: tuple[int, ...], rank: int) -> list[int]:
    """Elements from one matrix to the next along each batch dimension; 0 where they are repeated."""
    padded = (*(1,) * (rank + 2 - len(shape)), *shape)
    return [0 if padded[i] == 1 else math.prod(padded[i + 1 :]) for i in range(rank)]


_PANEL_BYTES = 16 * 1024


class BatchMatmulKernel(Variant):
    """What the kernels have in common: their arguments."""

    function: str

    def panel(self, op: BatchMatmul) -> int:
        """Columns that are widened at a time, a multiple of 4; 0 where they are read as they are."""
        return 0

    def constants(self, op: BatchMatmul) -> tuple[Constant, ...]:
        return tuple(Constant(f"input{i + 1}", t.data) for i in (0, 1) if (t := op.input(i)).data is not None)

    def call(self, op: BatchMatmul) -> Call:
        (rows_each, depth, columns), (loops, rows) = op.sizes, op.matrices()
        multiplier, shift = quantize_multiplier(op.factor)
        room = (0,) * (DIMS - len(loops))
        fields: dict[str, Any] = {
            f"input{i + 1}": Ref("constant", f"input{i + 1}") if op.input(i).is_constant else Ref("input", i)
            for i in (0, 1)
        }
        fields |= {"output": Ref("output"), "scratch": Ref("scratch"), "rank": len(loops)}
        if loops:
            fields["dims"] = tuple(loop.count for loop in loops) + room
            fields |= {f"steps{i + 1}": tuple(loop.steps[i] for loop in loops) + room for i in (0, 1)}
        adj_x, adj_y = op.attributes.adj_x, op.attributes.adj_y
        return Call(
            self.function,
            "nn_batch_matmul_s8_args",
            fields
            | {
                "rows": rows,
                "columns": columns,
                "depth": depth,
                "row_step": 1 if adj_x else depth,
                "row_depth_step": rows_each if adj_x else 1,
                "column_step": depth if adj_y else 1,
                "column_depth_step": 1 if adj_y else columns,
                "panel_columns": self.panel(op),
                "input1_offset": -op.input(0).zero_point,
                "input2_offset": -op.input(1).zero_point,
                "output_offset": op.output.zero_point,
                "output_multiplier": multiplier,
                "output_shift": shift,
                "sum_bits": (depth * 255**2).bit_length(),
            },
        )


@variant(BatchMatmul)
class BatchMatmulGemm(BatchMatmulKernel):
    """Two rows by four columns at a time, int16 pairs; columns are widened once, rows once per panel of columns."""

    name, header, function = "gemm", "nn_batch_matmul_s8.h", "nn_batch_matmul_s8"

    def panel(self, op: BatchMatmul) -> int:
        _, depth, columns = op.sizes
        most = max(4, _PANEL_BYTES // (8 * ceil_div(depth, 4)) // 4 * 4)
        return round_up(ceil_div(columns, ceil_div(columns, most)), 4)

    def cost(self, op: BatchMatmul) -> Cost:
        (_, depth, columns), (loops, rows), panel = op.sizes, op.matrices(), self.panel(op)
        words, products = ceil_div(depth, 4), math.prod(loop.count for loop in loops)
        straight = 24 + words * (10 if depth % 4 == 0 else 16)
        gather_row = 24 + words * 30 if op.attributes.adj_x else straight
        gather_column = straight if op.attributes.adj_y else 24 + words * 30
        pairs, panels, tiles = ceil_div(rows, 2), ceil_div(columns, panel), ceil_div(columns, 4)
        widen = columns * gather_column + panels * rows * gather_row
        core = pairs * tiles * (34 + 30 * words) + rows * columns * 10
        scratch = 4 * (4 * words + panel * 2 * words + 2 * GEMM_OVERREAD) + 4 * words
        return Cost(products * (widen + core) + 40, scratch, 700, (GEMM_2X4,))


@variant(BatchMatmul)
class BatchMatmulRows(BatchMatmulKernel):
    """Row by row, four columns at a time, which are read as they are: for few rows and contiguous columns."""

    name, header, function = "rows", "nn_batch_matmul_rows_s8.h", "nn_batch_matmul_rows_s8"

    def admits(self, op: BatchMatmul) -> Admission:
        contiguous = op.attributes.adj_y and not op.attributes.adj_x
        return Admission.when(contiguous, "the right matrix is not transposed, or the left one is")

    def cost(self, op: BatchMatmul) -> Cost:
        (_, depth, columns), (loops, rows) = op.sizes, op.matrices()
        words, products = ceil_div(depth, 4), math.prod(loop.count for loop in loops)
        widen = 30 + words * (10 if depth % 4 == 0 else 12)
        start = 0 if op.input(1).zero_point == 0 else 10 * words
        blocks, single = divmod(columns, 4)
        tail = 0 if depth % 4 == 0 else 4
        core = blocks * (20 + 24 * words + 4 * tail) + single * (12 + 8 * words + tail) + columns * 10
        return Cost(products * rows * (widen + start + core) + 40, 12 * words, 1000)
