"""Graph and board to Program: kernels chosen, every buffer placed, the budget checked before any C is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, get_args

from seatool.boards.board import Board
from seatool.errors import BudgetError
from seatool.ir import Graph
from seatool.kernels import Cost
from seatool.plan.alive import Choice
from seatool.plan.budget import (
    ACTIVATIONS,
    RESIDENT,
    RUNTIME_CODE_BYTES,
    SCRATCH,
    FlashNeeds,
    Limits,
    RamNeeds,
    constant_bytes,
    firmware_ram,
    ram_usage,
    require_stack,
    usage,
)
from seatool.plan.choose import bind_all, groups, rejections
from seatool.plan.frontend import FRONT_END, FrontEnd, front_end
from seatool.plan.labels import tensor_labels
from seatool.plan.lifetimes import Lifetimes, Use, lifetimes
from seatool.plan.placement import Block, Span, peak
from seatool.plan.program import Buffer, Part, Program, Step, Usage
from seatool.plan.regions import Demand, Layout, Room, arrange
from seatool.plan.search import Picks, Space
from seatool.plan.shortage import Needs, Peak, shortage
from seatool.plan.states import initial_constants

Optimize = Literal["speed", "balanced", "ram"]
"""Of the plans within the limits: the fastest, the one with the least RAM times flash times instructions, the one with
the least RAM."""

OPTIMIZE: tuple[Optimize, ...] = get_args(Optimize)


@dataclass(frozen=True)
class PlanOptions:
    """Limits that the user sets, in bytes (None: the board's own), and what to prefer within them.

    Without ``fuse`` every operator is a step of its own: then every tensor exists and can be compared with TFLM's.
    """

    stack_bytes: int | None = None
    ram_limit: int | None = None
    flash_limit: int | None = None
    optimize: Optimize = "balanced"
    fuse: bool = True

    def limits(self, board: Board) -> Limits:
        """With the board's stack where the user did not choose one.

        Raises InputError or BudgetError for a stack that is impossible.
        """
        stack = board.stack_bytes if self.stack_bytes is None else self.stack_bytes
        require_stack(board, stack)
        return Limits(stack, self.ram_limit, self.flash_limit)


@dataclass(frozen=True)
class _Draft:
    """A choice of kernels and the memory that it demands.

    ``scratch`` is by step number, ``resident`` by stage. ``names`` are the layers' by step number.
    """

    picks: Picks
    lifetimes: Lifetimes
    demand: Demand
    scratch: Mapping[int, Block]
    resident: Mapping[str, Block]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Planner:
    """A graph, a board and limits: everything that plans are made from."""

    graph: Graph
    board: Board
    limits: Limits
    fuse: bool = True

    @cached_property
    def front(self) -> FrontEnd | None:
        return front_end(self.graph)

    @cached_property
    def rooms(self) -> tuple[Room, ...]:
        """What the model may use of each region, fastest first."""
        taken = {self.board.stack_region.name: self.limits.firmware}
        return tuple(Room(r.name, max(0, r.size - taken.get(r.name, 0))) for r in self.board.ram)

    @property
    def ram(self) -> int:
        """Bytes that the model may use over all regions."""
        total = sum(room.bytes for room in self.rooms)
        return total if self.limits.ram is None else min(total, self.limits.ram - self.limits.firmware)

    @property
    def firmware_flash(self) -> int:
        """Bytes of everything in flash but the layers: the firmware's code, the front end, first values of states."""
        front = self.front.table_bytes + self.front.code_bytes if self.front else 0
        return RUNTIME_CODE_BYTES + front + constant_bytes(initial_constants(self.graph).items())

    @property
    def _board_flash(self) -> int:
        return self.board.flash.size - self.firmware_flash

    @property
    def flash(self) -> int:
        """Bytes that the layers' constants and code may use."""
        limit = self.limits.flash
        return self._board_flash if limit is None else min(self._board_flash, limit - self.firmware_flash)

    @cached_property
    def space(self) -> Space:
        """Everything that may be chosen; InputError for operators that cannot be compiled."""
        largest = max(room.bytes for room in self.rooms)
        begins = groups(self.graph, bind_all(self.graph), self.rooms[0].bytes, largest, fuse=self.fuse)
        floor = 0
        if self.front is not None:
            inputs = sum(Span(0, 0, self.graph.tensors[name].bytes).room for name in self.graph.inputs)
            floor = inputs + Span(0, 0, self.front.scratch_bytes).room
        return Space(self.graph, begins, floor, tuple(room.bytes for room in self.rooms))

    def draft(self, picks: Picks) -> _Draft:
        """The memory that ``picks`` demand."""
        start = 0 if self.front is None else 1
        choices = picks.choices
        uses = [
            Use(start + i, choice.group.operators, choice.candidate.inplace if choice.candidate else ())
            for i, choice in enumerate(choices)
        ]
        times = lifetimes(self.graph, uses)
        needs = {} if self.front is None else {0: self.front.scratch_bytes}
        needs |= {start + i: c.candidate.cost.scratch for i, c in enumerate(choices) if c.candidate is not None}
        names = (*((FRONT_END,) if self.front else ()), *_step_names(self.graph, choices))
        scratch = {
            number: Block(_block_name(self.graph, f"{names[number]} scratch"), (Span(number, number, count),))
            for number, count in needs.items()
            if count
        }
        resident = _resident(self.graph, choices, start + len(choices) - 1)
        demand = Demand(times.blocks, tuple(scratch.values()), _heat(times, uses), tuple(resident.values()))
        return _Draft(picks, times, demand, scratch, resident, names)

    def usages(self, draft: _Draft, layout: Layout | None) -> tuple[Usage, ...]:
        """The predicted contents of all regions."""
        return usage(self.board, _flash_needs(self.graph, draft, self.front), _ram_needs(layout), self.limits)

    def layers(self, picks: Picks) -> Iterator[tuple[str, str]]:
        """Names and kernels of the layers."""
        for name, choice in zip(_step_names(self.graph, picks.choices), picks.choices, strict=True):
            if choice.candidate is not None:
                yield name, choice.candidate.kernel

    def flash_of(self, picks: Picks) -> int:
        """Everything in flash, with estimated code."""
        return picks.flash + self.firmware_flash

    def choose(self, optimize: Optimize) -> tuple[Picks, Program]:
        """The best plan that can be placed; BudgetError if none can.

        Scratch lies in the fastest region, unless no plan can have it there. Where RAM matters most, it is placed in
        as little as it needs if that can be.
        """
        for hot in (True, False):
            failed: list[tuple[int, int]] = []
            for picks in self.preferred(optimize):
                if any(picks.at_once >= at_once and picks.resident >= resident for at_once, resident in failed):
                    continue
                for limit in (picks.ram, self.ram) if optimize == "ram" else (self.ram,):
                    if (program := self.place(picks, limit, hot)) is not None:
                        return picks, program
                failed.append((picks.at_once, self._obstacle(picks, hot)))
        raise self.shortage()

    def _obstacle(self, picks: Picks, hot: bool) -> int:
        """How much resident memory is too much for ``picks``: what they have, or 0 if the rest does not fit either."""
        demand = replace(self.draft(picks).demand, resident=())
        return picks.resident if arrange(demand, self.rooms, self.ram, hot=hot) is not None else 0

    def place(self, picks: Picks, limit: int, hot: bool) -> Program | None:
        """``picks`` with all buffers within ``limit`` bytes over all regions; None if that cannot be.

        ``hot``: with all scratch in the fastest region.
        """
        draft = self.draft(picks)
        if (layout := arrange(draft.demand, self.rooms, limit, hot=hot)) is None:
            return None
        usages = self.usages(draft, layout)
        if not all(region.fits for region in usages):
            return None
        return Program(
            graph=self.graph,
            board=self.board,
            steps=_steps(draft, self.front, self.space, layout),
            buffers=_buffers(draft, layout),
            residents=_residents(draft, layout),
            blocks=layout.heights,
            usage=usages,
            activation_bytes=layout.activation_bytes,
            liveness_bound=self.liveness_bound,
            stack_bytes=self.limits.stack,
            ram_limit=self.limits.ram,
        )

    @cached_property
    def liveness_bound(self) -> int:
        """The least RAM for activations when operators are executed one by one."""
        alone = [begins[0] for begins in self.space.groups]
        inplace = [{i for c in group.candidates for i in c.inplace} for group in alone]
        uses = [Use(g.first, g.operators, tuple(sorted(i))) for g, i in zip(alone, inplace, strict=True)]
        return peak(lifetimes(self.graph, uses).blocks)[1]

    def frontier(self) -> Iterator[Picks]:
        """Plans within the limits that no other beats, and that can be placed in the RAM that they are said to need."""
        for picks in self.space.frontier(self.ram, self.flash):
            if arrange(self.draft(picks).demand, self.rooms, picks.ram, hot=True) is not None:
                yield picks

    def preferred(self, optimize: Optimize) -> Iterator[Picks]:
        """Plans within the limits by their estimates, the best first; others follow for where one cannot be placed."""
        if optimize == "balanced":
            fitting = self.space.frontier(self.ram, self.flash)
            yield from sorted(fitting, key=lambda p: p.ram * self.flash_of(p) * p.instructions)
        if optimize == "ram" and (least := self.space.least_ram(self.flash)) is not None and least.ram <= self.ram:
            yield least
        yield from self.space.plans(self.ram, self.flash)

    def shortage(self) -> BudgetError:
        """The error for a model of which no plan fits."""
        draft = self.draft(self._nearest())
        layout = arrange(draft.demand, self.rooms, self.ram)
        usages = self.usages(draft, layout)
        ram = ram_usage(usages, self.board, self.limits.ram) if layout else _least_ram(draft, self.board, self.limits)
        needs = _needs(self.graph, draft, usages[0], ram, layout is not None)
        return shortage(self.graph, self.board, replace(needs, budgets=tuple(self._possible())))

    def _nearest(self) -> Picks:
        """The plan nearest to the limits: the smallest in flash within the RAM, else the one with the least RAM."""
        if (smallest := self.space.smallest(self.ram)) is not None:
            return smallest
        least = self.space.least_ram(self.flash) or self.space.least_ram()
        assert least is not None, "every operator has a kernel"
        return least

    def _possible(self) -> Iterator[str]:
        """The nearest budgets that are possible: one limit raised, the other kept."""
        smallest = None if self.limits.flash is None else self.space.smallest(self.ram, self._board_flash)
        if smallest is not None:
            yield f"--flash {self.flash_of(smallest)}"
        least = None if self.limits.ram is None else self.space.least_ram(self.flash)
        if least is not None and least.ram <= sum(room.bytes for room in self.rooms):
            yield f"--ram {least.ram + self.limits.firmware}"


def plan(graph: Graph, board: Board, options: PlanOptions | None = None) -> Program:
    """Choose kernels and place every buffer.

    Raises:
        InputError: An operator cannot be compiled; all such operators are listed.
        BudgetError: The model does not fit the board or the limits.
    """
    options = options or PlanOptions()
    _, program = Planner(graph, board, options.limits(board), options.fuse).choose(options.optimize)
    return program


def _step_names(graph: Graph, choices: Sequence[Choice]) -> Iterator[str]:
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


def _flash_needs(graph: Graph, draft: _Draft, front: FrontEnd | None) -> FlashNeeds:
    candidates = [choice.candidate for choice in draft.picks.choices if choice.candidate is not None]
    constants = [(f"{layer}_{constant.name}", constant) for c in candidates for layer, constant in c.constants]
    code = sum(candidate.cost.code for candidate in candidates)
    return FlashNeeds(
        constant_bytes([*initial_constants(graph).items(), *constants]),
        front.table_bytes if front else 0,
        code + (front.code_bytes if front else 0),
    )


def _ram_needs(layout: Layout | None) -> dict[str, RamNeeds]:
    if layout is None:
        return {}
    return {
        region: RamNeeds(height, layout.activations[region], layout.resident[region])
        for region, height in layout.heights.items()
    }


def _least_ram(draft: _Draft, board: Board, limits: Limits) -> Usage:
    """What no layout can undercut, over all regions."""
    activations, everything = peak(draft.demand.activations)[1], peak(draft.demand.blocks)[1]
    resident = peak(draft.demand.resident)[1]
    scratch = everything - activations - resident
    model = (Part(ACTIVATIONS, activations), Part(SCRATCH, scratch), Part(RESIDENT, resident))
    return replace(ram_usage((), board, limits.ram), parts=(*model, *firmware_ram(limits.stack)))


def _needs(graph: Graph, draft: _Draft, flash: Usage, ram: Usage, placed: bool) -> Needs:
    """What the error message says."""
    labels = tensor_labels(graph)
    step, _ = peak(draft.demand.blocks)
    named = [(labels.get(block.name, block.name), block) for block in draft.demand.blocks]
    alive = {label: block.needs[step] for label, block in named if step in block.needs}
    largest = max(((label, block.room) for label, block in named), key=lambda pair: pair[1])
    return Needs(flash, ram, Peak(draft.names[step], alive), largest, placed)


def _buffers(draft: _Draft, layout: Layout) -> dict[str, Buffer]:
    """A buffer for every activation; views have their root's."""
    roots = {}
    for root, span in draft.lifetimes.spans.items():
        region, offset = layout.places[draft.lifetimes.block_of[root]]
        roots[root] = Buffer(root, "activation", region, offset, span.size, span.first, span.last)
    return {name: roots[root] for name, root in draft.lifetimes.roots.items()}


def _residents(draft: _Draft, layout: Layout) -> dict[str, Buffer]:
    """A buffer for the resident memory of each stage that has some."""
    buffers = {}
    for stage, block in draft.resident.items():
        region, offset = layout.places[block.name]
        (span,) = block.spans
        buffers[stage] = Buffer(block.name, "resident", region, offset, span.size, span.first, span.last)
    return buffers


def _steps(draft: _Draft, front: FrontEnd | None, space: Space, layout: Layout) -> tuple[Step, ...]:
    steps = [] if front is None else [Step(0, FRONT_END, (), (), front.cost, _scratch(draft, layout, 0))]
    for choice in draft.picks.choices:
        number, group, candidate = len(steps), choice.group, choice.candidate
        step = Step(number, draft.names[number], group.operators, (), Cost(0), None)
        if candidate is not None:
            alone = space.groups[group.first][0]
            reasons = rejections(alone, candidate, group.candidates if len(group.operators) == 1 else ())
            step = replace(
                step,
                stages=candidate.stages,
                cost=candidate.cost,
                scratch=_scratch(draft, layout, number),
                rejected=reasons,
                strip=candidate.strip,
            )
        steps.append(step)
    return tuple(steps)


def _scratch(draft: _Draft, layout: Layout, step: int) -> Buffer | None:
    block = draft.scratch.get(step)
    if block is None:
        return None
    region, offset = layout.places[block.name]
    return Buffer(block.name, "scratch", region, offset, block.spans[0].size, step, step)
