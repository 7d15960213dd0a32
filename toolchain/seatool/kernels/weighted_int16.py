"""What weight operators on int16 activations share (TFLite's 16x8 quantization): sums of 64 or 32 bits, rescaled."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from seatool.ir import Array, DType
from seatool.kernels.base import Code, Constant, Ref
from seatool.kernels.fixed_point import (
    Int64,
    factor_problems,
    multiply_by_quantized_multiplier,
    multiply_by_reduced_multiplier,
    reduced_multiplier,
    wrap_int32,
)
from seatool.kernels.weighted import BUFFERS, WeightedOperator
from seatool.rounding import ceil_div


class Form(Code):
    """How C rescales sums, see firmware/nn/nn_requantize_s16.h."""

    HIGH = 0
    WIDE = 1
    SHORT = 2
    EXACT = 3

    @property
    def c_name(self) -> str:
        return f"{super().c_name}_S16"


HIGH, WIDE, SHORT, EXACT = Form

_HIGH_SHIFTS = range(1, 18)
_SHORT_SHIFTS = range(1, 23)
_SHORT_SUM = 1 << 30
_LARGEST_SHIFT = 7
_LARGEST_SUM = 1 << 47
_REACH = 1 << 15
"""Of an activation: its largest magnitude."""
_INT32, _INT64 = 2, 4
"""Of TFLite's TensorType."""


class WideWeightedOperator(WeightedOperator):
    """A weight operator whose activations are int16 with zero point 0.

    With an int32 bias, sums are int32, wrap, and are rescaled as those of int8; otherwise they are int64 and are
    rescaled by multipliers of 16 bits, rounding once. Without a bias an option chooses.
    """

    bias_types: ClassVar[tuple[DType, ...]] = (DType.INT64, DType.INT32)

    @property
    def bias(self) -> Int64:  # type: ignore[override]
        """int64[out_channels]; zeros where the operator has none."""
        tensor = self.optional(self.bias_index)
        data = None if tensor is None else tensor.data
        return np.zeros(self.out_channels, np.int64) if data is None else data.reshape(-1).astype(np.int64)

    @property
    def has_int32_sums(self) -> bool:
        """As TFLM chooses it."""
        bias = self.optional(self.bias_index)
        if bias is None:
            return DType.INT32 in self.bias_types and getattr(self.attributes, "quantized_bias_type", 0) == _INT32
        return bias.dtype is DType.INT32

    def activation_problems(self) -> Iterator[str]:
        for tensor in (self.data, self.output):
            if tensor.dtype is not DType.INT16:
                yield f"{tensor.name} is {tensor.dtype.value}; input and output must both be int16"
            elif tensor.quant is None or tensor.quant.axis is not None:
                yield f"{tensor.name} has no per-tensor quantization"
            elif tensor.zero_point != 0:
                yield f"{tensor.name} is int16 with a zero point other than 0"

    def scale_problems(self, largest: float) -> Iterator[str]:
        if self.has_int32_sums:
            yield from factor_problems(largest)
        elif largest >= 1 << 30 or int(self.multipliers[1].max()) > _LARGEST_SHIFT:
            yield f"the scales are too far apart (a factor of {largest:g}; TFLM takes up to 128 for int64 sums)"
        elif self.weights.data is not None and len(self.bias) == self.out_channels:
            limit = self.limit_of(self.filters)
            if limit >= _LARGEST_SUM:
                yield f"the sums may be as large as {limit:,}; TFLM takes up to 2^47"

    @property
    def operand_range(self) -> tuple[int, int]:
        return -_REACH, _REACH - 1

    @cached_property
    def sum_limit(self) -> int:
        """No sum is larger, bias included."""
        return self.limit_of(self.filters)

    def limit_of(self, filters: Int64) -> int:
        """The same with ``filters`` (out channels, taps)."""
        sums = (np.abs(filters).sum(axis=1) * _REACH).tolist()
        return int(max(total + abs(bias) for total, bias in zip(sums, self.bias.tolist(), strict=True)))

    def requantize(self, sums: Array, bias: Array | None) -> Array:
        """int16 outputs from exact sums whose last axis is the output channel."""
        total: Int64 = np.rint(sums).astype(np.int64) + (0 if bias is None else bias.reshape(-1).astype(np.int64))
        if self.has_int32_sums:
            scaled = multiply_by_quantized_multiplier(wrap_int32(total), *self.multipliers)
        else:
            scaled = multiply_by_reduced_multiplier(total, *self.multipliers)
        return np.clip(scaled, *self.output_range).astype(np.int16)

    @cached_property
    def requantize_form(self) -> Code:
        """The cheapest form of nn_requantize_s16.h that is exact for every input, proven from weights, bias, shifts."""
        multiplier, shift = self.multipliers
        if self.has_int32_sums:
            is_short = self.sum_limit < _SHORT_SUM and all(-s in _SHORT_SHIFTS for s in shift.tolist())
            return SHORT if is_short else EXACT
        fits = all(-s in _HIGH_SHIFTS for s in shift[multiplier != 0].tolist())
        return HIGH if fits and self.sum_limit < 1 << 31 else WIDE

    @property
    def output_instructions(self) -> int:
        """Of rescaling, clamping and storing one output, loop included."""
        clamping = 0 if self.output_range == (-_REACH, _REACH - 1) else 3 if self.output_range[0] == -_REACH else 5
        return {HIGH: 4, WIDE: 26, SHORT: 8, EXACT: 24}[Form(self.requantize_form)] + clamping

    @property
    def output_code(self) -> int:
        """Bytes of code that rescaling takes beyond HIGH, wherever a kernel has it."""
        return {HIGH: 0, WIDE: 95, SHORT: 20, EXACT: 30}[Form(self.requantize_form)]

    def chunk_words(self, filters: Int64) -> int:
        """Words of four taps, any so many of which in a row have sums that fit 32 bits whatever the input: all of them,
        or as many as make chunks of equal length.

        Args:
            filters: (out channels, taps).
        """
        words = ceil_div(filters.shape[1], 4)
        if self.requantize_form != WIDE:
            return words
        padded = np.abs(np.pad(filters, ((0, 0), (0, -filters.shape[1] % 4))))
        before = np.pad(padded.reshape(len(filters), words, 4).sum(axis=2).cumsum(axis=1), ((0, 0), (1, 0)))
        sizes = (ceil_div(words, chunks) for chunks in range(1, words + 1))
        return next(size for size in sizes if int((before[:, size:] - before[:, :-size]).max()) * _REACH < 1 << 31)

    def sum_constants(self) -> tuple[Constant, ...]:
        """Bias, multipliers and shifts of the output channels as nn_requantize_s16.h wants them."""
        (multiplier, shift), form, bias = self.multipliers, self.requantize_form, self.bias
        if form in (SHORT, EXACT):
            short = Constant("bias", bias.astype(np.int32))
            factors = Constant("multiplier", multiplier.astype(np.int32), "of 2^31")
            return short, factors, Constant("shift", shift.astype(np.int8), "left")
        reduced = reduced_multiplier(multiplier)
        if form == HIGH:
            high = reduced << np.where(multiplier != 0, _HIGH_SHIFTS[-1] + shift, 0)
            return Constant("bias", bias.astype(np.int32)), Constant("multiplier", high.astype(np.int32), "of 2^32")
        return (
            Constant("bias", bias.astype("<i8").view("<i4").astype(np.int32), "two words each, the low one first"),
            Constant("multiplier", reduced.astype(np.int32), "of 2^15"),
            Constant("shift", (15 - shift).astype(np.int8), "right"),
        )


