"""FULLY_CONNECTED on int16 activations: kernel and how it is called."""

from __future__ import annotations

import numpy as np

from seatool.kernels.assembly import VECTOR_4
from seatool.kernels.base import Call, Constant, Cost, Reading, Variant, variant, wide
from seatool.kernels.fully_connected import FullyConnected
from seatool.kernels.weighted import output_blocks
from seatool.kernels.weighted_int16 import WideWeightedOperator, buffers, exchanged, vector_code, vector_instructions
from seatool.rounding import ceil_div


@wide(FullyConnected)
class FullyConnectedInt16(WideWeightedOperator, FullyConnected):
    """Matrix times vector(s) on int16. Source: TFLM integer_ops/fully_connected.h."""


@variant(FullyConnectedInt16)
class FullyConnectedWide(Variant):
    """int16 activations: four outputs at a time, the input as it lies in memory."""

    name, header = "blocks_s16", "nn_fully_connected_s16.h"

    def cost(self, op: FullyConnectedInt16) -> Cost:
        scratch = 0 if op.depth % 4 == 0 else 8 * ceil_div(op.depth, 4)
        instructions = op.batches * (30 + 3 * scratch // 4 + vector_instructions(op, op.depth))
        return Cost(instructions, scratch, vector_code(op), (VECTOR_4,))

    def reading(self, op: FullyConnectedInt16) -> Reading:
        return Reading(passes=op.batches)

    def constants(self, op: FullyConnectedInt16) -> tuple[Constant, ...]:
        blocks = output_blocks(exchanged(op.filters).astype(np.int64))
        return (Constant("weights", blocks), *op.sum_constants())

    def call(self, op: FullyConnectedInt16) -> Call:
        low, high = op.output_range
        fields = {
            **buffers(op),
            "batches": op.batches,
            "in_channels": op.depth,
            "out_channels": op.out_channels,
            "output_min": low,
            "output_max": high,
            "requantize": op.requantize_form,
            "chunk_words": op.chunk_words(op.filters),
        }
        return Call("nn_fully_connected_s16", "nn_fully_connected_s16_args", fields)
