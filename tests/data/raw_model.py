"""Write .tflite files field by field, so that any of them can be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from seatool.importers.tflite import schema
from seatool.importers.tflite.tables import TableBuilder, Value

TYPES = {kind.name: code for code, kind in enumerate(schema.ELEMENT_TYPES)}


@dataclass
class RawTensor:
    """A Tensor table. ``buffer`` is an index into the model's buffers; 0 is the empty one."""

    name: str
    shape: Sequence[int]
    type: str | int = "INT8"
    scale: Sequence[float] = (0.5,)
    zero_point: Sequence[int] = (0,)
    axis: int = 0
    buffer: int = 0
    signature: Sequence[int] | None = None
    is_variable: bool = False
    is_sparse: bool = False
    external_buffer: int = 0


@dataclass
class RawOp:
    """An Operator table. ``kind`` is a builtin operator's name, a number, or "custom:<name>".

    ``fields``: its options by slot; a "string" is stored as one. Not ``typed``: the options are there, but their type
    says that they are not. ``custom_options``: where they are.
    """

    kind: str | int
    inputs: Sequence[int]
    outputs: Sequence[int]
    version: int = 1
    options: int = 0
    fields: dict[int, Value] = field(default_factory=dict)
    code: int | None = None
    typed: bool = True
    custom_options: int | None = None


@dataclass
class RawModel:
    """A Model table with one subgraph (and further ones: empty, copies of it, or ``others`` with its buffers)."""

    tensors: list[RawTensor]
    ops: list[RawOp]
    inputs: Sequence[int]
    outputs: Sequence[int]
    buffers: list[bytes] = field(default_factory=lambda: [b""])
    version: int = schema.VERSION
    identifier: bytes = schema.IDENTIFIER
    subgraphs: int = 1
    copies: int = 0
    others: list[RawModel] = field(default_factory=list)
    buffer_offset: int = 0
    signatures: dict[int, str] = field(default_factory=dict)
    aliases: tuple[dict[str, int], dict[str, int]] = field(default_factory=lambda: ({}, {}))
    """The signatures' names of input and output tensors."""

    def bytes(self) -> bytes:
        build = TableBuilder()
        all_ops = [op for model in (self, *self.others) for op in model.ops]
        kinds = list(dict.fromkeys((op.kind, op.version) for op in all_ops))
        empty = build.table({})
        graphs = [self._subgraph(build, kinds), *([empty] * self.subgraphs)][: self.subgraphs]
        graphs += [self._subgraph(build, kinds) for _ in range(self.copies)]
        graphs += [other._subgraph(build, kinds) for other in self.others]
        fields = {
            schema.Model.VERSION: ("uint32", self.version),
            schema.Model.OPERATOR_CODES: build.tables([_code(build, *kind) for kind in kinds]),
            schema.Model.SUBGRAPHS: build.tables(graphs),
            schema.Model.BUFFERS: build.tables([self._buffer(build, data) for data in self.buffers]),
        }
        if self.signatures:
            fields[schema.Model.SIGNATURES] = build.tables(
                [_signature(build, *s, self.aliases) for s in self.signatures.items()]
            )
        return build.finish(build.table(fields), self.identifier)

    def _buffer(self, build: TableBuilder, data: bytes) -> Value:
        fields = {schema.Buffer.DATA: build.bytes(data)} if data else {}
        if self.buffer_offset and data:
            fields[schema.Buffer.OFFSET] = ("uint64", self.buffer_offset)
        return build.table(fields)

    def _subgraph(self, build: TableBuilder, kinds: list[tuple[str | int, int]]) -> Value:
        distinct = {id(tensor): tensor for tensor in self.tensors}
        table = {key: _tensor(build, tensor) for key, tensor in distinct.items()}  # one object, one table
        fields = {
            schema.SubGraph.TENSORS: build.tables([table[id(tensor)] for tensor in self.tensors]),
            schema.SubGraph.OPERATORS: build.tables([_operator(build, op, kinds) for op in self.ops]),
        }
        for slot, indices in ((schema.SubGraph.INPUTS, self.inputs), (schema.SubGraph.OUTPUTS, self.outputs)):
            fields[slot] = build.numbers(np.array(indices, np.int32))
        return build.table(fields)


def _signature(build: TableBuilder, subgraph: int, key: str, aliases: Sequence[dict[str, int]]) -> Value:
    fields = {schema.Signature.KEY: build.string(key), schema.Signature.SUBGRAPH: ("uint32", subgraph)}
    for slot, names in zip((schema.Signature.INPUTS, schema.Signature.OUTPUTS), aliases, strict=True):
        entries = [{0: build.string(name), 1: ("uint32", index)} for name, index in names.items()]
        fields[slot] = build.tables([build.table(entry) for entry in entries])
    return build.table(fields)


