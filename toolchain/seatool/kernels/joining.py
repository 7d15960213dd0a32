"""CONCATENATION, PACK, SPLIT, SPLIT_V and UNPACK on int8 or int16: runs of one tensor from or to several."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seatool.ir import Array, Attributes, DType, Tensor
from seatool.kernels.base import (
    Activation,
    Call,
    Constant,
    Cost,
    Field,
    Operator,
    QuantizationRule,
    Ref,
    Shape,
    TFLiteForm,
    Variant,
    operator,
    require_quantized,
    require_quantized_or_float,
    variant,
)
from seatool.kernels.loops import copy_cost

_MAX_INPUTS = 10
"""TFLM's limit for CONCATENATION."""
_MAX_PARTS = 64
"""Room in the kernels' arguments (NN_CONCAT_INPUTS, NN_SPLIT_OUTPUTS)."""


@dataclass(frozen=True)
class ConcatenationAttributes(Attributes):
    """ConcatenationOptions of the TFLite schema."""

    axis: int
    fused_activation_function: Activation = Activation.NONE


@operator("CONCATENATION")
class Concatenation(Operator):
    """Tensors one behind the other along an axis. Source: TFLM concatenation.cc."""

    most_inputs = None
    tflite = TFLiteForm(2, range(1, 5), 10, (Field("axis", 0, "int32"), Field("fused_activation_function", 1, "int8")))
    also_float = True
    attributes_type = ConcatenationAttributes
    quantization = QuantizationRule(same_scale=True)
    limits = "up to 10 inputs, all quantized alike; no fused activation"

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Attributes:
        return ConcatenationAttributes(raw["axis"], Activation(raw["fused_activation_function"]))

    @property
    def parts(self) -> tuple[Tensor, ...]:
        return tuple(self.input(i) for i in range(len(self.inputs)))

    @property
    def axis(self) -> int:
        axis: int = self.attributes.axis
        return axis % len(self.output.shape)

    def output_shapes(self) -> Sequence[Shape]:
        shape = list(self.parts[0].shape)
        shape[self.attributes.axis] = sum(t.shape[self.attributes.axis] for t in self.parts)
        return [tuple(shape)]

    def problems(self) -> Iterator[str]:
        yield from require_quantized_or_float(self, *self.parts, self.output)
        if self.attributes.fused_activation_function is not Activation.NONE:
            yield "a fused activation is not supported"
        if len(self.parts) > _MAX_INPUTS:
            yield f"{len(self.parts)} inputs; TFLM takes up to {_MAX_INPUTS}"
        if any(t.quant != self.output.quant for t in self.parts):
            yield "inputs and output have different quantization"
        rank = len(self.output.shape)
        if not -rank <= self.attributes.axis < rank:
            yield f"axis {self.attributes.axis} does not exist in {rank} dimensions"
        elif not _fit(self.parts, self.output, self.axis):
            yield f"shapes {[list(t.shape) for t in self.parts]} do not make {list(self.output.shape)}"

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        return (np.concatenate([x for x in inputs if x is not None], axis=self.axis),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        return self.evaluate(*inputs)


def _fit(parts: Sequence[Tensor], whole: Tensor, axis: int) -> bool:
    """Whether ``parts`` make up ``whole`` along ``axis``."""
    around = (*whole.shape[:axis], *whole.shape[axis + 1 :])
    same = all(len(t.shape) == len(whole.shape) and (*t.shape[:axis], *t.shape[axis + 1 :]) == around for t in parts)
    return same and sum(t.shape[axis] for t in parts) == whole.shape[axis]


@dataclass(frozen=True)
class PackAttributes(Attributes):
    """PackOptions of the TFLite schema."""

    values_count: int
    axis: int = 0


@operator("PACK")
class Pack(Operator):
    """Tensors of one shape side by side along a new axis. Source: TFLM pack.cc."""

    most_inputs = None
    tflite = TFLiteForm(83, range(1, 5), 59, (Field("values_count", 0, "int32"), Field("axis", 1, "int32")))
    attributes_type = PackAttributes
    quantization = QuantizationRule(same_scale=True)
    limits = "up to 64 inputs, all quantized alike"

    @property
    def parts(self) -> tuple[Tensor, ...]:
        return tuple(self.input(i) for i in range(len(self.inputs)))

    @property
    def axis(self) -> int:
        axis: int = self.attributes.axis
        return axis % len(self.output.shape)

    def output_shapes(self) -> Sequence[Shape]:
        shape = list(self.parts[0].shape)
        shape.insert(self.attributes.axis % (len(shape) + 1), len(self.parts))
        return [tuple(shape)]

    def problems(self) -> Iterator[str]:
        yield from require_quantized(self, *self.parts, self.output)
        yield from _stacked(self.parts, self.output, self.attributes.axis)
        if self.attributes.values_count != len(self.parts):
            yield f"values_count is {self.attributes.values_count} with {len(self.parts)} inputs"
        if any(t.quant != self.output.quant for t in self.parts):
            yield "inputs and output have different quantization"

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        return (np.stack([x for x in inputs if x is not None], axis=self.axis),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        return self.evaluate(*inputs)


def _stacked(parts: Sequence[Tensor], whole: Tensor, axis: int) -> Iterator[str]:
    """Why ``parts`` do not make up ``whole`` along an axis that they do not have."""
    rank = len(whole.shape)
    if len(parts) > _MAX_PARTS:
        yield f"{len(parts)} parts; up to {_MAX_PARTS} are supported"
    if not -rank <= axis < rank:
        yield f"axis {axis} does not exist in {rank} dimensions"
        return
    axis %= rank
    expected = (*whole.shape[:axis], *whole.shape[axis + 1 :])
    if whole.shape[axis] != len(parts) or any(t.shape != expected for t in parts):
        yield f"{[list(t.shape) for t in parts]} side by side are not {list(whole.shape)}"


@dataclass(frozen=True)
class SplitAttributes(Attributes):
    """SplitOptions and SplitVOptions of the TFLite schema."""

    num_splits: int = 0


class Splitting(Operator):
    """A tensor cut into pieces along an axis."""

    most_outputs = None
    attributes_type = SplitAttributes
    quantization = QuantizationRule(same_scale=True)
    limits = "constant axis; up to 64 outputs"
    data_index: int
    axis_index: int

    @property
    def whole(self) -> Tensor:
        return self.input(self.data_index)

    @property
    def axis(self) -> int:
        return int(self.constant(self.axis_index).reshape(-1)[0]) % len(self.whole.shape)

    @abstractmethod
    def sizes(self) -> list[int]:
        """Of the pieces along the axis."""

    def output_shapes(self) -> Sequence[Shape]:
        shape, axis = self.whole.shape, self.axis
        return [(*shape[:axis], size, *shape[axis + 1 :]) for size in self.sizes()]

    def problems(self) -> Iterator[str]:
        yield from require_quantized(self, self.whole, *self.outputs)
        axis, rank = self.input(self.axis_index), len(self.whole.shape)
        if len(self.outputs) > _MAX_PARTS:
            yield f"{len(self.outputs)} outputs; up to {_MAX_PARTS} are supported"
        if axis.data is None or axis.dtype is not DType.INT32 or axis.elements != 1:
            yield "the axis is not one constant int32"
        elif not -rank <= int(axis.data.reshape(-1)[0]) < rank:
            yield f"axis {int(axis.data.reshape(-1)[0])} does not exist in {rank} dimensions"
        elif not _fit(self.outputs, self.whole, self.axis):
            yield f"{list(self.whole.shape)} does not make {[list(t.shape) for t in self.outputs]}"

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        x = inputs[self.data_index]
        assert x is not None
        cuts = np.cumsum([t.shape[self.axis] for t in self.outputs])[:-1]
        return tuple(np.ascontiguousarray(part) for part in np.split(x, cuts, axis=self.axis))

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        return self.evaluate(*inputs)


@operator("SPLIT")
class Split(Splitting):
    """Equal pieces. Source: TFLM split.cc."""

    most_inputs = 2
    tflite = TFLiteForm(49, range(1, 5), 35, (Field("num_splits", 0, "int32"),))
    data_index, axis_index = 1, 0

    def sizes(self) -> list[int]:
        return [self.whole.shape[self.axis] // len(self.outputs)] * len(self.outputs)

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        if len({t.shape for t in self.outputs}) > 1:
            yield "the pieces are not equal"


@operator("SPLIT_V")
class SplitV(Splitting):
    """Pieces of given sizes. Source: TFLM split_v.cc."""

    most_inputs = 3
    tflite = TFLiteForm(102, range(1, 3), 79, (Field("num_splits", 0, "int32"),))
    data_index, axis_index = 0, 2

    def sizes(self) -> list[int]:
        sizes = [int(size) for size in self.constant(1).reshape(-1)]
        rest = self.whole.shape[self.axis] - sum(size for size in sizes if size >= 0)
        return [rest if size < 0 else size for size in sizes]


@dataclass(frozen=True)
class UnpackAttributes(Attributes):
    """UnpackOptions of the TFLite schema."""

    num: int
    axis: int = 0


@operator("UNPACK")
class Unpack(Operator):
    """The slices of a tensor along an axis, without that axis. Source: TFLM unpack.cc."""

    most_outputs = None
    tflite = TFLiteForm(88, range(1, 5), 64, (Field("num", 0, "int32"), Field("axis", 1, "int32")))
    attributes_type = UnpackAttributes
    quantization = QuantizationRule(same_scale=True)
    limits = "up to 64 outputs"
    data_index = 0

    @property
    def whole(self) -> Tensor:
        return self.input(0)

    @property
    def axis(self) -> int:
        axis: int = self.attributes.axis
        return axis % len(self.whole.shape)

    def output_shapes(self) -> Sequence[Shape]:
        shape = self.whole.shape
        return [(*shape[: self.axis], *shape[self.axis + 1 :])] * len(self.outputs)

    def problems(self) -> Iterator[str]:
        yield from require_quantized(self, self.whole, *self.outputs)
        yield from _stacked(self.outputs, self.whole, self.attributes.axis)
        if self.attributes.num != len(self.outputs):
            yield f"num is {self.attributes.num} with {len(self.outputs)} outputs"

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        (x,) = inputs
        assert x is not None
        return tuple(part.copy() for part in np.moveaxis(x, self.axis, 0))

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        return self.evaluate(*inputs)


class _Runs(Variant):
    """Copies of whole runs."""

    def cost(self, op: Any) -> Cost:
        whole, parts, axis = self.arrangement(op)
        rows = math.prod(whole.shape[:axis])
        copies = sum(copy_cost(run) for run in self.runs(op))
        return Cost(rows * (copies + 3) + 20, 0, 30 + 24 * len(parts))

    @abstractmethod
    def arrangement(self, op: Any) -> tuple[Tensor, tuple[Tensor, ...], int]:
        """The whole tensor, its parts, and the axis along which they lie."""

    def runs(self, op: Any) -> tuple[int, ...]:
        """Neighbouring bytes of each part."""
        _, parts, axis = self.arrangement(op)
        return tuple(math.prod(t.shape[axis:]) * t.dtype.size for t in parts)

    def counts(self, op: Any) -> dict[str, Any]:
        whole, parts, axis = self.arrangement(op)
        return {"runs": self.runs(op), "count": len(parts), "rows": math.prod(whole.shape[:axis])}


@variant(Concatenation, Pack)
class ConcatenateRuns(_Runs):
    """Runs of each input in turn."""

    name, header = "runs", "nn_concat_s8.h"

    def arrangement(self, op: Concatenation | Pack) -> tuple[Tensor, tuple[Tensor, ...], int]:
        return op.output, op.parts, op.axis

    def constants(self, op: Concatenation | Pack) -> tuple[Constant, ...]:
        return tuple(Constant(f"input{i}", t.data) for i, t in enumerate(op.parts) if t.data is not None)

    def call(self, op: Concatenation | Pack) -> Call:
        refs = tuple(Ref("constant", f"input{i}") if t.is_constant else Ref("input", i) for i, t in enumerate(op.parts))
        fields = {"inputs": refs, "output": Ref("output")} | self.counts(op)
        return Call("nn_concat_s8", "nn_concat_s8_args", fields)


@variant(Split, SplitV, Unpack)
class SplitRuns(_Runs):
    """Runs to each output in turn."""

    name, header = "runs", "nn_split_s8.h"

    def arrangement(self, op: Splitting | Unpack) -> tuple[Tensor, tuple[Tensor, ...], int]:
        return op.whole, op.outputs, op.axis

    def call(self, op: Splitting | Unpack) -> Call:
        outputs = tuple(Ref("output", i) for i in range(len(op.outputs)))
        fields = {"input": Ref("input", op.data_index), "outputs": outputs} | self.counts(op)
        return Call("nn_split_s8", "nn_split_s8_args", fields)
