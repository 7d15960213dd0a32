"""When every tensor is needed, and which tensors share memory: views of each other, and results made in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from seatool.ir import Graph
from seatool.kernels import Operator, Variant
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


def lifetimes(graph: Graph, steps: Sequence[tuple[int, Operator, Variant | None]]) -> Lifetimes:
    """Spans and blocks of the activations of ``graph``.

    Args:
        graph: Inputs live from step 0, outputs to the last step.
        steps: (step number, operator, kernel; None for a view), ascending by step number.
    """
    roots = view_roots(graph, [operator for _, operator, _ in steps])
    spans = _spans(graph, steps, roots)
    kept = {roots[name] for name in graph.outputs}
    mortal = {root: span for root, span in spans.items() if root not in kept}
    chains = _Chains()
    for name in dict.fromkeys(roots[name] for name in graph.inputs):
        chains.start(name)
    for number, operator, variant in steps:
        if variant is None:
            continue
        for index, output in enumerate(operator.outputs):
            over = _overwritten(number, operator, variant, roots, mortal) if index == 0 else None
            if over is None:
                chains.start(output.name)
            else:
                chains.join(output.name, over)
    blocks = tuple(Block(head, tuple(spans[root] for root in chain)) for head, chain in chains.members.items())
    return Lifetimes(roots, spans, blocks, chains.head)


def view_roots(graph: Graph, operators: Sequence[Operator]) -> dict[str, str]:
    """For every activation, the tensor whose bytes it is. A view has those of its operator's first input."""
    roots = {name: name for name in graph.inputs}
    for operator in operators:
        for output in operator.outputs:
            roots[output.name] = roots[operator.input(0).name] if operator.is_view else output.name
    return roots


def _spans(
    graph: Graph, steps: Sequence[tuple[int, Operator, Variant | None]], roots: Mapping[str, str]
) -> dict[str, Span]:
    first = {roots[name]: 0 for name in graph.inputs}
    last = dict(first)
    for number, operator, _ in steps:
        for output in operator.outputs:
            first.setdefault(roots[output.name], number)
            last.setdefault(roots[output.name], number)
        for tensor in operator.inputs:
            if tensor is not None and tensor.name in roots:
                last[roots[tensor.name]] = number
    end = steps[-1][0] if steps else 0
    last.update((roots[name], end) for name in graph.outputs)
    return {root: Span(first[root], last[root], graph.tensors[root].bytes) for root in first}


def _overwritten(
    number: int, operator: Operator, variant: Variant, roots: Mapping[str, str], mortal: Mapping[str, Span]
) -> str | None:
    """The root that output 0 may replace: the kernel allows it, its last use is here, and the output is no larger."""
    for index in variant.inplace(operator):
        root = roots.get(operator.input(index).name, "")
        if root in mortal and mortal[root].last == number and operator.output.bytes <= mortal[root].size:
            return root
    return None
