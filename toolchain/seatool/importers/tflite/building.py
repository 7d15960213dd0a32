"""From the records of a .tflite file to a Graph, naming everything that is not supported at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from seatool.errors import InputError
from seatool.importers.names import layer_names, model_name
from seatool.importers.surveys import Survey
from seatool.importers.tflite.layers import layer_path
from seatool.importers.tflite.records import RawModel, RawOp, RawTensor
from seatool.importers.tflite.trial import as_int8
from seatool.ir import Attributes, DType, Graph, NoAttributes, Op, State, Tensor
from seatool.kernels import Operator, bind, operators
from seatool.kernels.float_curve import stray

_BORDERS = ("QUANTIZE", "DEQUANTIZE")
_CONTROL_FLOW = "control flow; what runs has to be known when the model is compiled"
_DTYPES = {member.value: member for member in DType}


def build(model: RawModel) -> Graph:
    """The graph of ``model``.

    Raises:
        InputError: It is not a graph in execution order, or uses what is not supported; all such uses are listed.
    """
    return survey(model).accepted()


def survey(model: RawModel) -> Survey:
    """The graph of ``model`` with all its operators, and what is not supported.

    Raises:
        InputError: It is not a graph in execution order, or its inputs and outputs are of types without numbers.
    """
    _check_order(model)
    paths = [layer_path(op, model) for op in model.ops]
    names = layer_names(paths, [op.kind for op in model.ops])
    problems: list[list[str]] = []
    ops = []
    for raw, path, name in zip(model.ops, paths, names, strict=True):
        attributes, found = _interpret(raw, model)
        problems.append(found)
        ops.append(
            Op(
                name=name,
                kind=raw.kind,
                inputs=tuple(model.tensors[i].name if i >= 0 else None for i in raw.inputs),
                outputs=tuple(model.tensors[i].name for i in raw.outputs),
                attributes=attributes,
                version=raw.version,
                source=f"#{raw.index} {'/'.join(path) or name}",
            )
        )
    graph = _graph(model, ops)
    computed = [model.tensors[i] for raw in model.ops for i in raw.outputs]
    quantized = any(tensor.type.name in ("INT8", "INT16") for tensor in computed)
    for op, found in zip(graph.ops, problems, strict=True):
        if not found:
            found.extend(_problems(op, graph, quantized))
    return Survey(
        graph=replace(graph, notes=tuple(_notes(model, quantized))),
        refusal=_unsupported(model, ops, problems) if any(problems) else None,
        problems={op.name: tuple(found) for op, found in zip(ops, problems, strict=True) if found},
        types={tensor.name: tensor.type.name.lower() for tensor in model.tensors if not _representable(tensor)},
    )


def _notes(model: RawModel, quantized: bool) -> Iterator[str]:
    """What the user should know. Operators that call other subgraphs for more than initial values are not supported."""
    if model.subgraphs > 1 + len(model.initialisers):
        signature = f" (signature {model.signatures[0].key})" if 0 in model.signatures else ""
        yield f"{model.name}: has {model.subgraphs} subgraphs; only the first{signature} is compiled"
    if quantized and model.rewritten:
        changes = "; ".join(model.rewritten)
        yield f"{model.name}: TFLM cannot run the file as it is, and is compared on one in which {changes}"


def _check_order(model: RawModel) -> None:
    """Every tensor is produced once, and before it is used."""
    producer: dict[int, RawOp] = {}
    for op in model.ops:
        for index in op.outputs:
            tensor = model.tensors[index]
            where = f"operator #{op.index} {op.kind} writes {tensor.where}"
            if index in producer:
                raise model.fail(f"{where}, which operator #{producer[index].index} already writes")
            if index in model.inputs or tensor.stored:
                raise model.fail(f"{where}, which is an input or a constant of the model")
            producer[index] = op
    known = {*model.inputs, *(t.index for t in model.tensors if t.stored), *(state.value for state in model.states)}
    for op in model.ops:
        for index in op.inputs:
            if index < 0 or index in known:
                continue
            where = f"operator #{op.index} {op.kind} uses {model.tensors[index].where}"
            if index in producer:
                raise model.fail(f"{where} before operator #{producer[index].index} produces it (a cycle)")
            if model.tensors[index].is_variable:
                if op.kind not in operators():
                    continue  # it will be named with all others that are not supported
                raise model.fail(f"{where}, a variable that it does not change or that others use too")
            raise model.fail(f"{where}, which nothing produces and which has no data (missing buffer)")
        known.update(op.outputs)
    for role, indices in (("input", model.inputs), ("output", model.outputs)):
        for index in indices:
            if model.tensors[index].stored:
                raise model.fail(f"{role} {model.tensors[index].where} is a constant")
    for index in model.outputs:
        if index not in known:
            raise model.fail(f"output {model.tensors[index].where} is never produced")


def _interpret(op: RawOp, model: RawModel) -> tuple[Attributes, list[str]]:
    """Typed attributes, and why the operator cannot be taken (empty: it can)."""
    if op.is_custom:
        return NoAttributes(), ["custom operator"]
    family = operators().get(op.kind)
    if family is None or family.tflite is None:
        return NoAttributes(), [_CONTROL_FLOW if op.kind in ("IF", "WHILE") else ""]
    form = family.tflite
    if not op.outputs:
        return NoAttributes(), ["has no output"]
    if op.version not in form.versions:
        return NoAttributes(), [f"only versions {form.versions.start} to {form.versions.stop - 1} are known"]
    if op.options is not None and form.options and op.options_type != form.options:
        return NoAttributes(), [f"its options are of type {op.options_type}, not {form.options}"]
    if too_many := _too_many(op, family, model):
        return NoAttributes(), [too_many]
    problems = list(_tensor_problems(op, model))
    try:
        return family.parse(op.fields(form.fields)), problems
    except ValueError as error:
        return NoAttributes(), [*problems, str(error)]


def _too_many(op: RawOp, family: type[Operator], model: RawModel) -> str:
    """Why the number of inputs or outputs is wrong; too few are noticed where they are used."""
    if family.most_inputs is not None and len(op.inputs) > family.most_inputs:
        return f"has {len(op.inputs)} inputs, more than {family.most_inputs}"
    outputs = set(op.outputs) - {state.next for state in model.states}
    if family.most_outputs is not None and len(outputs) > family.most_outputs:
        return f"has {len(outputs)} outputs, more than {family.most_outputs}"
    return ""


def _tensor_problems(op: RawOp, model: RawModel) -> Iterator[str]:
    for index in (*op.inputs, *op.outputs):
        if index < 0:
            continue
        tensor = model.tensors[index]
        if not _representable(tensor):
            yield f"{tensor.where} is {tensor.type.name}{list(tensor.shape)}, which is not supported"
        if tensor.is_sparse:
            yield f"{tensor.where} is sparse"
        if tensor.is_variable and all(state.value != index for state in model.states):
            yield f"{tensor.where} keeps state between runs"


def _representable(tensor: RawTensor) -> bool:
    return tensor.type.numpy in _DTYPES and all(d > 0 for d in tensor.shape)


def _graph(model: RawModel, ops: list[Op]) -> Graph:
    """The graph. Tensors that no operator may use (reported already) are replaced so that the rest can be checked."""
    used = {*model.inputs, *model.outputs}
    for raw in model.ops:
        used.update(i for i in (*raw.inputs, *raw.outputs) if i >= 0)
    tensors = {}
    for index in sorted(used):
        raw_tensor = model.tensors[index]
        tensors[raw_tensor.name] = _tensor(raw_tensor)
    for index in (*model.inputs, *model.outputs):
        if not _representable(model.tensors[index]):
            tensor = model.tensors[index]
            raise model.fail(f"{tensor.where} is {tensor.type.name}{list(tensor.shape)}, which is not supported")
    try:
        return Graph(
            name=model_name(model.name),
            tensors=tensors,
            ops=tuple(ops),
            inputs=tuple(model.tensors[i].name for i in model.inputs),
            outputs=tuple(model.tensors[i].name for i in model.outputs),
            states=tuple(_states(model)),
            aliases=_aliases(model),
        )
    except ValueError as error:
        raise model.fail(str(error)) from error


def _aliases(model: RawModel) -> dict[str, str]:
    """The signature's names for inputs and outputs, by tensor, where they differ and each means one tensor."""
    given = model.signatures[0].aliases if 0 in model.signatures else {}
    ports = dict.fromkeys((*model.inputs, *model.outputs))
    names = {model.tensors[index].name: given[index] for index in ports if given.get(index)}
    counts = Counter([*names.values(), *(model.tensors[index].name for index in ports)])
    return {tensor: alias for tensor, alias in names.items() if counts[alias] == 1}


