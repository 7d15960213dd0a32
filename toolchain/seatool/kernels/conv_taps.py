"""CONV_2D (int8) with few taps: the kernel that keeps an output channel's weights in registers."""

from __future__ import annotations

import numpy as np

from seatool.kernels.base import Admission, Bands, Call, Constant, Cost, Ref, Variant, all_rows, variant
from seatool.kernels.conv_2d import Conv2D
from seatool.kernels.weighted import BUFFERS, EXACT, channel_constants
from seatool.rounding import ceil_div

_MOST_TAPS = 10


@variant(Conv2D)
class ConvTaps(Variant):
    """Up to ten taps: weights stay in registers while a row of pixels passes."""

    name, header = "taps", "nn_conv_taps_s8.h"

    def admits(self, op: Conv2D) -> Admission:
        if op.taps > _MOST_TAPS:
            return Admission(False, f"more than {_MOST_TAPS} taps")
        _, x = op.axes()
        return Admission.when((x.dilation, op.groups) == (1, 1), "dilated along rows or grouped")

    def bands(self, op: Conv2D) -> Bands | None:
        return op.bands(1, lambda rows: self.instructions(op, rows))

    def width(self, op: Conv2D) -> int:
        """Values of a widened row of the input."""
        _, x = op.axes()
        return ((x.output - 1) * x.stride + x.kernel) * op.input(0).shape[3]

    def instructions(self, op: Conv2D, height: int) -> int:
        """Of computing ``height`` rows of the output in all channels."""
        (rows, _), words, pixels = op.kernel_size, ceil_div(op.taps, 2), op.output.shape[2]
        straddling = sum((2 * word + 1) % (op.taps // rows) == 0 for word in range(words))
        fill = rows * (30 + 3 * self.width(op)) + pixels * (3 + 2 * words + 2 * straddling)
        return height * (20 + fill + op.out_channels * (26 + pixels * (2 * words + op.output_instructions)))

    def cost(self, op: Conv2D) -> Cost:
        batches, height, width, _ = op.output.shape
        scratch = 4 * width * ceil_div(op.taps, 2) + 2 * op.kernel_size[0] * self.width(op)
        return Cost(batches * self.instructions(op, height), scratch, 480)

    def constants(self, op: Conv2D) -> tuple[Constant, ...]:
        scaling = 1 if op.requantize_form == EXACT else 2
        taps = np.pad(scaling * op.filters, ((0, 0), (0, op.taps % 2))).astype("<i2")
        lanes = Constant("lanes", taps.view("<u4").astype(np.uint32), "two weights each, see nn_conv_taps_s8.h")
        return (lanes, *channel_constants(op, op.filters.astype(np.int8))[1:])

    def call(self, op: Conv2D) -> Call:
        geometry = op.geometry()
        del geometry["dilation_x"]
        buffers = {name: ref for name, ref in BUFFERS.items() if name != "weights"}
        fields = {**buffers, "lanes": Ref("constant", "lanes"), **geometry, **all_rows(op)}
        return Call("nn_conv_taps_s8", "nn_conv_taps_args", fields)
