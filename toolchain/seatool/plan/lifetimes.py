"""When every tensor is needed, and which tensors share memory: views of each other, and results made in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from seatool.ir import Graph, Tensor
from seatool.kernels import Operator
from seatool.plan.placement import Block, Span


@dataclass(frozen=True)
class Lifetimes:
    """Memory demands of a graph's activations.

    ``roots`` maps every activation to the tensor whose bytes it is (itself unless it is a view); ``spans`` holds the
    need of each root; ``blocks`` groups roots that share an address, and ``block_of`` says which block a root is in.
    """

    roots: Mapping[str, str]
    spans: Mapping[str, Span]
    blocks: tuple[Block, ...]
    block_of: Mapping[str, str]


@dataclass
class _Chains:
    """Blocks under construction: roots in place of each other, by the name of the first."""

    head: dict[str, str] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=dict)

    def start(self, root: str) -> None:
        self.head[root] = root
        self.members[root] = [root]

    def join(self, root: str, earlier: str) -> None:
        head = self.head[earlier]
        self.head[root] = head
        self.members[head].append(root)


@dataclass(frozen=True)
class Use:
    """What a step does with memory.

    Its output 0 may overwrite the first operator's inputs that ``inplace`` lists. Tensors between the operators need no
    memory.
    """

    number: int
    operators: tuple[Operator, ...]
    inplace: tuple[int, ...] = ()

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        return self.operators[-1].outputs

    @property
    def is_view(self) -> bool:
        return self.operators[0].is_view


def lifetimes(graph: Graph, uses: Sequence[Use]) -> Lifetimes:
    """Spans and blocks of the activations of ``graph``, with ``uses`` ascending by step number.

    Inputs live from step 0, outputs to the last step, states all the time.
    """
    roots = view_roots(graph, uses)
    spans = _spans(graph, uses, roots)
    kept = {roots[name] for name in (*graph.sinks, *states(graph))}
    mortal = {root: span for root, span in spans.items() if root not in kept}
    chains = _Chains()
    for name in dict.fromkeys(roots[name] for name in graph.sources):
        chains.start(name)
    for use in uses:
        if use.is_view:
            continue
        for index, output in enumerate(use.outputs):
            if roots[output.name] != output.name:
                continue
            over = _overwritten(use, roots, mortal) if index == 0 else None
            if over is None:
                chains.start(output.name)
            else:
                chains.join(output.name, over)
    blocks = tuple(Block(head, tuple(spans[root] for root in chain)) for head, chain in chains.members.items())
    return Lifetimes(roots, spans, blocks, chains.head)


def view_roots(graph: Graph, uses: Sequence[Use]) -> dict[str, str]:
    """For every activation in memory, the tensor whose bytes it is.

    A view has those of its operator's first input, and what an operator makes of a state has the state's.
    """
    roots = {name: name for name in graph.sources}
    for use in uses:
        updated = use.operators[-1].updated
        for index, output in enumerate(use.outputs):
            if use.is_view or index in updated:
                source = use.operators[-1].input(0 if use.is_view else updated[index])
                roots[output.name] = roots[source.name]
            else:
                roots[output.name] = output.name
    return roots


def states(graph: Graph) -> tuple[str, ...]:
    """The tensors whose memory holds the states."""
    return tuple(state.value for state in graph.states)


def _spans(graph: Graph, uses: Sequence[Use], roots: Mapping[str, str]) -> dict[str, Span]:
    first = {roots[name]: 0 for name in graph.sources}
    last = dict(first)
    for use in uses:
        for output in use.outputs:
            first.setdefault(roots[output.name], use.number)
            last.setdefault(roots[output.name], use.number)
        for operator in use.operators:
            for tensor in operator.inputs:
                if tensor is not None and tensor.name in roots:
                    last[roots[tensor.name]] = use.number
    end = uses[-1].number if uses else 0
    last.update((roots[name], end) for name in (*graph.sinks, *states(graph)))
    return {root: Span(first[root], last[root], graph.tensors[root].bytes) for root in first}


def _overwritten(use: Use, roots: Mapping[str, str], mortal: Mapping[str, Span]) -> str | None:
    """The root that output 0 may replace: the kernel allows it, its last use is here, and the output is no larger."""
    for index in use.inplace:
        root = roots.get(use.operators[0].input(index).name, "")
        if root in mortal and mortal[root].last == use.number and use.outputs[0].bytes <= mortal[root].size:
            return root
    return None
