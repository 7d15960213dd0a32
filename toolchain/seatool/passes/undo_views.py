"""Drop views that undo each other, and make one of several in a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from seatool.ir import Graph, Op
from seatool.kernels import operators
from seatool.passes.uses import renamed


def undo_views(graph: Graph, say: Callable[[str], None]) -> Graph:
    """Let a view of a view be one of the first tensor, or where that has its shape already, let readers read that.

    Views that nobody reads any more go; outputs and states of the graph stay.
    """
    origins: dict[str, str] = {}
    names: dict[str, str] = {}
    ops = []
    for op in graph.ops:
        new = renamed(op, names)
        if operators()[op.kind].is_view:
            source, target = str(new.inputs[0]), op.outputs[0]
            origins[target] = origins.get(source, source)
            x, y = graph.tensors[origins[target]], graph.tensors[target]
            if (x.shape, x.dtype, x.quant) == (y.shape, y.dtype, y.quant) and target not in graph.sinks:
                names[target] = x.name
            elif x.name != source and x.quant == y.quant:
                attributes = operators()["RESHAPE"].parse({"new_shape": y.shape})
                new = replace(new, kind="RESHAPE", inputs=(x.name,), attributes=attributes, version=1)
        ops.append(new)
    return graph.with_(ops=_without_unread_views(ops, graph, say))


def _without_unread_views(ops: list[Op], graph: Graph, say: Callable[[str], None]) -> list[Op]:
    read = set(graph.sinks)
    kept = []
    for op in reversed(ops):
        if operators()[op.kind].is_view and op.outputs[0] not in read:
            say(f"dropped {op.name} ({op.kind}), a view that nobody needs")
            continue
        read.update(name for name in op.inputs if name is not None)
        kept.append(op)
    return kept[::-1]
