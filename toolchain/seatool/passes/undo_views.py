"""Drop views that undo each other: a RESHAPE and what leads back to the shape before it."""

from __future__ import annotations

from collections.abc import Callable

from seatool.ir import Graph
from seatool.kernels import operators
from seatool.passes.uses import renamed


def undo_views(graph: Graph, say: Callable[[str], None]) -> Graph:
    """Let the readers of a view of a view read the first tensor, where shape and scale are the same again.

    Views that nobody reads any more go too; outputs of the graph stay as they are.
    """
    sources: dict[str, str] = {}
    names: dict[str, str] = {}
    ops = []
    for op in graph.ops:
        new = renamed(op, names)
        ops.append(new)
        if not operators()[op.kind].is_view:
            continue
        target, origin = op.outputs[0], sources.get(str(new.inputs[0]), str(new.inputs[0]))
        sources[target] = origin
        x, y = graph.tensors[origin], graph.tensors[target]
        if (x.shape, x.dtype, x.quant) == (y.shape, y.dtype, y.quant) and target not in graph.outputs:
            names[target] = origin
    read = set(graph.outputs)
    kept = []
    for op in reversed(ops):
        if operators()[op.kind].is_view and op.outputs[0] not in read:
            say(f"dropped {op.name} ({op.kind}), a view that is undone")
            continue
        read.update(name for name in op.inputs if name is not None)
        kept.append(op)
    return graph.with_(ops=kept[::-1])