def exchanged(rows: Int64) -> npt.NDArray[np.int8]:
    """Rows of weights padded with zeros to whole words of four, the middle two of each word exchanged.

    SXTB16 makes of such a word the lanes (w0, w1) and (w2, w3).
    """
    padded = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4))).reshape(len(rows), -1, 4)
    return padded[:, :, [0, 2, 1, 3]].reshape(len(rows), -1).astype(np.int8)


def buffers(op: WideWeightedOperator) -> dict[str, Ref]:
    """The pointers of a kernel's arguments."""
    return {name: ref for name, ref in BUFFERS.items() if name != "shift" or op.requantize_form != HIGH}


_BLOCK = 4


def vector_instructions(op: WideWeightedOperator, taps: int) -> int:
    """Estimate for nn_fully_connected_s16 on one vector of ``taps`` values."""
    words, (blocks, rest) = ceil_div(taps, 4), divmod(op.out_channels, _BLOCK)
    chunks = ceil_div(words, op.chunk_words(op.filters))
    whole = blocks * (8 + 24 * chunks + 23 * words)
    alone = 20 + words * (5 + 5 * rest) if rest else 0
    return whole + alone + op.out_channels * (8 + op.output_instructions + (chunks > 1) * 4 * chunks)


def vector_code(op: WideWeightedOperator) -> int:
    """Estimate of the bytes of code of nn_fully_connected_s16 without its assembly."""
    blocks, rest = divmod(op.out_channels, _BLOCK)
    return (160 + _BLOCK * op.output_code) * (blocks > 0) + (250 + rest * op.output_code) * (rest > 0)
