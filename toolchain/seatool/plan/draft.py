"""A choice of kernels as steps: their names, the memory that they demand, and the buffers once that is placed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from seatool.ir import Graph
from seatool.kernels import Cost
from seatool.plan.alive import Choice
from seatool.plan.choose import Candidate, Group, rejections
from seatool.plan.cycles import Memory
from seatool.plan.frontend import FRONT_END, FrontEnd
from seatool.plan.lifetimes import Lifetimes, Use, lifetimes
from seatool.plan.placement import Block, Span
from seatool.plan.program import Buffer, Step
from seatool.plan.regions import Demand, Layout
from seatool.plan.search import Picks


@dataclass(frozen=True)
class Draft:
    """A choice of kernels and the memory that it demands.

    ``scratch`` is by step number, ``resident`` by stage. ``names`` are the layers' by step number.
    """

    picks: Picks
    front: FrontEnd | None
    lifetimes: Lifetimes
    demand: Demand
    scratch: Mapping[int, Block]
    resident: Mapping[str, Block]
    names: tuple[str, ...]

    def buffers(self, layout: Layout) -> dict[str, Buffer]:
        """A buffer for every activation; views have their root's."""
        roots = {}
        for root, span in self.lifetimes.spans.items():
            region, offset = layout.places[self.lifetimes.block_of[root]]
            roots[root] = Buffer(root, "activation", region, offset, span.size, span.first, span.last)
        return {name: roots[root] for name, root in self.lifetimes.roots.items()}

    def residents(self, layout: Layout) -> dict[str, Buffer]:
        """A buffer for the resident memory of each stage that has some."""
        buffers = {}
        for stage, block in self.resident.items():
            region, offset = layout.places[block.name]
            (span,) = block.spans
            buffers[stage] = Buffer(block.name, "resident", region, offset, span.size, span.first, span.last)
        return buffers

    def steps(self, layout: Layout, memory: Memory, alone: Sequence[Group]) -> tuple[Step, ...]:
        """The steps with their scratch, and their cycles with everything where it lies.

        ``alone``: the group of each operator alone, which says why other kernels were not chosen.
        """
        steps = [] if self.front is None else [self._front_end(self.front, layout)]
        cycles = _Cycles(self.buffers(layout), self.residents(layout), memory)
        for choice in self.picks.choices:
            number, group, candidate = len(steps), choice.group, choice.candidate
            step = Step(number, self.names[number], group.operators, (), Cost(0), None)
            if candidate is not None:
                others = group.candidates if len(group.operators) == 1 else ()
                step = replace(
                    step,
                    stages=candidate.stages,
                    cost=candidate.cost,
                    scratch=self._scratch(number, layout),
                    rejected=rejections(alone[group.first], candidate, others),
                    strip=candidate.strip,
                )
                step = replace(step, cycles=cycles.of(step, candidate))
            steps.append(step)
        return tuple(steps)

    def _front_end(self, front: FrontEnd, layout: Layout) -> Step:
        return Step(0, FRONT_END, (), (), front.cost, self._scratch(0, layout), cycles=front.cost.cycles)

    def _scratch(self, step: int, layout: Layout) -> Buffer | None:
        block = self.scratch.get(step)
        if block is None:
            return None
        region, offset = layout.places[block.name]
        return Buffer(block.name, "scratch", region, offset, block.spans[0].size, step, step)


@dataclass(frozen=True)
class _Cycles:
    """Cycles of steps, with buffers where they lie: tensors by name, resident memory by stage."""

    buffers: Mapping[str, Buffer]
    residents: Mapping[str, Buffer]
    memory: Memory

    def of(self, step: Step, candidate: Candidate) -> int:
        """Of the kernels, and waiting for constants, resident memory and each input, which is read once."""
        regions = {stage: buffer.region for stage, buffer in self.residents.items()}
        waits = [self.memory.stage_waits(stage, how, regions.get(stage.name)) for stage, how in candidate.readings]
        inputs = {self.buffers[t.name].name: self.buffers[t.name] for t in step.inputs if t.name in self.buffers}
        waits += [self.memory.waits(buffer.region, buffer.size) for buffer in inputs.values()]
        return candidate.cost.cycles + sum(waits)


def draft(graph: Graph, front: FrontEnd | None, picks: Picks) -> Draft:
    """The memory that ``picks`` demand."""
    start, choices = 0 if front is None else 1, picks.choices
    uses = [
        Use(start + i, choice.group.operators, choice.candidate.inplace if choice.candidate else ())
        for i, choice in enumerate(choices)
    ]
    times = lifetimes(graph, uses)
    needs = {} if front is None else {0: front.scratch_bytes}
    needs |= {start + i: c.candidate.cost.scratch for i, c in enumerate(choices) if c.candidate is not None}
    names = (*((FRONT_END,) if front else ()), *step_names(graph, choices))
    scratch = {
        number: Block(_block_name(graph, f"{names[number]} scratch"), (Span(number, number, count),))
        for number, count in needs.items()
        if count
    }
    resident = _resident(graph, choices, start + len(choices) - 1)
    demand = Demand(times.blocks, tuple(scratch.values()), _heat(times, uses), tuple(resident.values()))
    return Draft(picks, front, times, demand, scratch, resident, names)


def step_names(graph: Graph, choices: Sequence[Choice]) -> Iterator[str]:
    """The operator's name, or the first and the last one's where there are several."""
    taken = {op.name for op in graph.ops}
    for choice in choices:
        names = [operator.op.name for operator in choice.group.operators]
        name = names[0] if len(names) == 1 else f"{names[0]}_to_{names[-1]}"
        while len(names) > 1 and name in taken:
            name += "_"
        taken.add(name)
        yield name


def _block_name(graph: Graph, name: str) -> str:
    """``name`` so that no tensor has it."""
    while name in graph.tensors:
        name += "_"
    return name


def _resident(graph: Graph, choices: Sequence[Choice], last: int) -> dict[str, Block]:
    """Resident memory by stage, which lives up to step ``last``."""
    stages = (stage for choice in choices if choice.candidate for stage in choice.candidate.stages)
    return {
        stage.name: Block(_block_name(graph, f"{stage.name} resident"), (Span(0, last, stage.resident.bytes),))
        for stage in stages
        if stage.resident is not None
    }


def _heat(times: Lifetimes, uses: Sequence[Use]) -> dict[str, float]:
    """Multiply-accumulates (or elements) per byte of the operators that read each block."""
    heat = dict.fromkeys((block.name for block in times.blocks), 0.0)
    for operator in (operator for use in uses if not use.is_view for operator in use.operators):
        for tensor in operator.inputs:
            if tensor is not None and tensor.name in times.roots:
                work = max(operator.macs(), tensor.elements)
                heat[times.block_of[times.roots[tensor.name]]] += work / tensor.bytes
    return heat
