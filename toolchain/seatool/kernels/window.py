"""Windows that slide over an image: how many fit and how much is padded, as TFLite counts.

Source: tensorflow/lite/kernels/padding.h.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from seatool.kernels.base import Padding
from seatool.rounding import ceil_div

TFLM_LARGEST = (1 << 15) - 1
"""Of padding, and of a convolution's strides and dilations: TFLM's parameters are int16 (kernels/internal/types.h)."""

_MOST_TAPS = 1 << 20
_MOST_PADDED = 1 << 26


@dataclass(frozen=True)
class Axis:
    """A window along one axis. ``before`` and ``after`` are the padded places at the ends.

    >>> Axis.of(Padding.SAME, size=50, kernel=3, stride=2)
    Axis(size=50, kernel=3, stride=2, dilation=1, output=25, before=0, after=1)
    """

    size: int
    kernel: int
    stride: int
    dilation: int
    output: int
    before: int
    after: int

    @classmethod
    def of(cls, padding: Padding, size: int, kernel: int, stride: int, dilation: int = 1) -> Axis:
        """The window of ``kernel`` taps over ``size`` places; ``output`` < 1 where none fits."""
        reach = (kernel - 1) * dilation + 1
        output = ceil_div(size, stride) if padding is Padding.SAME else (size + stride - reach) // stride
        total = max((output - 1) * stride + reach - size, 0)
        return cls(size, kernel, stride, dilation, output, total // 2, total - total // 2)

    @classmethod
    def within(cls, margins: tuple[int, int], size: int, kernel: int, stride: int, dilation: int = 1) -> Axis:
        """The window over ``size`` places with so many padded in front and behind."""
        before, after = margins
        output = (before + size + after - (kernel - 1) * dilation - 1) // stride + 1
        return cls(size, kernel, stride, dilation, output, before, after)

    @property
    def taps(self) -> int:
        """Places that the windows see, padding not counted, summed over all outputs."""
        return sum(self._outputs_within(tap * self.dilation, 1) for tap in range(self.kernel))

    @property
    def whole(self) -> int:
        """Outputs whose window reaches over no edge."""
        return self._outputs_within(0, (self.kernel - 1) * self.dilation + 1)

    def _outputs_within(self, start: int, length: int) -> int:
        """Outputs of whose window the ``length`` places from ``start`` on lie in the image."""
        first = max(0, ceil_div(self.before - start, self.stride))
        last = min(self.output - 1, (self.size + self.before - start - length) // self.stride)
        return max(0, last - first + 1)


def size_problems(y: Axis, x: Axis, channels: int) -> Iterator[str]:
    """Windows that are larger than TFLM can count, or than any image needs."""
    edge, taps = max(y.before, y.after, x.before, x.after), y.kernel * x.kernel
    if edge > TFLM_LARGEST:
        yield f"the windows reach {edge:,} places over the edge; TFLM counts up to {TFLM_LARGEST:,}"
    elif taps > _MOST_TAPS or math.prod(a.before + a.size + a.after for a in (y, x)) * channels > _MOST_PADDED:
        yield f"the windows of {taps:,} places need more memory than there is"
