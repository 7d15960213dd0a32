"""What convolutions and fully connected layers share: int8 weights, int32 sums, requantization per output channel."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from seatool.ir import Array, DType, Tensor
from seatool.kernels.base import Code, Constant, Operator, Ref, require_int8
from seatool.kernels.fixed_point import (
    Int64,
    activation_range,
    clamp_float,
    factor_problems,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    wrap_int32,
)
from seatool.rounding import ceil_div


class Form(Code):
    """How C requantizes, see firmware/nn/nn_requantize.h."""

    EXACT = 0
    SHORT = 1
    SHORT_RELU = 2


EXACT, SHORT, SHORT_RELU = Form

_SHORT_SUM = 1 << 30
_SHORT_SHIFTS = range(1, 23)


class WeightedOperator(Operator):
    """An operator with inputs (x, weights, optional bias), unless the indices say otherwise.

    The weights are int8 with zero point 0, quantized per tensor or per output channel.
    """

    most_inputs = 3

    channel_axis: ClassVar[int]
    """The axis of the weights that runs over output channels."""
    data_index: ClassVar[int] = 0
    bias_index: ClassVar[int] = 2
    bias_types: ClassVar[tuple[DType, ...]] = (DType.INT32,)

    @property
    def data(self) -> Tensor:
        """The activations."""
        return self.input(self.data_index)

    @property
    def weights(self) -> Tensor:
        return self.input(1)

    @property
    def out_channels(self) -> int:
        return self.weights.shape[self.channel_axis]

    @property
    def bias(self) -> npt.NDArray[np.int32]:
        """int32[out_channels]; zeros where the operator has none."""
        tensor = self.optional(self.bias_index)
        data = None if tensor is None else tensor.data
        return np.zeros(self.out_channels, np.int32) if data is None else data.reshape(-1).astype(np.int32)

    @property
    def input_offset(self) -> int:
        return -self.data.zero_point

    @property
    def output_range(self) -> tuple[int, int]:
        """The fused activation's clamp."""
        return activation_range(self.attributes.fused_activation_function, self.output)

    def scale_products(self) -> list[float]:
        """input scale * weights scale / output scale, per output channel.

        In double, as TFLM does it (kernels/kernel_util.cc), also where one scale serves all weights.
        """
        quant = self.weights.quant
        assert quant is not None
        scales = quant.scale if len(quant.scale) == self.out_channels else quant.scale * self.out_channels
        return [self.data.scale * scale / self.output.scale for scale in scales]

    @cached_property
    def multipliers(self) -> tuple[Int64, Int64]:
        """Fixed-point multiplier and shift of each output channel."""
        pairs = [quantize_multiplier(real) for real in self.scale_products()]
        multiplier, shift = np.array(pairs, np.int64).T
        return multiplier, shift

    def weighted_problems(self) -> Iterator[str]:
        """What is wrong with the tensors' types, quantization and number of channels."""
        activations = list(self.activation_problems())
        yield from activations
        yield from _constant_problems(self.weights, "weights", DType.INT8)
        quant, bias = self.weights.quant, self.optional(self.bias_index)
        if quant is None:
            yield f"the weights {self.weights.name} have no quantization"
        elif any(quant.zero_point):
            yield f"the weights {self.weights.name} have a zero point other than 0"
        elif len(quant.scale) not in (1, self.out_channels):
            yield f"the weights have {len(quant.scale)} scales for {self.out_channels} output channels"
        if bias is not None:
            yield from _constant_problems(bias, "bias", *self.bias_types)
            if bias.elements != self.out_channels:
                yield f"the bias has {bias.elements} elements for {self.out_channels} output channels"
        if self.attributes.fused_activation_function not in (0, 1, 2, 3):
            yield f"fused activation {self.attributes.fused_activation_function.name} is not supported"
        if quant is not None and not activations:
            yield from self.scale_problems(self.data.scale * max(quant.scale) / self.output.scale)

    def activation_problems(self) -> Iterator[str]:
        """What is wrong with the type and the quantization of input and output."""
        yield from require_int8(self, self.data, self.output)

    def scale_problems(self, largest: float) -> Iterator[str]:
        """What is wrong with the factors from sums to outputs, of which this is the largest."""
        yield from factor_problems(largest)

    def requantize(self, sums: Array, bias: Array | None) -> Array:
        """int8 outputs from exact sums whose last axis is the output channel."""
        total = np.rint(sums).astype(np.int64) + (0 if bias is None else bias.reshape(-1).astype(np.int64))
        scaled = multiply_by_quantized_multiplier(wrap_int32(total), *self.multipliers) + self.output.zero_point
        return np.clip(scaled, *self.output_range).astype(np.int8)

    def finish_float(self, sums: Array, bias: Array | None) -> Array:
        """Real outputs: bias and activation."""
        total = sums if bias is None else sums + bias.reshape(-1)
        return clamp_float(self.attributes.fused_activation_function, total).astype(np.float32)

    @cached_property
    def filters(self) -> Int64:
        """The weights as one row per output channel: int64[out_channels, taps]."""
        assert self.weights.data is not None
        moved = np.moveaxis(self.weights.data, self.channel_axis, 0)
        return moved.reshape(self.out_channels, -1).astype(np.int64)

    @property
    def folded_bias(self) -> npt.NDArray[np.int32]:
        """The bias plus the input's offset times the sum of each channel's weights, modulo 2^32.

        With it the kernels multiply inputs as they are, and padding is the zero point: the same sums as TFLM's.
        """
        total: Int64 = self.bias + self.input_offset * self.filters.sum(axis=1)
        return (total & 0xFFFFFFFF).astype(np.uint32).view(np.int32)

    @property
    def operand_range(self) -> tuple[int, int]:
        """The values that an input may have once its offset is added; padding is 0."""
        return min(-128 + self.input_offset, 0), max(127 + self.input_offset, 0)

    @cached_property
    def requantize_form(self) -> Code:
        """The cheapest form of nn_requantize.h that is exact for every input, proven from weights, bias and shifts."""
        low, high = self.operand_range
        positive, negative = np.maximum(self.filters, 0).sum(axis=1), np.minimum(self.filters, 0).sum(axis=1)
        reach = np.abs(self.bias.astype(np.int64)) + np.maximum(
            high * positive + low * negative, -(low * positive + high * negative)
        )
        _, shift = self.multipliers
        if (reach >= _SHORT_SUM).any() or not all(-s in _SHORT_SHIFTS for s in shift.tolist()):
            return EXACT
        return SHORT_RELU if self.output_range[0] >= self.output.zero_point else SHORT

    @property
    def output_instructions(self) -> int:
        """Of requantizing, clamping and storing one output, loop included."""
        clamping = 0 if self.output_range == (-128, 127) else 3 if self.output_range[0] == -128 else 5
        return {EXACT: 24, SHORT: 8, SHORT_RELU: 7}[Form(self.requantize_form)] + clamping

    def exact_type(self) -> type[np.float32] | type[np.float64]:
        """The float type that holds every partial sum exactly, so that the reference can use BLAS."""
        low, high = self.operand_range
        reach = max(-low, high) * int(np.abs(self.filters).sum(axis=1).max())
        return np.float32 if reach < 1 << 24 else np.float64


