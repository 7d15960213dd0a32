"""TRANSPOSE_CONV on int16 activations: kernel and how it is called."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from seatool.ir import DType
from seatool.kernels.base import Call, Constant, Cost, Ref, variant, wide
from seatool.kernels.transpose_conv import TransposeConv, TransposeConvGemm
from seatool.kernels.weighted_int16 import WIDE, WideWeightedOperator, buffers, exchanged
from seatool.rounding import ceil_div


@wide(TransposeConv)
class TransposeConvInt16(WideWeightedOperator, TransposeConv):
    """Every int16 pixel adds its window of weights to the output. Source: TFLM integer_ops/transpose_conv.h."""

    bias_types = (DType.INT64,)
    bias_codes = (0, 2, 4)
    """TFLM sums in int64 whatever this says; but it would read a bias of int32 as int64."""

    @cached_property
    def sum_limit(self) -> int:
        """No sum is larger; every output sees the taps of one phase."""
        return max(self.limit_of(self.phase_filters(*pair)) for pair in self.phases)

    @property
    def phase_chunk_words(self) -> int:
        """Words that are summed in 32 bits, in every phase."""
        sizes = [self.chunk_words(self.phase_filters(*pair)) for pair in self.phases]
        return min(sizes) if self.requantize_form == WIDE else max(sizes)


@variant(TransposeConvInt16)
class TransposeConvWide(TransposeConvGemm):
    """int16 activations: phase by phase as a matrix product of int16 pairs, two output channels by four pixels."""

    name, header = "phases_s16", "nn_transpose_conv_s16.h"

    def cost(self, op: TransposeConvInt16) -> Cost:  # type: ignore[override]
        cost, chunk = super().cost(op), op.phase_chunk_words
        pairs, extra = ceil_div(op.out_channels, 2), 0
        for row, column in op.phases:
            words = self.words(op, row, column)
            extra += row.count * column.count * (10 + 2 * words)
            extra += row.count * ceil_div(column.count, 4) * pairs * 18 * (ceil_div(words, chunk) - 1)
        largest = max(self.words(op, *pair) for pair in op.phases)
        instructions = cost.instructions + op.output.shape[0] * extra
        code = 1320 + 8 * op.output_code
        return replace(cost, instructions=instructions, scratch=cost.scratch + 4 * largest, code=code)

    def constants(self, op: TransposeConvInt16) -> tuple[Constant, ...]:  # type: ignore[override]
        rows = [exchanged(op.phase_filters(*pair)).reshape(-1) for pair in op.phases]
        return (Constant("weights", np.concatenate(rows)), *op.sum_constants())

    def call(self, op: TransposeConvInt16) -> Call:  # type: ignore[override]
        fields = {
            **buffers(op),
            "input": Ref("input", op.data_index),
            **self.geometry(op),
            "chunk_words": op.phase_chunk_words,
        }
        return Call("nn_transpose_conv_s16", "nn_transpose_conv_s16_args", fields)
