"""Drop transpositions that undo each other, as exporters leave them between channels-first and channels-last layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from seatool.ir import Graph, Op, Tensor
from seatool.kernels import operators
from seatool.passes.tables import ELEMENTWISE_KINDS
from seatool.passes.uses import Uses, Views

Order = tuple[int, ...]

Transposed = tuple[str | None, Order]
"""What a TRANSPOSE reads, and its order."""


def undo_transposes(graph: Graph, say: Callable[[str], None]) -> Graph:
    """Move transpositions out of the way of each other, in this order.

    An elementwise operator between a TRANSPOSE and its inverse computes without them. Of two in a row one remains, or
    none. One that moves axes of size 1 only is a view.
    """
    graph = _around_elementwise(graph, say)
    graph = _in_a_row(graph, say)
    return graph.with_(ops=[_as_view(op, graph) for op in graph.ops])


def _order(op: Op | None, graph: Graph) -> Order | None:
    """The order of axes of a TRANSPOSE that keeps the scale; None for anything else, and for what is no order."""
    if op is None or op.kind != "TRANSPOSE":
        return None
    x, perm = graph.tensors[str(op.inputs[0])], graph.tensors[str(op.inputs[1])].data
    if perm is None or x.quant != graph.tensors[op.outputs[0]].quant:
        return None
    order = tuple(perm.ravel().tolist())
    return order if sorted(order) == list(range(len(x.shape))) else None


def _composed(first: Order, then: Order) -> Order:
    """The order of the axes after both."""
    return tuple(first[axis] for axis in then)


def _identity(order: Order) -> bool:
    return order == tuple(range(len(order)))


def _around_elementwise(graph: Graph, say: Callable[[str], None]) -> Graph:
    uses = Uses(graph)
    transposed = {op.outputs[0]: (op.inputs[0], order) for op in graph.ops if (order := _order(op, graph))}
    changed: dict[str, list[Op]] = {}
    for last in graph.ops:
        order = _order(last, graph)
        op = uses.producer.get(str(last.inputs[0])) if order else None
        if order is None or op is None or op.kind not in ELEMENTWISE_KINDS or not uses.is_private(op.outputs[0]):
            continue
        inputs = [_before(name, order, graph, transposed) for name in op.inputs]
        if None not in inputs:
            del transposed[last.outputs[0]]
            changed |= {op.name: [], last.name: [replace(op, inputs=tuple(inputs), outputs=last.outputs)]}
            say(f"computed {op.name} ({op.kind}) without the transpositions around it")
    ops = [new for op in graph.ops for new in changed.get(op.name, [op])]
    return graph.with_(ops=_without_unread(ops, graph))


def _before(name: str | None, order: Order, graph: Graph, transposed: Mapping[str, Transposed]) -> str | None:
    """What a TRANSPOSE that ``order`` undoes makes ``name`` of; a scalar constant itself; None for anything else."""
    if name is None or (graph.tensors[name].is_constant and graph.tensors[name].elements == 1):
        return name
    source, first = transposed.get(name, (None, ()))
    return source if len(first) == len(order) and _identity(_composed(first, order)) else None


def _in_a_row(graph: Graph, say: Callable[[str], None]) -> Graph:
    views = Views(graph)
    origins: dict[str, tuple[Tensor, Order]] = {}
    names: dict[str, str] = {}
    ops = []
    for op in graph.ops:
        new = replace(op, inputs=tuple(None if name is None else names.get(name, name) for name in op.inputs))
        order = _order(op, graph)
        source = origins.get(str(new.inputs[0])) if order else None
        if order is not None:
            x, total = graph.tensors[str(new.inputs[0])], order
            if source is not None:
                x, total = source[0], _composed(source[1], order)
                if _identity(total) and op.outputs[0] not in graph.sinks:
                    names[op.outputs[0]] = x.name
                    say(f"dropped {op.name} ({op.kind}), which undoes another")
                    continue
                perm = views.integers(f"{op.name}/order", total)
                new = replace(new, inputs=(x.name, perm.name))
            origins[op.outputs[0]] = (x, total)
        ops.append(new)
    return graph.with_(tensors=views.tensors.values(), ops=_without_unread(ops, graph))


def _without_unread(ops: list[Op], graph: Graph) -> list[Op]:
    """Without transpositions that nobody reads."""
    read = set(graph.sinks)
    kept = []
    for op in reversed(ops):
        if op.kind != "TRANSPOSE" or op.outputs[0] in read:
            read.update(name for name in op.inputs if name is not None)
            kept.append(op)
    return kept[::-1]


def _as_view(op: Op, graph: Graph) -> Op:
    """A RESHAPE where ``op`` leaves the axes larger than 1 in their order; else ``op`` itself."""
    order = _order(op, graph)
    shape = graph.tensors[str(op.inputs[0])].shape if order else ()
    moved = [axis for axis in order or () if shape[axis] > 1]
    if order is None or moved != sorted(moved):
        return op
    attributes = operators()["RESHAPE"].parse({"new_shape": graph.tensors[op.outputs[0]].shape})
    return replace(op, kind="RESHAPE", inputs=op.inputs[:1], attributes=attributes, version=1)
