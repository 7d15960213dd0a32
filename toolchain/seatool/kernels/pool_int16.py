"""MAX_POOL_2D and AVERAGE_POOL_2D on int16: kernels and how they are called."""

from __future__ import annotations

from collections.abc import Iterator

from seatool.kernels.base import require_int16, variant, wide
from seatool.kernels.pool import AveragePool2D, MaxPool2D, Pool2D, PoolKernel, WindowCost

_MOST_VALUES = 65535
"""Of a window, so that their sum fits 32 bits."""


class _Wide(Pool2D):
    def type_problems(self) -> Iterator[str]:
        yield from require_int16(self.input(0), self.output)


@wide(MaxPool2D)
class MaxPool2DInt16(_Wide, MaxPool2D):
    """Largest value of each window; padding does not take part. Source: TFLM integer_ops/pooling.h."""


@wide(AveragePool2D)
class AveragePool2DInt16(_Wide, AveragePool2D):
    """Mean of each window without its padding, ties away from zero. Source: TFLM integer_ops/pooling.h."""

    def type_problems(self) -> Iterator[str]:
        yield from super().type_problems()
        if self.attributes.filter_height * self.attributes.filter_width > _MOST_VALUES:
            yield f"windows have more than {_MOST_VALUES} values"


@variant(MaxPool2DInt16)
class MaxOneChannelInt16(PoolKernel):
    """One channel at a time."""

    name, header, function = "max_x1_s16", "nn_max_pool_s16.h", "nn_max_pool_s16"
    window, code_bytes = WindowCost(6, 4, 6.8, 12, 8.5), 100


@variant(AveragePool2DInt16)
class AverageOneChannelInt16(PoolKernel):
    """One channel at a time."""

    name, header, function = "average_x1_s16", "nn_average_pool_s16.h", "nn_average_pool_s16"
    window, code_bytes = WindowCost(4, 3.5, 5, 12, 7.5), 100
    cycles_per_instruction = 1.1
