"""MEAN and SUM on int16: kernel and how it is called."""

from __future__ import annotations

from seatool.kernels.base import Call, Cost, Variant, require_int16, variant, wide
from seatool.kernels.mean import Mean, Sum, Summing, reducer_fields


class _Wide(Summing):
    most_summands = (1 << 31) // 32768

    def require_types(self) -> list[str]:
        return list(require_int16(self.input(0), self.output))


@wide(Mean)
class MeanInt16(_Wide, Mean):
    """Mean over axes. Source: TFLM reduce_common.cc and QuantizedMeanOrSum in reference/reduce.h."""


@wide(Sum)
class SumInt16(_Wide, Sum):
    """Sum over axes. Source: the same."""


@variant(MeanInt16, SumInt16)
class MeanElementsInt16(Variant):
    """int16 activations: one output at a time."""

    name, header = "elements_s16", "nn_mean_s16.h"

    def cost(self, op: Summing) -> Cost:
        run = op.loops()[1][-1].count
        of_one = 3.4 if run > 16 else 2.4
        return Cost(round(op.output.elements * ((op.count // run) * 12 + op.count * of_one)), 0, 200)

    def call(self, op: Summing) -> Call:
        multiplier, shift = op.rescaling()
        fields = reducer_fields(op) | {"output_multiplier": multiplier, "output_shift": shift}
        return Call("nn_mean_s16", "nn_mean_s16_args", fields)
