"""Drop operators that change nothing: reshapes to the same shape, empty padding, clamps that never act."""

from __future__ import annotations

from collections.abc import Callable

from seatool.ir import Array, Graph, Op
from seatool.passes.tables import INPUTS, table
from seatool.passes.uses import Uses, renamed


def drop_identities(graph: Graph, say: Callable[[str], None]) -> Graph:
    """Let the readers of an operator that changes nothing read its input.

    Where its output is an output of the graph, the input's producer writes that instead; between an input and an output
    of the graph it stays, as a copy.
    """
    uses = Uses(graph)
    names: dict[str, str] = {}
    kept = []
    for op in graph.ops:
        source, target = op.inputs[0] if op.inputs else None, op.outputs[0]
        if source is None or not _is_identity(op, graph):
            kept.append(op)
            continue
        origin = names.get(source, source)
        if target not in graph.sinks:
            names[target] = origin
        elif origin in uses.producer and origin not in graph.sinks:
            names = {old: target if new == origin else new for old, new in names.items()} | {origin: target}
        else:
            kept.append(op)
            continue
        say(f"dropped {op.name} ({op.kind}), which changes nothing")
    return graph.with_(ops=[renamed(op, names) for op in kept])


_IDENTITY_IF_ALIKE = frozenset(
    {"RESHAPE", "SQUEEZE", "EXPAND_DIMS", "CAST", "BROADCAST_TO", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH"}
)
"""Operators that change nothing where input and output are of one shape and type."""


def _is_identity(op: Op, graph: Graph) -> bool:
    x, y = (None if op.inputs[0] is None else graph.tensors[op.inputs[0]]), graph.tensors[op.outputs[0]]
    if x is None or x.is_constant or len(op.outputs) != 1 or (x.shape, x.dtype, x.quant) != (y.shape, y.dtype, y.quant):
        return False
    if op.kind in _IDENTITY_IF_ALIKE:
        return True
    if op.kind == "TRANSPOSE":
        order = _constant(op, 1, graph)
        return order is not None and order.tolist() == list(range(len(x.shape)))
    if op.kind in ("PAD", "PADV2", "MIRROR_PAD"):
        amounts = _constant(op, 1, graph)
        return amounts is not None and not amounts.any()
    if op.kind == "CONCATENATION":
        return len(op.inputs) == 1 and not getattr(op.attributes, "fused_activation_function", 0)
    function = table(op, graph)
    return function is not None and function[0] == x.name and bool((function[1] == INPUTS).all())


def _constant(op: Op, index: int, graph: Graph) -> Array | None:
    name = op.inputs[index] if index < len(op.inputs) else None
    return None if name is None else graph.tensors[name].data
