"""From the bytes of a .tflite file to plain records, everything checked but nothing interpreted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seatool.errors import InputError
from seatool.importers.tflite import schema
from seatool.importers.tflite.flatbuffer import File, Table
from seatool.ir import Array, Quantization
from seatool.kernels import Field
from seatool.rounding import ceil_div

_LARGEST_TENSOR = (1 << 31) - 1
LARGEST_COMPUTED = 1 << 26
"""Bytes; far more than the RAM of any microcontroller, and little enough for every loop over a tensor to end."""
_LONGEST_NAME = 80
"""In messages: names of fused layers run to hundreds of characters."""


@dataclass
class RawTensor:
    """A tensor as the file has it; ``name`` is made unique. ``data`` is None for computed tensors and for constants of
    types that numpy does not know (``stored`` tells them apart)."""

    index: int
    name: str
    shape: tuple[int, ...]
    type: schema.ElementType
    quant: Quantization | None = None
    lacks_zero_point: bool = False
    """The file has scales only; ``quant`` has zero points of 0."""
    data: Array | None = None
    stored: bool = False
    is_variable: bool = False
    is_sparse: bool = False
    open_axes: tuple[int, ...] = ()
    """Axes whose size the model leaves open (-1 in shape_signature); ``shape`` has 1 there."""

    @property
    def where(self) -> str:
        return _where(self.index, self.name)

    @property
    def bytes(self) -> int:
        return ceil_div(math.prod(self.shape) * self.type.bits, 8)


@dataclass
class RawOp:
    """An operator as the file has it. Inputs and outputs are tensor indices; -1 is an absent input."""

    index: int
    kind: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options_type: int
    options: Table | None
    is_custom: bool = False
    inputs_at: int = 0
    """Where in the file the number of inputs stands, in front of the inputs."""

    @property
    def variable(self) -> tuple[str, str]:
        """The variable that a VAR_HANDLE stands for: container and name, up to a zero as TFLM compares them."""
        if self.options is None:
            return "", ""
        slots = schema.VarHandleOptions
        container, name = (self.options.string(slot).split("\0")[0] for slot in (slots.CONTAINER, slots.SHARED_NAME))
        return container, name

    def fields(self, layout: tuple[Field, ...]) -> Mapping[str, Any]:
        """The options table read as ``layout`` says, defaults where it (or a field) is absent."""
        raw: dict[str, Any] = {f.name: f.default for f in layout}
        if self.options is None:
            return raw
        for f in layout:
            if f.type == "int32[]":
                if self.options.has(f.slot):
                    raw[f.name] = tuple(self.options.array(f.slot, "int32").tolist())
            else:
                raw[f.name] = self.options.scalar(f.slot, f.type, f.default)
        return raw


@dataclass
class RawState:
    """What the model keeps: tensor ``value`` has it when an inference begins, ``next`` when it ends; ``initial`` is the
    first value (None: of a type that numpy does not know)."""

    value: int
    next: int
    initial: Array | None


@dataclass(frozen=True)
class Signature:
    """What a subgraph is called from outside: its key, and its names for tensors by their index."""

    key: str
    aliases: Mapping[int, str] = field(default_factory=dict)


@dataclass
class RawModel:
    """A subgraph of a file that has ``subgraphs``; ``signatures``: what these, by number, are called from outside.

    ``initialisers``: the subgraphs, by number, that are called once, before the first inference. ``rewritten``: what
    was changed so that TFLM can run the model, a phrase each, in order (a dict for a set).
    """

    name: str
    tensors: list[RawTensor]
    ops: list[RawOp]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    subgraphs: int = 1
    signatures: Mapping[int, Signature] = field(default_factory=dict)
    initialisers: set[int] = field(default_factory=set)
    rewritten: dict[str, None] = field(default_factory=dict)
    states: list[RawState] = field(default_factory=list)

    def add(self, tensor: RawTensor) -> int:
        """The index of ``tensor``, added under a name of its own."""
        taken = {other.name for other in self.tensors}
        while tensor.name in taken:
            tensor.name += "_"
        tensor.index = len(self.tensors)
        self.tensors.append(tensor)
        return tensor.index

    def fail(self, what: str, hint: str | None = None) -> InputError:
        """An InputError about this file, to be raised."""
        return InputError(f"{self.name}: {what}", hint)


def parse(data: bytes, name: str, number: int = 0) -> RawModel:
    """Read a .tflite file.

    Args:
        data: The whole file.
        name: How error messages call it.
        number: The subgraph that is wanted; others than the first may have no inputs and no outputs.

    Raises:
        InputError: The file is damaged, not TFLite's, or keeps data outside of itself.
    """
    if len(data) < 8 or data[4:8] != schema.IDENTIFIER:
        found = f"bytes 4 to 7 are {data[4:8]!r}, not {schema.IDENTIFIER!r}" if data else "the file is empty"
        raise InputError(f"{name}: not a TFLite model: {found}", "export the model with TensorFlow's TFLiteConverter")
    root = File(data, name).root()
    root.where = "model"
    version = root.scalar(schema.Model.VERSION, "uint32")
    if version != schema.VERSION:
        root.fail(f"schema version {version} is not supported, only {schema.VERSION}")
    subgraphs = root.tables(schema.Model.SUBGRAPHS, "subgraph")
    if not subgraphs:
        root.fail("the model has no subgraph")
    buffers = root.tables(schema.Model.BUFFERS, "buffer")
    graph = subgraphs[number]
    tensors = _tensors(graph, buffers)
    count = len(tensors)
    inputs = _indices(graph, schema.SubGraph.INPUTS, count, "input")
    outputs = _indices(graph, schema.SubGraph.OUTPUTS, count, "output")
    if number == 0 and not (inputs and outputs):
        graph.fail("the model has no inputs or no outputs")
    for index in inputs:
        if any(axis > 0 for axis in tensors[index].open_axes):  # an open batch is fine: we run one
            raise InputError(
                f"{name}: input {tensors[index].where} has open dimensions: {tensors[index].open_axes}",
                "fix the input's shape before converting the model",
            )
    codes = root.tables(schema.Model.OPERATOR_CODES, "operator code")
    ops = _operators(graph, codes, count)
    model = RawModel(name, tensors, ops, inputs, outputs, len(subgraphs), _signatures(root))
    if any(tensor.lacks_zero_point for tensor in tensors):
        model.rewritten["tensors with a scale and no zero point have the zero point 0"] = None
    return model


def further_kinds(data: bytes, name: str) -> frozenset[str]:
    """Kinds of the operators in the subgraphs behind the first, which TFLM prepares even if nothing uses them.

    Arguments and errors are those of :func:`parse`, which has to have accepted the file.
    """
    root = File(data, name).root()
    codes = root.tables(schema.Model.OPERATOR_CODES, "operator code")
    graphs = root.tables(schema.Model.SUBGRAPHS, "subgraph")[1:]
    return frozenset(op.kind for graph in graphs for op in _operators(graph, codes, _LARGEST_TENSOR))


def variables(data: bytes, name: str) -> int:
    """How many variables the subgraphs have, at most; arguments and errors are those of :func:`further_kinds`."""
    root = File(data, name).root()
    codes = root.tables(schema.Model.OPERATOR_CODES, "operator code")
    graphs = root.tables(schema.Model.SUBGRAPHS, "subgraph")
    ops = [op for graph in graphs for op in _operators(graph, codes, _LARGEST_TENSOR)]
    return len({op.variable for op in ops if op.kind == "VAR_HANDLE"})


def _signatures(root: Table) -> dict[int, Signature]:
    tables = root.tables(schema.Model.SIGNATURES, "signature")
    return {table.scalar(schema.Signature.SUBGRAPH, "uint32"): _signature(table) for table in tables}


def _signature(table: Table) -> Signature:
    aliases: dict[int, str] = {}
    for slot in (schema.Signature.INPUTS, schema.Signature.OUTPUTS):
        for entry in table.tables(slot, "name in a signature"):
            index = entry.scalar(schema.TensorMap.TENSOR, "uint32")
            aliases.setdefault(index, entry.string(schema.TensorMap.NAME))
    return Signature(table.string(schema.Signature.KEY), aliases)


def _indices(table: Table, slot: int, count: int, role: str, lowest: int = 0) -> tuple[int, ...]:
    """A vector of tensor indices, each from ``lowest`` to ``count`` - 1."""
    indices = tuple(table.array(slot, "int32").tolist())
    for index in indices:
        if not lowest <= index < count:
            table.fail(f"{role} is tensor {index}, but the model has tensors 0 to {count - 1}")
    return indices


_UNUSED_VECTORS = (
    (schema.Operator.CUSTOM_OPTIONS, 1),
    (schema.Operator.MUTATED_INPUTS, 1),
    (schema.Operator.INTERMEDIATES, 4),
)
"""Vectors of operators that say nothing to us, but that TFLM's reader reads; and the bytes of an element."""