def _code(build: TableBuilder, kind: str | int, version: int) -> Value:
    custom = isinstance(kind, str) and kind.startswith("custom:")
    number = schema.CUSTOM if custom else kind if isinstance(kind, int) else schema.OPERATOR_NAMES.index(kind)
    fields = {
        schema.OperatorCode.DEPRECATED_BUILTIN_CODE: ("int8", min(number, 127)),
        schema.OperatorCode.VERSION: ("int32", version),
        schema.OperatorCode.BUILTIN_CODE: ("int32", number),
    }
    if custom:
        fields[schema.OperatorCode.CUSTOM_CODE] = build.string(str(kind).split(":")[1])
    return build.table(fields)


def _tensor(build: TableBuilder, tensor: RawTensor) -> Value:
    fields = {
        schema.Tensor.SHAPE: build.numbers(np.array(tensor.shape, np.int32)),
        schema.Tensor.TYPE: ("int8", TYPES.get(tensor.type, tensor.type)),
        schema.Tensor.BUFFER: ("uint32", tensor.buffer),
        schema.Tensor.NAME: build.string(tensor.name),
        schema.Tensor.QUANTIZATION: build.table(
            {
                schema.Quantization.SCALE: build.numbers(np.array(tensor.scale, np.float32)),
                schema.Quantization.ZERO_POINT: build.numbers(np.array(tensor.zero_point, np.int64)),
                schema.Quantization.QUANTIZED_DIMENSION: ("int32", tensor.axis),
            }
        ),
        schema.Tensor.IS_VARIABLE: ("bool", tensor.is_variable),
        schema.Tensor.EXTERNAL_BUFFER: ("uint32", tensor.external_buffer),
    }
    if tensor.is_sparse:
        fields[schema.Tensor.SPARSITY] = build.table({})
    if tensor.signature is not None:
        fields[schema.Tensor.SHAPE_SIGNATURE] = build.numbers(np.array(tensor.signature, np.int32))
    return build.table(fields)


def _operator(build: TableBuilder, op: RawOp, kinds: list[tuple[str | int, int]]) -> Value:
    fields = {
        schema.Operator.OPCODE_INDEX: ("uint32", kinds.index((op.kind, op.version)) if op.code is None else op.code),
        schema.Operator.INPUTS: build.numbers(np.array(op.inputs, np.int32)),
        schema.Operator.OUTPUTS: build.numbers(np.array(op.outputs, np.int32)),
    }
    if op.options:
        fields[schema.Operator.OPTIONS_TYPE] = ("uint8", op.options if op.typed else 0)
        options = {slot: build.string(v) if kind == "string" else (kind, v) for slot, (kind, v) in op.fields.items()}
        fields[schema.Operator.OPTIONS] = build.table(options)
    if op.custom_options is not None:
        fields[schema.Operator.CUSTOM_OPTIONS] = ("uint32", op.custom_options)
    return build.table(fields)


def small() -> RawModel:
    """A valid int8 model: a 2 x 2 max pool called block/pool, then block/shift adds a constant per channel."""
    return RawModel(
        tensors=[
            RawTensor("serving_default_x:0", (1, 4, 4, 2), signature=(-1, 4, 4, 2)),
            RawTensor("block/pool/MaxPool2d", (1, 2, 2, 2)),
            RawTensor("block/shift/offset", (2,), scale=(0.25,), buffer=1),
            RawTensor("block/shift/add", (1, 2, 2, 2), scale=(0.75,), zero_point=(3,)),
        ],
        ops=[
            RawOp(
                "MAX_POOL_2D",
                (0,),
                (1,),
                version=2,
                options=5,
                fields=dict.fromkeys((1, 2, 3, 4), ("int32", 2)) | {0: ("int8", 1)},
            ),
            RawOp("ADD", (1, 2), (3,), version=2, options=11, fields={0: ("int8", 0)}),
        ],
        inputs=(0,),
        outputs=(3,),
        buffers=[b"", bytes([1, 255])],
    )


def without_bias(kind: str, absent: tuple[int, ...]) -> RawModel:
    """A layer with weights and no bias; ``absent`` is what the file says about it."""
    weights, output, options, fields = {
        "CONV_2D": ((4, 3, 3, 2), (1, 4, 4, 4), 1, (0, 1, 1)),
        "DEPTHWISE_CONV_2D": ((1, 3, 3, 2), (1, 4, 4, 2), 2, (0, 1, 1, 1)),
        "FULLY_CONNECTED": ((4, 32), (1, 4), 8, (0,)),
    }[kind]
    data = np.random.default_rng(0).integers(-127, 128, weights).astype(np.int8)
    raw = {slot: ("int32" if slot else "int8", value) for slot, value in enumerate(fields)}
    tensors = [
        RawTensor("x", (1, 32) if kind == "FULLY_CONNECTED" else (1, 4, 4, 2)),
        RawTensor("w", weights, scale=(0.1,), buffer=1),
        RawTensor("y", output, scale=(8.0,)),
    ]
    op = RawOp(kind, (0, 1, *absent), (2,), version=3, options=options, fields=raw)
    return RawModel(tensors, [op], (0,), (2,), [b"", data.tobytes()])
