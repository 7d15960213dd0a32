"""What CONV_2D and DEPTHWISE_CONV_2D share: windows over an NHWC tensor."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from seatool.ir import Array
from seatool.kernels.base import ONCE, Bands, Reading, Shape
from seatool.kernels.weighted import WeightedOperator
from seatool.kernels.window import TFLM_LARGEST, Axis, size_problems

Margins = tuple[tuple[int, int], tuple[int, int]]
"""Padded places: at the top and the bottom, at the left and the right."""


class Convolution(WeightedOperator):
    """Windows over an NHWC tensor; weights (out or 1, height, width, in or out channels)."""

    @classmethod
    def unparse(cls, attributes: Any) -> Mapping[str, Any]:
        if attributes.margins is not None:
            raise ValueError(f"{cls.kind} with margins of its own has no TFLite form")
        return super().unparse(attributes)

    @property
    def kernel_size(self) -> tuple[int, int]:
        """Height and width in taps."""
        return self.weights.shape[1], self.weights.shape[2]

    def axes(self) -> tuple[Axis, Axis]:
        """The windows along height and width."""
        a, (_, height, width, _), (kernel_height, kernel_width) = self.attributes, self.input(0).shape, self.kernel_size
        y = height, kernel_height, a.stride_h, a.dilation_h_factor
        x = width, kernel_width, a.stride_w, a.dilation_w_factor
        if a.margins is None:
            return Axis.of(a.padding, *y), Axis.of(a.padding, *x)
        return Axis.within(a.margins[0], *y), Axis.within(a.margins[1], *x)

    def output_shapes(self) -> Sequence[Shape]:
        y, x = self.axes()
        return [(self.input(0).shape[0], y.output, x.output, self.out_channels)]

    def window_problems(self) -> Iterator[str]:
        """Problems of ranks and of the output's shape."""
        if any(len(t.shape) != 4 for t in (self.input(0), self.weights, self.output)):
            yield "input, weights and output must have 4 dimensions"
            return
        y, x = self.axes()
        yield from size_problems(y, x, self.input(0).shape[3])
        if any(max(a.before, a.after) > (a.kernel - 1) * a.dilation for a in (y, x)):
            yield "some windows lie in the padding altogether"
        if (step := max(y.stride, x.stride, y.dilation, x.dilation)) > TFLM_LARGEST:
            yield f"a stride or dilation of {step:,}; TFLM counts up to {TFLM_LARGEST:,}"
        (expected,) = self.output_shapes()
        if self.output.shape != expected:
            yield f"the output's shape is {list(self.output.shape)}; input and options make it {list(expected)}"

    def windows(self, x: Array) -> Array:
        """What each output sees, padded with 0: a view (N, H', W', C, kernel height, kernel width)."""
        y, w = self.axes()
        padded = np.pad(x, ((0, 0), (y.before, y.after), (w.before, w.after), (0, 0)))
        reach = ((y.kernel - 1) * y.dilation + 1, (w.kernel - 1) * w.dilation + 1)
        views = np.lib.stride_tricks.sliding_window_view(padded, reach, axis=(1, 2))
        views = views[:, :: y.stride, :: w.stride, :, :: y.dilation, :: w.dilation]
        return views[:, : y.output, : w.output]

    def geometry(self) -> dict[str, int]:
        """The fields that every kernel's arguments have."""
        (batches, height, width, channels), (y, x) = self.input(0).shape, self.axes()
        low, high = self.output_range
        return {
            "batches": batches,
            "input_height": height,
            "input_width": width,
            "in_channels": channels,
            "output_height": y.output,
            "output_width": x.output,
            "out_channels": self.out_channels,
            "kernel_height": y.kernel,
            "kernel_width": x.kernel,
            "stride_y": y.stride,
            "stride_x": x.stride,
            "dilation_y": y.dilation,
            "dilation_x": x.dilation,
            "pad_top": y.before,
            "pad_left": x.before,
            "input_offset": self.input_offset,
            "output_offset": self.output.zero_point,
            "output_min": low,
            "output_max": high,
            "requantize": self.requantize_form,
        }

    def bands(self, rows: int, instructions: Callable[[int], int], reading: Reading = ONCE) -> Bands | None:
        """Bands of so many output rows, where there is one image. ``reading``: how a call reads the weights."""
        if self.input(0).shape[0] != 1:
            return None
        return Bands(self.output.shape[1], rows, 1, self.axes()[0], cache(instructions), reading)

    @abstractmethod
    def sums(self, x: Array, weights: Array) -> Array:
        """Sums of products in the type of ``x``, padding 0: (N, H', W', out channels)."""

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        x, weights, bias = (*inputs, None)[:3]
        assert x is not None
        assert weights is not None
        operand = (x.astype(np.int32) + self.input_offset).astype(self.exact_type())
        return (self.requantize(self.sums(operand, weights), bias),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        x, weights, bias = (*inputs, None)[:3]
        assert x is not None
        assert weights is not None
        return (self.finish_float(self.sums(x.astype(np.float32), weights), bias),)