def _operators(graph: Table, codes: list[Table], tensor_count: int) -> list[RawOp]:
    kinds = [_kind(code) for code in codes]
    ops = []
    for index, table in enumerate(graph.tables(schema.SubGraph.OPERATORS, "operator")):
        code = table.scalar(schema.Operator.OPCODE_INDEX, "uint32")
        if code >= len(kinds):
            table.fail(f"uses operator code {code}, but the model has {len(kinds)}")
        kind, version, is_custom = kinds[code]
        table.where = f"operator #{index} {kind}"
        options_type = table.scalar(schema.Operator.OPTIONS_TYPE, "uint8")
        for unused, size in _UNUSED_VECTORS:
            table.check_vector(unused, size)
        ops.append(
            RawOp(
                index=index,
                kind=kind,
                version=version,
                inputs=_indices(table, schema.Operator.INPUTS, tensor_count, "input", lowest=-1),
                outputs=_indices(table, schema.Operator.OUTPUTS, tensor_count, "output"),
                options_type=options_type,
                # Of type NONE there are none, whatever the file holds: TFLM takes its defaults then.
                options=table.table(schema.Operator.OPTIONS, table.where) if options_type else None,
                is_custom=is_custom,
                inputs_at=table.vector_position(schema.Operator.INPUTS),
            )
        )
    return ops


