"""Resource variables (VAR_HANDLE, READ_VARIABLE, ASSIGN_VARIABLE, CALL_ONCE) as states.

A file names a variable by a handle. Here a READ_VARIABLE gets the tensor that holds the variable at its place in the
order of execution, and an ASSIGN_VARIABLE also leaves one. Source: TFLM micro_resource_variable.cc, call_once.cc.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from seatool.importers.tflite import schema
from seatool.importers.tflite.folding import fold
from seatool.importers.tflite.records import RawModel, RawOp, RawState, RawTensor
from seatool.importers.tflite.settling import alone, is_known
from seatool.ir import Array

Key = tuple[str, str]
"""What two handles of one variable have in common: container and name."""


def expose_variables(model: RawModel, subgraph: Callable[[int], RawModel]) -> None:
    """Make states of the variables of ``model``, in place; ``subgraph`` gives another subgraph of the file by number.

    Raises:
        InputError: A variable is used without a handle, never gets a value, or gets one in a way that only an
            interpreter could follow.
    """
    handles = _handles(model)
    firsts = _first_values(model, subgraph)
    assigned = {handles[op.inputs[0]]: op for op in reversed(model.ops) if _is(op, "ASSIGN_VARIABLE", handles)}
    states = {key: _state(model, key, op, firsts) for key, op in assigned.items()}
    current = {key: state.value for key, state in states.items()}
    needed = {index for op in model.ops if op.kind not in ("READ_VARIABLE", "ASSIGN_VARIABLE") for index in op.inputs}
    kept = []
    for op in model.ops:
        if op.kind == "CALL_ONCE" or (op.kind == "VAR_HANDLE" and not needed & set(op.outputs)):
            continue
        if op.kind == "READ_VARIABLE" and (key := _key(op, handles, model)) not in states:
            _make_constant(op, firsts.get(key), model)
            continue
        if op.kind in ("READ_VARIABLE", "ASSIGN_VARIABLE"):
            key = _key(op, handles, model)
            op.inputs = (current[key], *op.inputs[1:])
        if op.kind == "ASSIGN_VARIABLE":
            current[key] = model.add(_like(model.tensors[current[key]], f"{key[1]}/next"))
            op.outputs = (current[key],)
        kept.append(op)
    model.ops = kept
    model.states += [RawState(state.value, current[key], state.initial) for key, state in reversed(states.items())]


def _is(op: RawOp, kind: str, handles: dict[int, Key]) -> bool:
    return op.kind == kind and len(op.inputs) == 2 and op.inputs[0] in handles


def _handles(model: RawModel) -> dict[int, Key]:
    """The variables by the tensors that stand for them."""
    return {index: op.variable for op in model.ops if op.kind == "VAR_HANDLE" for index in op.outputs}


def _key(op: RawOp, handles: dict[int, Key], model: RawModel) -> Key:
    """The variable that ``op`` reads or assigns."""
    counts = (1, 1) if op.kind == "READ_VARIABLE" else (2, 0)
    if (len(op.inputs), len(op.outputs)) != counts or min(op.inputs) < 0:
        raise model.fail(f"operator #{op.index} {op.kind} has {len(op.inputs)} inputs and {len(op.outputs)} outputs")
    if op.inputs[0] not in handles:
        raise model.fail(f"operator #{op.index} {op.kind} uses a variable that no VAR_HANDLE names")
    return handles[op.inputs[0]]


def _state(model: RawModel, key: Key, op: RawOp, firsts: dict[Key, Array]) -> RawState:
    """The variable that ``op`` assigns first, with a tensor for its value when an inference begins."""
    like = model.tensors[op.inputs[1]]
    if not is_known(like):
        raise model.fail(f"variable {key[1]} is {like.type.name}{list(like.shape)}, which is not supported")
    value = model.add(_like(like, key[1] or "variable"))
    initial = firsts.get(key, _default(like))
    if (initial.nbytes, initial.dtype.name) != (like.bytes, like.type.numpy):
        raise model.fail(
            f"variable {key[1]} begins as {initial.dtype.name}{list(initial.shape)}, but operator #{op.index} "
            f"assigns {like.type.name}{list(like.shape)}"
        )
    return RawState(value, value, initial.reshape(like.shape))


def _like(tensor: RawTensor, name: str) -> RawTensor:
    return RawTensor(0, name, tensor.shape, tensor.type, tensor.quant)


def _default(tensor: RawTensor) -> Array:
    """What TFLM fills a variable with that is first assigned ``tensor``: bytes that are the zero point's lowest."""
    zero = tensor.quant.zero_point[0] % 256 if tensor.quant is not None else 0
    return np.frombuffer(bytes([zero]) * tensor.bytes, str(tensor.type.numpy))


def _first_values(model: RawModel, subgraph: Callable[[int], RawModel]) -> dict[Key, Array]:
    """What the subgraphs that are called once assign; all of them are called before a variable is used."""
    values: dict[Key, Array] = {}
    used = None
    for op in model.ops:
        if op.kind in ("READ_VARIABLE", "ASSIGN_VARIABLE"):
            used = used or op
        if op.kind != "CALL_ONCE":
            continue
        if used is not None:
            raise model.fail(
                f"operator #{op.index} CALL_ONCE comes after operator #{used.index} {used.kind}, which uses a variable",
                "call the initialisation first",
            )
        number = 0 if op.options is None else int(op.options.scalar(schema.CallOnceOptions.SUBGRAPH, "int32"))
        if not 0 < number < model.subgraphs:
            raise model.fail(f"operator #{op.index} CALL_ONCE calls subgraph {number}, which cannot be")
        model.initialisers.add(number)
        values |= _assignments(subgraph(number), number)
    return values


def _assignments(graph: RawModel, number: int) -> dict[Key, Array]:
    """The variables that a subgraph assigns, with the values; all of it has to be constant."""
    fold(graph)
    handles = _handles(graph)
    values: dict[Key, Array] = {}
    for op in graph.ops:
        if op.kind == "VAR_HANDLE":
            continue
        where = f"subgraph {number}, which is called once: operator #{op.index} {op.kind}"
        if op.kind != "ASSIGN_VARIABLE":
            if not _compute(op, graph):
                raise graph.fail(f"{where} does not compute a constant", "initialise variables with constants")
            continue
        key, data = _key(op, handles, graph), graph.tensors[op.inputs[1]].data
        if data is None:
            raise graph.fail(f"{where} assigns what is not constant", "initialise variables with constants")
        values[key] = data
    return values


def _compute(op: RawOp, graph: RawModel) -> bool:
    """Give the outputs of an operator on constants their values; False where that cannot be."""
    if any(graph.tensors[index].data is None for index in op.inputs if index >= 0):
        return False
    operator = alone(op, graph)
    if operator is None or list(operator.problems()):
        return False
    values = operator.evaluate(*(None if tensor is None else tensor.data for tensor in operator.inputs))
    for index, value in zip(op.outputs, values, strict=True):
        graph.tensors[index].data = value
    return True


def _make_constant(op: RawOp, value: Array | None, model: RawModel) -> None:
    """Let the result of a READ_VARIABLE be the only value that the variable ever has."""
    target = model.tensors[op.outputs[0]]
    if value is None:
        raise model.fail(f"operator #{op.index} READ_VARIABLE reads a variable that nothing assigns")
    if (value.nbytes, value.dtype.name) != (target.bytes, target.type.numpy):
        found = f"{value.dtype.name}{list(value.shape)}"
        raise model.fail(f"operator #{op.index} READ_VARIABLE reads {found} as {target.where}")
    target.data, target.stored = value.reshape(target.shape), True
