"""RELU and LEAKY_RELU on int16: kernel and how it is called."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seatool.kernels.activation import ActivationFunction, LeakyRelu, Relu
from seatool.kernels.base import Call, Cost, Ref, Variant, require_int16, variant, wide
from seatool.kernels.fixed_point import quantize_multiplier


class _Wide(ActivationFunction):
    def type_problems(self) -> Iterator[str]:
        yield from require_int16(self.input(0), self.output)

    @property
    def ratio(self) -> float:
        """From stored inputs to the output's steps."""
        return self.input(0).scale / self.output.scale

    @property
    def slope(self) -> float:
        """Of negative inputs."""
        return 1.0

    @property
    def lowest(self) -> int:
        """The smallest output."""
        return -32768


@wide(Relu)
class ReluInt16(_Wide, Relu):
    """max(x, 0), rescaled. Source: TFLM activations_common.cc."""

    @property
    def lowest(self) -> int:
        return 0


@wide(LeakyRelu)
class LeakyReluInt16(_Wide, LeakyRelu):
    """x where it is positive, alpha * x elsewhere. Source: TFLM reference/leaky_relu.h."""

    @property
    def slope(self) -> float:
        return np.float32(self.attributes.alpha).item()


@variant(ReluInt16, LeakyReluInt16)
class LeakyReluElements(Variant):
    """Each value rescaled by one of two factors, about 16 instructions per element, 10 where they are one."""

    name, header = "elements_s16", "nn_leaky_relu_s16.h"

    def cost(self, op: _Wide) -> Cost:
        return Cost(op.output.elements * (10 if op.slope == 1 else 16) + 20, 0, 400)

    def inplace(self, op: _Wide) -> tuple[int, ...]:
        return (0,)

    def call(self, op: _Wide) -> Call:
        multiplier1, shift1 = quantize_multiplier(op.ratio)
        multiplier2, shift2 = quantize_multiplier(abs(op.input(0).scale * op.slope / op.output.scale))
        fields = {
            "input": Ref("input"),
            "output": Ref("output"),
            "count": op.output.elements,
            "multiplier1": multiplier1,
            "shift1": shift1,
            "multiplier2": multiplier2,
            "shift2": shift2,
            "sign2": -1 if op.slope < 0 else 1,
            "output_min": op.lowest,
        }
        return Call("nn_leaky_relu_s16", "nn_leaky_relu_s16_args", fields)
