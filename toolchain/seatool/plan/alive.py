"""How many bytes are alive while a step runs, whatever is chosen for the other steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from seatool.ir import Graph
from seatool.plan.choose import Candidate, Group
from seatool.plan.lifetimes import Use, states, view_roots
from seatool.plan.placement import Span


@dataclass(frozen=True)
class Choice:
    """A candidate for a group (None for a view) and the bytes alive while it runs, its scratch included."""

    group: Group
    candidate: Candidate | None
    ram: int

    @property
    def effort(self) -> int:
        return self.candidate.effort if self.candidate else 0

    @property
    def flash(self) -> int:
        """Bytes of constants and code, but for code that steps share."""
        return self.candidate.flash if self.candidate else 0

    @property
    def shared(self) -> tuple[tuple[str, int], ...]:
        """Functions that steps share, with their bytes."""
        return self.candidate.cost.shared if self.candidate else ()

    @property
    def resident(self) -> tuple[int, ...]:
        """Bytes of each block of resident RAM."""
        return self.candidate.resident if self.candidate else ()


class Live:
    """What is alive while a group runs. Numbers of operators stand for steps."""

    def __init__(self, graph: Graph, alone: Sequence[Group]) -> None:
        uses = [Use(group.first, group.operators) for group in alone]
        self.roots = view_roots(graph, uses)
        self.spans = self._spans(graph, alone)
        self.kept = {self.roots[name] for name in (*graph.sinks, *states(graph))}

    def _spans(self, graph: Graph, alone: Sequence[Group]) -> dict[str, Span]:
        first = {self.roots[name]: 0 for name in graph.sources}
        last = dict(first)
        for group in alone:
            operator = group.operators[0]
            for output in operator.outputs:
                first.setdefault(self.roots[output.name], group.first)
            for tensor in (*operator.inputs, *operator.outputs):
                if tensor is not None and tensor.name in self.roots:
                    last[self.roots[tensor.name]] = group.first
        last.update((self.roots[name], len(alone)) for name in (*graph.sinks, *states(graph)))
        return {root: Span(first[root], last[root], graph.tensors[root].bytes) for root in first}

    def choices(self, group: Group) -> Iterator[Choice]:
        inner = {operator.output.name for operator in group.operators[:-1]}
        alive = [
            span.room
            for root, span in self.spans.items()
            if span.first < group.end and span.last >= group.first and root not in inner
        ]
        if group.is_view:
            yield Choice(group, None, sum(alive))
        for candidate in group.candidates:
            scratch = Span(0, 0, candidate.cost.scratch).room
            yield Choice(group, candidate, sum(alive) - self._saved(group, candidate) + scratch)

    def _saved(self, group: Group, candidate: Candidate) -> int:
        """Bytes of the output that lie in an input which is not needed any more."""
        operator, output = group.operators[0], group.operators[-1].output
        for index in candidate.inplace:
            root = self.roots.get(operator.input(index).name, "")
            span = self.spans.get(root)
            if span is not None and root not in self.kept and span.last == group.first and output.bytes <= span.size:
                return self.spans[output.name].room
        return 0
