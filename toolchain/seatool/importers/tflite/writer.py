"""Write a graph as a .tflite file, for TensorFlow Lite Micro and for anybody else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import flatbuffers
import numpy as np

from seatool.importers.tflite import schema
from seatool.ir import Array, Graph, Op, Tensor
from seatool.kernels import Field, TFLiteForm, operators

_ALIGNMENT = 16


def tensor_indices(graph: Graph) -> dict[str, int]:
    """The number of each tensor in the file that :func:`write` makes of ``graph``."""
    return {name: index for index, name in enumerate(graph.tensors)}


def write(graph: Graph) -> bytes:
    """``graph`` as a .tflite file (schema version 3), without its audio front end.

    Tensors keep their order and names; every constant gets its own buffer. Equal graphs give equal bytes.

    Raises:
        ValueError: An operator has no TFLite form (LOOKUP_TABLE, for example): write the graph before the passes.
    """
    return _Writer(graph).write()


class _Writer:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.index = tensor_indices(graph)
        self.builder = flatbuffers.Builder(sum(t.bytes for t in graph.tensors.values() if t.is_constant) + 4096)
        self.builder.ForceDefaults(True)  # the schema's defaults are not all zero

    def write(self) -> bytes:
        buffers = [None, *(t.data for t in self.graph.tensors.values() if t.data is not None)]
        codes = list(dict.fromkeys((self._form(op).code, op.version) for op in self.graph.ops))
        fields = {
            schema.Model.VERSION: ("uint32", schema.VERSION),
            schema.Model.OPERATOR_CODES: self._tables([self._code(*code) for code in codes]),
            schema.Model.SUBGRAPHS: self._tables([self._subgraph(codes)]),
            schema.Model.DESCRIPTION: ("offset", self.builder.CreateString("seatool")),
            schema.Model.BUFFERS: self._tables([self._buffer(data) for data in buffers]),
        }
        self.builder.Finish(self._table(fields), schema.IDENTIFIER)
        return bytes(self.builder.Output())

    @staticmethod
    def _form(op: Op) -> TFLiteForm:
        form = operators()[op.kind].tflite
        if form is None:
            raise ValueError(f"{op.name}: {op.kind} has no TFLite form")
        return form

    def _code(self, code: int, version: int) -> int:
        return self._table(
            {
                schema.OperatorCode.DEPRECATED_BUILTIN_CODE: ("int8", min(code, 127)),
                schema.OperatorCode.VERSION: ("int32", version),
                schema.OperatorCode.BUILTIN_CODE: ("int32", code),
            }
        )

    def _subgraph(self, codes: list[tuple[int, int]]) -> int:
        buffer = 0
        tensors = []
        for tensor in self.graph.tensors.values():
            buffer += tensor.is_constant
            tensors.append(self._tensor(tensor, buffer if tensor.is_constant else 0))
        return self._table(
            {
                schema.SubGraph.TENSORS: self._tables(tensors),
                schema.SubGraph.INPUTS: self._indices(self.graph.inputs),
                schema.SubGraph.OUTPUTS: self._indices(self.graph.outputs),
                schema.SubGraph.OPERATORS: self._tables([self._operator(op, codes) for op in self.graph.ops]),
                schema.SubGraph.NAME: ("offset", self.builder.CreateString(self.graph.name)),
            }
        )

    def _tensor(self, tensor: Tensor, buffer: int) -> int:
        fields: dict[int, tuple[str, Any]] = {
            schema.Tensor.SHAPE: self._numbers(np.array(tensor.shape, np.int32)),
            schema.Tensor.TYPE: ("int8", schema.TYPE_CODES[tensor.dtype]),
            schema.Tensor.BUFFER: ("uint32", buffer),
            schema.Tensor.NAME: ("offset", self.builder.CreateString(tensor.name)),
        }
        if tensor.quant is not None:
            quantization = {
                schema.Quantization.SCALE: self._numbers(tensor.quant.scales),
                schema.Quantization.ZERO_POINT: self._numbers(np.array(tensor.quant.zero_point, np.int64)),
                schema.Quantization.QUANTIZED_DIMENSION: ("int32", tensor.quant.axis or 0),
            }
            fields[schema.Tensor.QUANTIZATION] = ("offset", self._table(quantization))
        return self._table(fields)

    def _operator(self, op: Op, codes: list[tuple[int, int]]) -> int:
        form = self._form(op)
        fields: dict[int, tuple[str, Any]] = {
            schema.Operator.OPCODE_INDEX: ("uint32", codes.index((form.code, op.version))),
            schema.Operator.INPUTS: self._indices(op.inputs),
            schema.Operator.OUTPUTS: self._indices(op.outputs),
        }
        if form.options:
            fields[schema.Operator.OPTIONS_TYPE] = ("uint8", form.options)
            fields[schema.Operator.OPTIONS] = ("offset", self._options(op, form.fields))
        return self._table(fields)

    def _options(self, op: Op, layout: tuple[Field, ...]) -> int:
        raw = operators()[op.kind].unparse(op.attributes)
        fields: dict[int, tuple[str, Any]] = {}
        for f in layout:
            if f.type == "int32[]":
                if raw[f.name]:
                    fields[f.slot] = self._numbers(np.array(raw[f.name], np.int32))
            else:
                fields[f.slot] = (f.type, raw[f.name])
        return self._table(fields)

    def _indices(self, names: Sequence[str | None]) -> tuple[str, int]:
        return self._numbers(np.array([-1 if name is None else self.index[name] for name in names], np.int32))

    def _numbers(self, values: Array) -> tuple[str, int]:
        return "offset", self.builder.CreateNumpyVector(values)

    def _buffer(self, data: Array | None) -> int:
        if data is None:
            return self._table({})
        raw = data.astype(data.dtype.newbyteorder("<"), copy=False).tobytes()
        builder = self.builder
        builder.StartVector(1, len(raw), _ALIGNMENT)
        builder.head -= len(raw)
        builder.Bytes[builder.head : builder.head + len(raw)] = raw
        return self._table({schema.Buffer.DATA: ("offset", builder.EndVector())})

    def _tables(self, offsets: list[int]) -> tuple[str, int]:
        self.builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return "offset", self.builder.EndVector()

    def _table(self, fields: dict[Any, tuple[str, Any]]) -> int:
        """A table of the given fields; what an offset points to must have been written before."""
        builder = self.builder
        prepend: dict[str, Callable[[int, Any, Any], None]] = {
            "bool": builder.PrependBoolSlot,
            "int8": builder.PrependInt8Slot,
            "uint8": builder.PrependUint8Slot,
            "int32": builder.PrependInt32Slot,
            "uint32": builder.PrependUint32Slot,
            "float32": builder.PrependFloat32Slot,
            "offset": builder.PrependUOffsetTRelativeSlot,
        }
        builder.StartObject(max(fields, default=-1) + 1)
        for slot, (kind, value) in fields.items():
            prepend[kind](slot, value, 0)
        return int(builder.EndObject())
