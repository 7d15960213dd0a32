"""Read variables where they are, not from copies."""

from __future__ import annotations

from collections.abc import Callable

from seatool.ir import Graph, Op
from seatool.kernels import operators
from seatool.passes.uses import renamed


def share_variables(graph: Graph, say: Callable[[str], None]) -> Graph:
    """Drop each READ_VARIABLE whose readers have all run when the variable changes; they read the variable itself.

    The last pass: afterwards no operator may move behind an ASSIGN_VARIABLE.
    """
    names: dict[str, str] = {}
    kept = []
    for index, op in enumerate(graph.ops):
        if op.kind == "READ_VARIABLE" and _is_free(index, graph):
            names[op.outputs[0]] = str(op.inputs[0])
            say(f"dropped {op.name} (READ_VARIABLE): the variable is read where it is")
        else:
            kept.append(renamed(op, names))
    return graph.with_(ops=kept)


def _is_free(index: int, graph: Graph) -> bool:
    """Whether what the READ_VARIABLE at ``index`` reads may stand for its result."""
    op = graph.ops[index]
    variable, result = graph.tensors[str(op.inputs[0])], graph.tensors[op.outputs[0]]
    alike = (variable.shape, variable.dtype, variable.quant) == (result.shape, result.dtype, result.quant)
    return alike and _last_use(result.name, graph.ops[index:], graph) < _assignment(variable.name, graph.ops[index:])


def _assignment(variable: str, ops: tuple[Op, ...]) -> int:
    """Which of ``ops`` replaces the variable; their number where none does."""
    places = (i for i, op in enumerate(ops) if op.kind == "ASSIGN_VARIABLE" and op.inputs[0] == variable)
    return next(places, len(ops))


def _last_use(tensor: str, ops: tuple[Op, ...], graph: Graph) -> int:
    """Which of ``ops`` is the last to read the tensor or a view of it; their number where it outlives them all."""
    same, last = {tensor}, 0
    for i, op in enumerate(ops):
        if same & set(op.inputs):
            last = i
            if operators()[op.kind].is_view:
                same.add(op.outputs[0])
    return len(ops) if same & set(graph.sinks) else last
