"""The search over groups, kernels and their configurations: which plans no other beats in RAM, flash and instructions.

Steps follow each other, so the RAM of a plan is that of its hungriest step: under a limit each step may take whatever
fits beside the activations alive then, whatever the others take. Flash adds up over the steps. So for each limit of RAM
that matters, from the largest down, the best plans are found from the last operator back, keeping for each number of
operators left the combinations that no other beats in flash and instructions.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from seatool.ir import Graph
from seatool.plan.choose import Candidate, Group
from seatool.plan.lifetimes import Use, view_roots
from seatool.plan.placement import Span

FRONT_SIZE = 256
"""Most combinations kept per operator. Where there are more, the range of flash is divided into as many intervals and
the fastest of each is kept: the loss is less than what an interval of flash can gain."""

FRONTIER_SIZE = 24
"""The same for the whole frontier, which takes one search per limit of RAM."""


@dataclass(frozen=True)
class Choice:
    """A candidate for a group (None for a view) and the bytes alive while it runs, its scratch included."""

    group: Group
    candidate: Candidate | None
    ram: int

    @property
    def instructions(self) -> int:
        return self.candidate.cost.instructions if self.candidate else 0

    @property
    def flash(self) -> int:
        return self.candidate.flash if self.candidate else 0


@dataclass(frozen=True)
class Picks:
    """The choices from some operator to the last one, as a linked list, with what they need together.

    ``ram`` is the most bytes alive at once, ``flash`` constants and code of the layers; both are estimates of what is
    placed and linked in the end.
    """

    ram: int
    flash: int
    instructions: int
    head: Choice | None = None
    rest: Picks | None = None

    @property
    def choices(self) -> tuple[Choice, ...]:
        """In the order of the operators."""
        found, at = [], self
        while at.head is not None and at.rest is not None:
            found.append(at.head)
            at = at.rest
        return tuple(found)

    def after(self, choice: Choice) -> Picks:
        """These picks, preceded by ``choice``."""
        return Picks(
            max(self.ram, choice.ram),
            self.flash + choice.flash,
            self.instructions + choice.instructions,
            choice,
            self,
        )


@dataclass(frozen=True)
class Space:
    """Everything that may be chosen. ``floor``: RAM that is needed before the first operator."""

    graph: Graph
    groups: tuple[tuple[Group, ...], ...]
    floor: int = 0

    @cached_property
    def choices(self) -> tuple[tuple[Choice, ...], ...]:
        """For every operator the choices that begin with it."""
        live = _Live(self.graph, [begins[0] for begins in self.groups])
        return tuple(tuple(choice for group in begins for choice in live.choices(group)) for begins in self.groups)

    def fastest(self, ram: int | None = None, flash: int | None = None, size: int = FRONT_SIZE) -> tuple[Picks, ...]:
        """Plans within the limits that no other of them beats in both instructions and flash, the fastest first."""
        if ram is not None and self.floor > ram:
            return ()
        fronts: list[tuple[Picks, ...]] = [()] * len(self.choices) + [(Picks(self.floor, 0, 0),)]
        for number in reversed(range(len(self.choices))):
            allowed = (choice for choice in self.choices[number] if ram is None or choice.ram <= ram)
            found = (picks.after(choice) for choice in allowed for picks in fronts[choice.group.end])
            fronts[number] = _front((picks for picks in found if flash is None or picks.flash <= flash), size)
        return fronts[0]

    def frontier(self, ram: int | None = None, flash: int | None = None) -> tuple[Picks, ...]:
        """Plans within the limits that no other beats in RAM, flash and instructions, from much RAM to little."""
        found: list[Picks] = []
        while front := self.fastest(ram, flash, FRONTIER_SIZE):
            ram = max(picks.ram for picks in front) - 1
            found += front
        return _undominated(found)

    def least_ram(self, flash: int | None = None) -> Picks | None:
        """The plan within ``flash`` bytes that needs the least RAM, and of those the fastest; None if there is none."""
        limits = sorted({max(choice.ram, self.floor) for choices in self.choices for choice in choices})
        first = bisect_left(limits, True, key=lambda ram: bool(self.fastest(ram, flash)))
        return self.fastest(limits[first], flash)[0] if first < len(limits) else None


def _front(found: Iterable[Picks], size: int) -> tuple[Picks, ...]:
    """Those that no other beats in instructions and flash, the fastest first; of more than ``size`` a selection."""
    front: list[Picks] = []
    for picks in sorted(found, key=lambda p: (p.instructions, p.flash, p.ram)):
        if not front or picks.flash < front[-1].flash:
            front.append(picks)
    if len(front) <= size:
        return tuple(front)
    low, high = front[-1].flash, front[0].flash
    chosen: dict[int, Picks] = {}
    for picks in front[:-1]:
        chosen.setdefault((picks.flash - low) * (size - 2) // (high - low), picks)
    return (*chosen.values(), front[-1])


def _undominated(found: Iterable[Picks]) -> tuple[Picks, ...]:
    kept: list[Picks] = []
    for picks in sorted(found, key=lambda p: (p.instructions, p.ram, p.flash)):
        if not any(better.ram <= picks.ram and better.flash <= picks.flash for better in kept):
            kept.append(picks)
    return tuple(sorted(kept, key=lambda p: (-p.ram, -p.flash)))


class _Live:
    """What is alive while a group runs. Numbers of operators stand for steps."""

    def __init__(self, graph: Graph, alone: Sequence[Group]) -> None:
        uses = [Use(group.first, group.operators) for group in alone]
        self.roots = view_roots(graph, uses)
        self.spans = self._spans(graph, alone)
        self.kept = {self.roots[name] for name in graph.outputs}

    def _spans(self, graph: Graph, alone: Sequence[Group]) -> dict[str, Span]:
        first = {self.roots[name]: 0 for name in graph.inputs}
        last = dict(first)
        for group in alone:
            operator = group.operators[0]
            for output in operator.outputs:
                first.setdefault(self.roots[output.name], group.first)
            for tensor in (*operator.inputs, *operator.outputs):
                if tensor is not None and tensor.name in self.roots:
                    last[self.roots[tensor.name]] = group.first
        last.update((self.roots[name], len(alone)) for name in graph.outputs)
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
