"""GATHER, GATHER_ND and EMBEDDING_LOOKUP: int8 slices chosen by indices, which may be computed at run time."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seatool.ir import Array, Attributes, DType, Tensor
from seatool.kernels.base import (
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
    require_int8,
    variant,
)
from seatool.kernels.loops import copy_cost, strides

_MAX_INDICES = 5
"""TFLM's limit for the indices of one slice of GATHER_ND."""


class Take(Operator):
    """Slices of a tensor. Indices that do not exist are a problem in constants; those computed at run time, where TFLM
    fails or reads elsewhere, are taken as the nearest that does exist."""

    most_inputs = 2
    quantization = QuantizationRule(same_scale=True)
    limits = "int32 indices"
    data_index, indices_index = 0, 1

    @property
    def data(self) -> Tensor:
        return self.input(self.data_index)

    @property
    def indices(self) -> Tensor:
        return self.input(self.indices_index)

    def problems(self) -> Iterator[str]:
        yield from require_int8(self, self.data, self.output)
        if self.indices.dtype is not DType.INT32:
            yield f"the indices {self.indices.name} are {self.indices.dtype.value}, not int32"
            return
        found = list(self.argument_problems())
        yield from found
        if not found and self.taken_shape != self.output.shape:
            yield f"the output's shape is {list(self.output.shape)}, not {list(self.taken_shape)}"

    @abstractmethod
    def argument_problems(self) -> Iterator[str]:
        """What is wrong with the shapes, the options and constant indices."""

    @property
    @abstractmethod
    def taken_shape(self) -> tuple[int, ...]:
        """The output's shape."""

    def output_shapes(self) -> Sequence[Shape]:
        return [self.taken_shape]

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        return self.evaluate(*inputs)


class _AlongAxis(Take):
    """Slices along one axis, for each of some leading axes (batches) others."""

    @property
    @abstractmethod
    def axis(self) -> int: ...

    @property
    def batch_dims(self) -> int:
        return 0

    def argument_problems(self) -> Iterator[str]:
        shape, rank = self.data.shape, len(self.data.shape)
        if not 0 <= self.batch_dims <= self.axis < rank or self.batch_dims > len(self.indices.shape):
            yield f"axis {self.axis} or batch_dims {self.batch_dims} does not exist in {rank} dimensions"
        elif shape[: self.batch_dims] != self.indices.shape[: self.batch_dims]:
            yield f"{list(shape)} and the indices' {list(self.indices.shape)} have different batches"
        elif (indices := self.indices.data) is not None and not ((indices >= 0) & (indices < shape[self.axis])).all():
            yield f"some indices are not from 0 to {shape[self.axis] - 1}"

    @property
    def taken_shape(self) -> tuple[int, ...]:
        shape = self.data.shape
        return (*shape[: self.axis], *self.indices.shape[self.batch_dims :], *shape[self.axis + 1 :])

    def extents(self) -> dict[str, int]:
        """Batches, rows per batch, slices of the input per row, slices of the output per row, elements of a slice."""
        shape = self.data.shape
        return {
            "batches": math.prod(shape[: self.batch_dims]),
            "rows": math.prod(shape[self.batch_dims : self.axis]),
            "slices": shape[self.axis],
            "taken": math.prod(self.indices.shape[self.batch_dims :]),
            "slice": math.prod(shape[self.axis + 1 :]),
        }

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        x, indices = inputs[self.data_index], inputs[self.indices_index]
        assert x is not None
        assert indices is not None
        e = self.extents()
        flat = x.reshape(e["batches"], e["rows"], e["slices"], e["slice"])
        chosen = np.clip(indices, 0, e["slices"] - 1).reshape(e["batches"], e["taken"])
        parts = [rows[:, places] for rows, places in zip(flat, chosen, strict=True)]
        return (np.stack(parts).reshape(self.output.shape),)


@dataclass(frozen=True)
class GatherAttributes(Attributes):
    """GatherOptions of the TFLite schema."""

    axis: int = 0
    batch_dims: int = 0


@operator("GATHER")
class GatherSlices(_AlongAxis):
    """Slices along an axis. Source: TFLM gather.cc."""

    tflite = TFLiteForm(36, range(1, 8), 23, (Field("axis", 0, "int32"), Field("batch_dims", 1, "int32")))
    attributes_type = GatherAttributes

    @property
    def axis(self) -> int:
        axis: int = self.attributes.axis
        return axis + len(self.data.shape) if axis < 0 else axis

    @property
    def batch_dims(self) -> int:
        count: int = self.attributes.batch_dims
        return count + len(self.indices.shape) if count < 0 else count