def _states(model: RawModel) -> Iterator[State]:
    """States of types that can be represented; others are reported with the operators that use them."""
    for state in model.states:
        value, following = model.tensors[state.value], model.tensors[state.next]
        if _representable(value) and state.initial is not None:
            yield State(value.name, following.name, state.initial)


def _tensor(raw: RawTensor) -> Tensor:
    if _representable(raw) and (raw.data is not None or not raw.stored):
        return Tensor(raw.name, raw.shape, _DTYPES[str(raw.type.numpy)], raw.quant, raw.data)
    shape = tuple(max(d, 1) for d in raw.shape)
    stand_in = np.broadcast_to(np.int8(0), shape) if raw.stored else None
    return Tensor(raw.name, shape, DType.INT8, None, stand_in)


def _problems(op: Op, graph: Graph, quantized: bool) -> Iterator[str]:
    tensors = [graph.tensors[name] for name in (*op.inputs, *op.outputs) if name is not None]
    family, is_float = operators()[op.kind], any(t.dtype is DType.FLOAT32 for t in tensors)
    if is_float and quantized and not family.also_float:
        yield "computes in float32 inside a quantized model"
        return
    try:
        if is_float and quantized and family.is_curve and stray(op, graph):
            yield "computes in float32, which is supported only all the way from DEQUANTIZE to QUANTIZE"
        trial = is_float and not quantized and op.kind not in _BORDERS
        yield from as_int8(op, graph).float_problems() if trial else bind(op, graph).problems()
    except (ValueError, IndexError) as error:
        # Inputs that are missing or of a rank that the operator does not have.
        yield f"is malformed ({error})"