def _constant_problems(tensor: Tensor, role: str, *dtypes: DType) -> Iterator[str]:
    if tensor.dtype not in dtypes:
        supported = " and ".join(dtype.value for dtype in dtypes)
        verb = "is" if len(dtypes) == 1 else "are"
        yield f"the {role} {tensor.name} are {tensor.dtype.value}; only {supported} {verb} supported here"
    if tensor.data is None:
        yield f"the {role} {tensor.name} are not constant"


def channel_constants(op: WeightedOperator, weights: npt.NDArray[np.int8]) -> tuple[Constant, ...]:
    """Weights, bias and the fixed-point multipliers of the output channels."""
    multiplier, shift = op.multipliers
    return (
        Constant("weights", weights),
        Constant("bias", op.folded_bias, "includes the input's offset"),
        Constant("multiplier", multiplier.astype(np.int32), "of 2^31"),
        Constant("shift", shift.astype(np.int8), "left"),
    )


BUFFERS = {
    "input": Ref("input"),
    "output": Ref("output"),
    "scratch": Ref("scratch"),
    **{name: Ref("constant", name) for name in ("weights", "bias", "multiplier", "shift")},
}
"""The pointers that every kernel's arguments have."""


_BLOCK = 4


def output_blocks(filters: Int64) -> npt.NDArray[np.int8]:
    """Weights as nn_fully_connected_s8 reads them: blocks of four outputs, in a block word by word of four taps.

    Args:
        filters: (out channels, taps).
    """
    count, taps = filters.shape
    words = np.pad(filters.astype(np.int8), ((0, 0), (0, -taps % 4))).reshape(count, -1, 4)
    blocks = [words[i : i + _BLOCK].swapaxes(0, 1).reshape(-1) for i in range(0, count, _BLOCK)]
    return np.concatenate(blocks)


def vector_instructions(op: WeightedOperator, taps: int) -> int:
    """Estimate for nn_fully_connected_s8 on one vector of ``taps`` values."""
    words, (blocks, rest) = ceil_div(taps, 4), divmod(op.out_channels, _BLOCK)
    widened = 6 * words + blocks * (40 + 23 * words) if blocks else 0
    alone = 20 + words * (4 + 5 * rest) if rest else 0
    return 20 + widened + alone + op.out_channels * (12 + op.output_instructions)