def _kind(code: Table) -> tuple[str, int, bool]:
    """Name, version and whether it is a custom operator."""
    number = max(
        code.scalar(schema.OperatorCode.DEPRECATED_BUILTIN_CODE, "int8"),
        code.scalar(schema.OperatorCode.BUILTIN_CODE, "int32"),
    )
    version = code.scalar(schema.OperatorCode.VERSION, "int32", 1)
    if number == schema.CUSTOM:
        return code.string(schema.OperatorCode.CUSTOM_CODE) or "CUSTOM", version, True
    if not 0 <= number < len(schema.OPERATOR_NAMES):
        return f"operator code {number}", version, True
    return schema.OPERATOR_NAMES[number], version, False


def _tensors(graph: Table, buffers: list[Table]) -> list[RawTensor]:
    taken: dict[str, int] = {}
    tensors = []
    for index, table in enumerate(graph.tables(schema.SubGraph.TENSORS, "tensor")):
        own = table.string(schema.Tensor.NAME)
        name = _unique(own or f"tensor_{index}", taken)
        table.where = _where(index, name)
        tensors.append(_tensor(index, name, table, buffers))
    return tensors


def _where(index: int, name: str) -> str:
    short = name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}..."
    return f"tensor {index} '{short}'"


def _unique(name: str, taken: dict[str, int]) -> str:
    """``name``, with a number behind it if it is taken; records what it returns."""
    candidate = name
    while candidate in taken:
        taken[name] += 1
        candidate = f"{name}_{taken[name]}"
    taken[candidate] = 0
    return candidate


