"""Write a graph as a .tflite file, for TensorFlow Lite Micro and for anybody else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from seatool.importers.tflite import schema
from seatool.importers.tflite.tables import TableBuilder, Value
from seatool.ir import Array, Graph, Op, Tensor
from seatool.kernels import Field, TFLiteForm, operators


def tensor_indices(graph: Graph) -> dict[str, int]:
    """The number of each tensor in the file that :func:`write` makes of ``graph``."""
    return {tensor.name: index for index, tensor in enumerate(_stored(graph))}


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
        self.build = TableBuilder(sum(t.bytes for t in graph.tensors.values() if t.is_constant) + 4096)
        self.variables = tuple(state for state in graph.states if state.value in set(_variables(graph).values()))
        self.index |= {later: self.index[first] for later, first in _variables(graph).items()}
        used = [(_form(op).code, op.version) for op in graph.ops]
        self.codes = list(dict.fromkeys([*used, *(_HANDLE_CODES if self.variables else ())]))

    def write(self) -> bytes:
        build = self.build
        buffers = [None, *(t.data for t in self.graph.tensors.values() if t.data is not None)]
        graphs = [self._subgraph(), *([self._first_values(len(buffers))] if self.variables else [])]
        buffers += [state.initial for state in self.variables]
        fields: dict[int, Value] = {
            schema.Model.VERSION: ("uint32", schema.VERSION),
            schema.Model.OPERATOR_CODES: build.tables([self._code(*code) for code in self.codes]),
            schema.Model.SUBGRAPHS: build.tables(graphs),
            schema.Model.DESCRIPTION: build.string("seatool"),
            **self._signatures(),
            schema.Model.BUFFERS: build.tables([self._buffer(data) for data in buffers]),
        }
        return build.finish(build.table(fields), schema.IDENTIFIER)

    def _signatures(self) -> dict[int, Value]:
        """The signature that gives inputs and outputs their aliases, if they have any."""
        build, aliases = self.build, self.graph.aliases
        if not aliases:
            return {}
        fields: dict[int, Value] = {
            slot: build.tables([self._named(name) for name in names if name in aliases])
            for slot, names in (
                (schema.Signature.INPUTS, self.graph.inputs),
                (schema.Signature.OUTPUTS, self.graph.outputs),
            )
        }
        fields[schema.Signature.KEY] = build.string("serving_default")
        fields[schema.Signature.SUBGRAPH] = ("uint32", 0)
        return {schema.Model.SIGNATURES: build.tables([build.table(fields)])}

    def _named(self, tensor: str) -> Value:
        fields: dict[int, Value] = {
            schema.TensorMap.NAME: self.build.string(self.graph.aliases[tensor]),
            schema.TensorMap.TENSOR: ("uint32", self.index[tensor]),
        }
        return self.build.table(fields)

    def _code(self, code: int, version: int) -> Value:
        return self.build.table(
            {
                schema.OperatorCode.DEPRECATED_BUILTIN_CODE: ("int8", min(code, 127)),
                schema.OperatorCode.VERSION: ("int32", version),
                schema.OperatorCode.BUILTIN_CODE: ("int32", code),
            }
        )

    def _subgraph(self) -> Value:
        buffer = 0
        tensors = []
        for tensor in _stored(self.graph):
            buffer += tensor.is_constant
            tensors.append(self._tensor(tensor, buffer if tensor.is_constant else 0))
        return self.build.table(
            {
                schema.SubGraph.TENSORS: self.build.tables(tensors),
                schema.SubGraph.INPUTS: self._indices(self.graph.inputs),
                schema.SubGraph.OUTPUTS: self._indices(self.graph.outputs),
                schema.SubGraph.OPERATORS: self.build.tables(
                    [*self._declarations(), *(self._operator(op) for op in self.graph.ops)]
                ),
                schema.SubGraph.NAME: self.build.string(self.graph.name),
            }
        )

    def _declarations(self) -> Iterator[Value]:
        """What gives variables their first values, and what names them."""
        if self.variables:
            calls = self.build.table({schema.CallOnceOptions.SUBGRAPH: ("int32", 1)})
            yield self._plain(_CALL_ONCE, (), (), calls)
        for state in self.variables:
            yield self._handle(state.value, self.index[state.value])

    def _first_values(self, buffer: int) -> Value:
        """The subgraph that assigns the variables' first values, which are in the buffers from ``buffer`` on."""
        tensors, ops = [], []
        for place, state in enumerate(self.variables):
            initial = replace(self.graph.tensors[state.value], name=f"{state.value}/initial")
            tensors += [self._handle_tensor(state.value), self._tensor(initial, buffer + place)]
            ops += [self._handle(state.value, 2 * place), self._plain(_ASSIGN, (2 * place, 2 * place + 1), ())]
        none = self.build.numbers(np.zeros(0, np.int32))
        fields: dict[int, Value] = {
            schema.SubGraph.TENSORS: self.build.tables(tensors),
            schema.SubGraph.INPUTS: none,
            schema.SubGraph.OUTPUTS: none,
            schema.SubGraph.OPERATORS: self.build.tables(ops),
        }
        return self.build.table(fields)

    def _handle(self, variable: str, index: int) -> Value:
        """The VAR_HANDLE that makes tensor ``index``."""
        fields: dict[int, Value] = {
            schema.VarHandleOptions.CONTAINER: self.build.string(""),
            schema.VarHandleOptions.SHARED_NAME: self.build.string(variable),
        }
        return self._plain(_VAR_HANDLE, (), (index,), self.build.table(fields))

    def _plain(
        self, form: TFLiteForm, inputs: Sequence[int], outputs: Sequence[int], options: Value | None = None
    ) -> Value:
        """An operator that the graph does not have."""
        fields: dict[int, Value] = {
            schema.Operator.OPCODE_INDEX: ("uint32", self.codes.index((form.code, 1))),
            schema.Operator.INPUTS: self.build.numbers(np.array(inputs, np.int32)),
            schema.Operator.OUTPUTS: self.build.numbers(np.array(outputs, np.int32)),
            schema.Operator.OPTIONS_TYPE: ("uint8", form.options),
            schema.Operator.OPTIONS: options or self.build.table({}),
        }
        return self.build.table(fields)

    def _handle_tensor(self, variable: str) -> Value:
        fields: dict[int, Value] = {
            schema.Tensor.SHAPE: self.build.numbers(np.zeros(0, np.int32)),
            schema.Tensor.TYPE: ("int8", schema.RESOURCE),
            schema.Tensor.NAME: self.build.string(f"{variable}/handle"),
        }
        return self.build.table(fields)

    def _tensor(self, tensor: Tensor, buffer: int) -> Value:
        build = self.build
        if any(state.value == tensor.name for state in self.variables):
            return self._handle_tensor(tensor.name)
        fields: dict[int, Value] = {
            schema.Tensor.SHAPE: build.numbers(np.array(tensor.shape, np.int32)),
            schema.Tensor.TYPE: ("int8", schema.TYPE_CODES[tensor.dtype]),
            schema.Tensor.BUFFER: ("uint32", buffer),
            schema.Tensor.NAME: build.string(tensor.name),
        }
        if any(state.value == tensor.name for state in self.graph.states):
            fields[schema.Tensor.IS_VARIABLE] = ("bool", True)
        if tensor.quant is not None:
            quantization: dict[int, Value] = {
                schema.Quantization.SCALE: build.numbers(tensor.quant.scales),
                schema.Quantization.ZERO_POINT: build.numbers(np.array(tensor.quant.zero_point, np.int64)),
                schema.Quantization.QUANTIZED_DIMENSION: ("int32", tensor.quant.axis or 0),
            }
            fields[schema.Tensor.QUANTIZATION] = build.table(quantization)
        return build.table(fields)

    def _operator(self, op: Op) -> Value:
        form = _form(op)
        fields: dict[int, Value] = {
            schema.Operator.OPCODE_INDEX: ("uint32", self.codes.index((form.code, op.version))),
            schema.Operator.INPUTS: self._indices(_without_absent_bias(op)),
            schema.Operator.OUTPUTS: self._indices(_listed_outputs(op)),
        }
        if form.options:
            fields[schema.Operator.OPTIONS_TYPE] = ("uint8", form.options)
            fields[schema.Operator.OPTIONS] = self._options(op, form.fields)
        return self.build.table(fields)

    def _options(self, op: Op, layout: tuple[Field, ...]) -> Value:
        raw = operators()[op.kind].unparse(op.attributes)
        fields: dict[int, Value] = {}
        for f in layout:
            if f.type != "int32[]":
                fields[f.slot] = (f.type, raw[f.name])
            elif raw[f.name]:
                fields[f.slot] = self.build.numbers(np.array(raw[f.name], np.int32))
        return self.build.table(fields)

    def _indices(self, names: Sequence[str | None]) -> Value:
        return self.build.numbers(np.array([-1 if name is None else self.index[name] for name in names], np.int32))

    def _buffer(self, data: Array | None) -> Value:
        if data is None:
            return self.build.table({})
        little_endian = data.astype(data.dtype.newbyteorder("<"), copy=False)
        return self.build.table({schema.Buffer.DATA: self.build.bytes(little_endian.tobytes())})