_LONG = 60
"""Characters of a tensor's name that messages show whole."""


def _unsupported(model: RawModel, ops: list[Op], problems: list[list[str]]) -> InputError:
    rows = [(op, problem) for op, found in zip(ops, problems, strict=True) for problem in _shortened(found)]
    count = sum(1 for found in problems if found)
    numbers = [op.source.split(" ", 1) for op, _ in rows]
    widths = [max(len(row[column]) for row in numbers) for column in (0, 1)]
    lines = [
        f"  {number:<{widths[0]}}  {where:<{widths[1]}}  {op.kind} v{op.version}"
        + (f": {_readable(problem, model)}" if problem else "")
        for (number, where), (op, problem) in zip(numbers, rows, strict=True)
    ]
    noun = "operators" if count > 1 else "operator"
    hint = "supported operators and their limits: docs/operators.md"
    if any("uint8" in problem.lower() for _, problem in rows):
        hint = "convert the model to int8, with int8 or float32 inputs and outputs; " + hint
    elif any("int16" in problem.lower() for _, problem in rows):
        hint = "convert the model to int8; what is compiled on int16: docs/conformance.md; " + hint
    if any(axis > 0 for raw in model.ops for i in raw.outputs for axis in model.tensors[i].open_axes):
        hint = "shapes inside the model are open: convert it with a batch of one (Input(batch_size=1)); " + hint
    if model.subgraphs > 1:
        lines.append(f"  (the file has {model.subgraphs} subgraphs; only the first is compiled)")
    return model.fail("\n".join([f"{count} {noun} cannot be compiled", *lines]), hint)


def _readable(problem: str, model: RawModel) -> str:
    """``problem`` with the first part of names that a converter has joined from those of many operators."""
    for name in sorted((tensor.name for tensor in model.tensors if len(tensor.name) > _LONG), key=len, reverse=True):
        problem = problem.replace(name, f"{name.split(';')[0][:_LONG]}...")
    return problem


def _shortened(problems: list[str]) -> list[str]:
    """The first two of an operator's problems; more of them are mostly more of the same."""
    return problems if len(problems) < 3 else [*problems[:2], f"and {len(problems) - 2} more"]
