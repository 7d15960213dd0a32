"""Who produces and who reads each tensor of a graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace

from seatool.ir import Graph, Op


class Uses:
    """Producers and numbers of readers of a graph's tensors, gathered once."""

    def __init__(self, graph: Graph) -> None:
        self._outputs = frozenset(graph.sinks)
        self.producer: Mapping[str, Op] = {name: op for op in graph.ops for name in op.outputs}
        self.readers = Counter(name for op in graph.ops for name in op.inputs if name is not None)

    def is_private(self, tensor: str) -> bool:
        """One operator reads the tensor, once, and nobody else ever sees it."""
        return self.readers[tensor] == 1 and tensor not in self._outputs


def unused_name(name: str, taken: Collection[str]) -> str:
    """``name``, with underscores behind it while it is in ``taken``."""
    while name in taken:
        name += "_"
    return name


def renamed(op: Op, names: Mapping[str, str]) -> Op:
    """``op`` reading and writing the tensors that ``names`` maps its own to."""
    return replace(
        op,
        inputs=tuple(None if name is None else names.get(name, name) for name in op.inputs),
        outputs=tuple(names.get(name, name) for name in op.outputs),
    )
