"""CONV_2D with the MAX_POOL_2D behind it, as one internal operator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from seatool.ir import Array, Attributes, Graph, Op
from seatool.kernels.base import Code, Shape, composition, operator
from seatool.kernels.conv_2d import Conv2D, Conv2DAttributes
from seatool.kernels.pool import MaxPool2D
from seatool.kernels.weighted import WeightedOperator


class Pool(Code):
    """Windows of the maximum. ``TWO_BY_TWO`` has stride 2 and drops an odd last row or column."""

    NONE = 0
    TWO_BY_TWO = 1
    GLOBAL = 2

    @property
    def c_name(self) -> str:
        return f"NN_POOL_{self.name}"


@dataclass(frozen=True)
class ConvMaxPoolAttributes(Attributes):
    conv: Conv2DAttributes
    pool: Pool


@operator("CONV_2D_MAX_POOL")
class ConvMaxPool(WeightedOperator):
    """Inputs as CONV_2D, output as MAX_POOL_2D without an activation of its own. Internal: no file holds it.

    Kernels take the maximum of the sums. That is the same, bit for bit, because requantization never decreases where
    nothing wraps: its multiplier is not negative.
    """

    attributes_type = ConvMaxPoolAttributes
    channel_axis = 0

    def __init__(self, op: Op, graph: Graph) -> None:
        super().__init__(op, graph)
        alone = replace(op, attributes=self.attributes.conv)
        y, x = Conv2D(alone, graph).axes()
        between = replace(self.output, shape=(self.input(0).shape[0], y.output, x.output, self.out_channels))
        self.conv = Conv2D(alone, replace(graph, tensors={**graph.tensors, between.name: between}))
        """The convolution alone; its output has the quantization of ours."""

    @cached_property
    def pool(self) -> Pool:
        return Pool(self.attributes.pool)

    def output_shapes(self) -> Sequence[Shape]:
        batches, height, width, channels = self.conv.output.shape
        pooled = (1, 1) if self.pool is Pool.GLOBAL else (height // 2, width // 2)
        return [(batches, *pooled, channels)]

    def problems(self) -> Iterator[str]:
        yield from self.conv.problems()
        (expected,) = self.output_shapes()
        if self.pool is Pool.NONE or 0 in expected:
            yield "nothing to pool"
        if self.output.shape != expected:
            yield f"the output's shape is {list(self.output.shape)}; input and options make it {list(expected)}"

        if self._may_wrap():
            yield "sums or their left shift may wrap, so that a larger sum may give a smaller output"

    def _may_wrap(self) -> bool:
        low, high = self.conv.operand_range
        filters, (_, shift) = self.conv.filters, self.conv.multipliers
        reach = max(-low, high) * np.abs(filters).sum(axis=1) + np.abs(self.conv.bias.astype(np.int64))
        return bool((reach >= 1 << 31 - np.maximum(shift, 0)).any())

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        (y,) = self.conv.evaluate(*inputs)
        return (self._maximum(y),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        (y,) = self.conv.evaluate_float(*inputs)
        return (self._maximum(y),)

    def _maximum(self, y: Array) -> Array:
        if self.pool is Pool.GLOBAL:
            return np.asarray(y.max(axis=(1, 2), keepdims=True))
        _, height, width, _ = self.output.shape
        whole = y[:, : 2 * height, : 2 * width]
        return np.asarray(whole.reshape(-1, height, 2, width, 2, y.shape[3]).max(axis=(2, 4)))

    def macs(self) -> int:
        return self.conv.macs()


@composition(Conv2D, MaxPool2D)
def conv_max_pool(conv: Conv2D, pool: MaxPool2D, graph: Graph) -> ConvMaxPool | None:
    """Both as one; None for other windows, where the pooling clamps what the convolution does not, or where its
    output's scale differs: TFLM lets pooling pass values through between scales that are nearly the same.
    """
    (low, high), (least, most) = conv.output_range, pool.output_range
    kind = _pool_of(pool)
    if kind is Pool.NONE or low < least or high > most or conv.output.quant != pool.output.quant:
        return None
    attributes = ConvMaxPoolAttributes(conv.attributes, kind)
    op = Op(conv.op.name, ConvMaxPool.kind, conv.op.inputs, pool.op.outputs, attributes, conv.op.version)
    both = ConvMaxPool(op, graph)
    return None if any(both.problems()) else both


def _pool_of(pool: MaxPool2D) -> Pool:
    y, x = pool.axes()
    if (y.kernel, x.kernel, y.stride, x.stride) == (2, 2, 2, 2) and not y.before + y.after + x.before + x.after:
        return Pool.TWO_BY_TWO
    whole = (y.kernel, x.kernel, y.output, x.output) == (y.size, x.size, 1, 1)
    return Pool.GLOBAL if whole else Pool.NONE