def _tensor(index: int, name: str, table: Table, buffers: list[Table]) -> RawTensor:
    code = table.scalar(schema.Tensor.TYPE, "int8")
    if not 0 <= code < len(schema.ELEMENT_TYPES):
        table.fail(f"element type {code} is unknown")
    kind = schema.ELEMENT_TYPES[code]
    shape = tuple(table.array(schema.Tensor.SHAPE, "int32").tolist())
    if len(shape) > 8:
        table.fail(f"has {len(shape)} dimensions; at most 8 make sense")
    size = ceil_div(math.prod(shape) * kind.bits, 8)
    if any(d < 0 for d in shape) or size > _LARGEST_TENSOR:
        table.fail(f"shape {list(shape)} is not possible")
    tensor = RawTensor(
        index,
        name,
        shape,
        kind,
        quant=_quantization(table, shape, kind),
        lacks_zero_point=_lacks_zero_point(table),
        is_variable=table.scalar(schema.Tensor.IS_VARIABLE, "bool", False),
        is_sparse=table.has(schema.Tensor.SPARSITY),
        open_axes=tuple(np.flatnonzero(table.array(schema.Tensor.SHAPE_SIGNATURE, "int32") < 0).tolist()),
    )
    data = _constant(table, buffers)
    if data is None or tensor.is_variable:
        if size > LARGEST_COMPUTED:
            table.fail(f"shape {list(shape)} takes {size:,} bytes, more than any microcontroller has")
        return tensor
    tensor.stored = True
    if kind.numpy is not None and not tensor.is_sparse:
        if len(data) != size:
            number = table.scalar(schema.Tensor.BUFFER, "uint32")
            table.fail(f"buffer {number} has {len(data):,} bytes, shape {list(shape)} of {kind.name} needs {size:,}")
        dtype = np.dtype(kind.numpy)
        tensor.data = np.frombuffer(data, dtype.newbyteorder("<")).astype(dtype, copy=False).reshape(shape)
        if dtype.kind == "f" and np.isnan(tensor.data).any():
            table.fail("its constant data holds NaN")
    return tensor


def _constant(table: Table, buffers: list[Table]) -> memoryview | None:
    """The tensor's constant bytes; None when it has none."""
    if table.scalar(schema.Tensor.EXTERNAL_BUFFER, "uint32"):
        table.fail("its data is in another file (external buffer), which is not supported")
    index = table.scalar(schema.Tensor.BUFFER, "uint32")
    if index == 0:
        return None
    if index >= len(buffers):
        table.fail(f"uses buffer {index}, but the model has {len(buffers)}")
    if buffers[index].scalar(schema.Buffer.OFFSET, "uint64") > 1:
        table.fail(f"buffer {index} lies outside the flatbuffer (external buffer), which is not supported")
    return buffers[index].bytes(schema.Buffer.DATA) or None


def _quantization(tensor: Table, shape: tuple[int, ...], kind: schema.ElementType) -> Quantization | None:
    table = tensor.table(schema.Tensor.QUANTIZATION, tensor.where)
    if table is None:
        return None
    scale = tuple(table.array(schema.Quantization.SCALE, "float32").tolist())
    if not scale:
        return None
    if any(not math.isfinite(s) or s <= 0 for s in scale):
        bad = next(s for s in scale if not math.isfinite(s) or s <= 0)
        table.fail(f"quantization scale {bad} is not a positive number")
    zero_point = tuple(table.array(schema.Quantization.ZERO_POINT, "int64").tolist()) or (0,) * len(scale)
    if len(zero_point) != len(scale):
        table.fail(f"has {len(scale)} scales but {len(zero_point)} zero points")
    if kind.numpy is not None and np.dtype(kind.numpy).kind in "iu":
        info = np.iinfo(np.dtype(kind.numpy))
        bad_zero = next((z for z in zero_point if not info.min <= z <= info.max), None)
        if bad_zero is not None:
            table.fail(f"zero point {bad_zero} is outside the range of {kind.name}")
    axis = _axis(table, shape, len(scale))
    return Quantization(scale, zero_point, axis)


def _lacks_zero_point(tensor: Table) -> bool:
    """Whether there are scales but no zero points, for which TFLM takes a tensor as not quantized."""
    table = tensor.table(schema.Tensor.QUANTIZATION, tensor.where)
    scales, zero_points = schema.Quantization.SCALE, schema.Quantization.ZERO_POINT
    return table is not None and bool(table.array(scales, "float32").size > table.array(zero_points, "int64").size == 0)


def _axis(table: Table, shape: tuple[int, ...], scales: int) -> int | None:
    """The axis of per-channel scales, None for per-tensor.

    Published files carry quantized_dimension 3 on one-dimensional tensors (biases of depthwise convolutions). TFLM
    takes them, there is only one axis that can be meant, and so do we.
    """
    if scales == 1:
        return None
    axis = 0 if len(shape) == 1 else table.scalar(schema.Quantization.QUANTIZED_DIMENSION, "int32")
    if not 0 <= axis < len(shape):
        table.fail(f"quantized dimension {axis} does not exist in shape {list(shape)}")
    if shape[axis] != scales:
        table.fail(f"has {scales} scales for {shape[axis]} channels (dimension {axis} of {list(shape)})")
    return int(axis)
