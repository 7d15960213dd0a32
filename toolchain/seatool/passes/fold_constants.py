"""Compute at compile time what depends on constants only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from seatool.ir import DType, Graph
from seatool.kernels import bind


def fold_constants(graph: Graph, say: Callable[[str], None]) -> Graph:
    """Replace operators whose inputs are all constant by their results. Outputs and states stay computed."""
    tensors = dict(graph.tensors)
    kept = []
    for op in graph.ops:
        names = [name for name in op.inputs if name is not None]
        variable = any(not tensors[name].is_constant for name in names)
        if variable or not names or set(op.outputs) & set(graph.sinks):
            kept.append(op)
            continue
        own = {name: tensors[name] for name in (*names, *op.outputs)}
        operator = bind(op, Graph("constants", own, (op,), tuple(names), op.outputs))
        values = [None if t is None else t.data for t in operator.inputs]
        is_float = any(tensors[name].dtype is DType.FLOAT32 for name in op.outputs)
        results = operator.evaluate_float(*values) if is_float else operator.evaluate(*values)
        for name, result in zip(op.outputs, results, strict=True):
            tensors[name] = replace(tensors[name], data=result)
        say(f"computed {op.name} ({op.kind}) at compile time")
    return graph.with_(tensors=tensors.values(), ops=kept)
