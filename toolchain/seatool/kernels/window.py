"""Windows that slide over an image: how many fit and how much is padded, as TFLite counts.

Source: tensorflow/lite/kernels/padding.h.
"""

from __future__ import annotations

from dataclasses import dataclass

from seatool.kernels.base import Padding


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
        output = -(-size // stride) if padding is Padding.SAME else (size + stride - reach) // stride
        total = max((output - 1) * stride + reach - size, 0)
        return cls(size, kernel, stride, dilation, output, total // 2, total - total // 2)

    @property
    def taps(self) -> int:
        """Places that the windows see, padding not counted, summed over all outputs."""
        reach = self.kernel * self.dilation
        starts = (i * self.stride - self.before for i in range(self.output))
        return sum(sum(0 <= p < self.size for p in range(s, s + reach, self.dilation)) for s in starts)

    @property
    def whole(self) -> int:
        """Outputs whose window reaches over no edge."""
        reach = (self.kernel - 1) * self.dilation + 1
        starts = (i * self.stride - self.before for i in range(self.output))
        return sum(start >= 0 and start + reach <= self.size for start in starts)
