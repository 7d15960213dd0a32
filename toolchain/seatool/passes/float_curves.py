"""Make tables of what int8 models compute in float32, from DEQUANTIZE to QUANTIZE."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from seatool.ir import DType, Graph, Op
from seatool.kernels import bind, operators
from seatool.passes.tables import INPUTS


def float_curves(graph: Graph, say: Callable[[str], None]) -> Graph:
    """Replace each QUANTIZE behind curves in float32 by a LOOKUP_TABLE on what DEQUANTIZE reads.

    The table is composed of the operators' own results. What nobody reads any more goes.
    """
    producers = {name: op for op in graph.ops for name in op.outputs if _is_real(name, graph)}
    ops = []
    for op in graph.ops:
        chain = _chain(op, producers)
        ops.append(op if chain is None else _lookup(chain, graph))
        if chain is not None:
            say(f"merged {', '.join(member.kind for member in chain)} into one table ({op.name})")
    return graph if ops == list(graph.ops) else graph.with_(ops=_without_unread(ops, graph))


def _chain(op: Op, producers: Mapping[str, Op]) -> list[Op] | None:
    """The operators from a DEQUANTIZE by way of curves to ``op``, a QUANTIZE; None where it is not that."""
    if op.kind != "QUANTIZE":
        return None
    chain = [op]
    while (before := producers.get(str(chain[0].inputs[0]))) is not None and operators()[before.kind].is_curve:
        chain.insert(0, before)
    return [before, *chain] if before is not None and before.kind == "DEQUANTIZE" and len(chain) > 1 else None


def _is_real(name: str, graph: Graph) -> bool:
    return graph.tensors[name].dtype is DType.FLOAT32


def _lookup(chain: list[Op], graph: Graph) -> Op:
    values = INPUTS
    for op in chain:
        (values,) = bind(op, graph).evaluate(values)
    first, last = chain[0], chain[-1]
    attributes = operators()["LOOKUP_TABLE"].parse({"table": tuple(values.tolist())})
    return Op(last.name, "LOOKUP_TABLE", (first.inputs[0],), last.outputs, attributes, source=chain[1].source)


def _without_unread(ops: list[Op], graph: Graph) -> list[Op]:
    """What makes float32 only where somebody reads it."""
    read = set(graph.sinks)
    kept = []
    for op in reversed(ops):
        if _is_real(op.outputs[0], graph) and op.outputs[0] not in read:
            continue
        read.update(name for name in op.inputs if name is not None)
        kept.append(op)
    return kept[::-1]