_CALL_ONCE, _VAR_HANDLE = TFLiteForm(129, range(1, 2), 103), TFLiteForm(142, range(1, 2), 111)
_ASSIGN = TFLiteForm(144, range(1, 2), 113)
_HANDLE_CODES = tuple((form.code, 1) for form in (_CALL_ONCE, _VAR_HANDLE, _ASSIGN))


def _variables(graph: Graph) -> dict[str, str]:
    """For every tensor that holds a variable, the one that holds it when an inference begins."""
    firsts: dict[str, str] = {}
    for op in graph.ops:
        if op.kind in ("READ_VARIABLE", "ASSIGN_VARIABLE"):
            variable = str(op.inputs[0])
            first = firsts.setdefault(variable, variable)
            if op.kind == "ASSIGN_VARIABLE":
                firsts[op.outputs[0]] = first
    return firsts


def _without_absent_bias(op: Op) -> tuple[str | None, ...]:
    """The inputs; TFLM crashes on a DEPTHWISE_CONV_2D with -1 for a bias, and knows an optional one by their number."""
    bias = operators()[op.kind].quantization.bias
    return op.inputs[:bias] if bias is not None and op.inputs[bias:] == (None,) else op.inputs


def _listed_outputs(op: Op) -> tuple[str, ...]:
    """The outputs without new values of states, which a file does not list."""
    return op.outputs[: len(op.outputs) - len(operators()[op.kind].state_inputs)]


def _stored(graph: Graph) -> list[Tensor]:
    """The tensors that a file has."""
    unlisted = {name for op in graph.ops for name in op.outputs[len(_listed_outputs(op)) :]}
    return [tensor for name, tensor in graph.tensors.items() if name not in unlisted]


def _form(op: Op) -> TFLiteForm:
    form = operators()[op.kind].tflite
    if form is None:
        raise ValueError(f"{op.name}: {op.kind} has no TFLite form")
    return form