@operator("EMBEDDING_LOOKUP")
class EmbeddingLookup(_AlongAxis):
    """Rows of a table. Source: TFLM embedding_lookup.cc."""

    tflite = TFLiteForm(7, range(1, 5))
    data_index, indices_index = 1, 0

    @property
    def axis(self) -> int:
        return 0

    def argument_problems(self) -> Iterator[str]:
        yield from super().argument_problems()
        if len(self.indices.shape) != 1 or len(self.data.shape) < 2:
            yield f"the indices have {len(self.indices.shape)} dimensions, the table {len(self.data.shape)}"


@operator("GATHER_ND")
class GatherNd(Take):
    """Slices by the indices of several axes. Source: TFLM gather_nd.cc."""

    tflite = TFLiteForm(107, range(1, 6), 83)
    limits = "int32 indices, up to 5 per slice"

    @property
    def depth(self) -> int:
        """Indices of one slice."""
        return self.indices.shape[-1]

    @property
    def steps(self) -> tuple[int, ...]:
        """Elements from one slice to the next along each of the indexed axes."""
        return strides(self.data.shape)[: self.depth]

    def argument_problems(self) -> Iterator[str]:
        if not self.indices.shape or not self.data.shape:
            yield "the data or the indices are a scalar"
        elif not self.depth <= min(len(self.data.shape), _MAX_INDICES):
            yield f"{self.depth} indices per slice of {len(self.data.shape)} dimensions; TFLM takes {_MAX_INDICES}"
        elif (indices := self.indices.data) is not None:
            limits = np.array(self.data.shape[: self.depth])
            if not ((indices >= 0) & (indices < limits)).all():
                yield f"some indices do not exist in {list(self.data.shape)}"

    @property
    def taken_shape(self) -> tuple[int, ...]:
        return (*self.indices.shape[:-1], *self.data.shape[self.depth :])

    @property
    def slice(self) -> int:
        """Elements of one slice."""
        return math.prod(self.data.shape[self.depth :])

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        x, indices = inputs
        assert x is not None
        assert indices is not None
        first = indices.astype(np.int64).reshape(-1, self.depth) @ np.array(self.steps, np.int64)
        first = np.clip(first, 0, x.size - self.slice)
        return (x.reshape(-1)[first[:, None] + np.arange(self.slice)].reshape(self.output.shape),)


class _TakeKernel(Variant):
    """Common to both kernels: where data and indices are."""

    def constants(self, op: Take) -> tuple[Constant, ...]:
        named = (("table", op.data), ("indices", op.indices))
        return tuple(Constant(name, tensor.data) for name, tensor in named if tensor.data is not None)

    def buffers(self, op: Take) -> dict[str, Any]:
        data = Ref("constant", "table") if op.data.is_constant else Ref("input", op.data_index)
        indices = Ref("constant", "indices") if op.indices.is_constant else Ref("input", op.indices_index)
        return {"input": data, "indices": indices, "output": Ref("output")}


@variant(GatherSlices, EmbeddingLookup)
class TakeSlices(_TakeKernel):
    """Slice by slice as blocks."""

    name, header = "slices", "nn_take_s8.h"

    def cost(self, op: _AlongAxis) -> Cost:
        e = op.extents()
        return Cost(e["batches"] * e["rows"] * (e["taken"] * (copy_cost(e["slice"]) + 10) + 10) + 20, 0, 80)

    def call(self, op: _AlongAxis) -> Call:
        return Call("nn_take_s8", "nn_take_s8_args", self.buffers(op) | op.extents())


@variant(GatherNd)
class TakeNd(_TakeKernel):
    """Slice by slice as blocks."""

    name, header = "slices", "nn_take_nd_s8.h"

    def cost(self, op: GatherNd) -> Cost:
        slices = op.output.elements // op.slice
        return Cost(slices * (copy_cost(op.slice) + 8 + 4 * op.depth) + 20, 0, 90)

    def call(self, op: GatherNd) -> Call:
        fields = self.buffers(op) | {
            "count": op.output.elements // op.slice,
            "depth": op.depth,
            "steps": op.steps + (0,) * (_MAX_INDICES - op.depth),
            "slice": op.slice,
            "elements": op.data.elements,
        }
        return Call("nn_take_nd_s8", "nn_take_nd_s8_args", fields)
