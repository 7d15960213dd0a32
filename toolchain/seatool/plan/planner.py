"""Graph and board to Program: kernels chosen, every buffer placed, the budget checked before any C is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, get_args

from seatool.boards.board import Board
from seatool.errors import BudgetError
from seatool.ir import Graph
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
    itcm_usage,
    ram_usage,
    require_stack,
    usage,
)
from seatool.plan.choose import bind_all, groups
from seatool.plan.cycles import Memory
from seatool.plan.draft import Draft, draft, step_names
from seatool.plan.fast_code import fast_bytes, fast_steps
from seatool.plan.frontend import FrontEnd, front_end
from seatool.plan.labels import tensor_labels
from seatool.plan.lifetimes import Use, lifetimes
from seatool.plan.placement import Span, peak
from seatool.plan.program import Part, Program, Usage
from seatool.plan.regions import Layout, Room, arrange
from seatool.plan.search import Picks, Space
from seatool.plan.shared import shared_bytes
from seatool.plan.shortage import Needs, Peak, shortage
from seatool.plan.states import initial_constants

Optimize = Literal["speed", "balanced", "ram"]
"""Of the plans within the limits: the fastest, the one with the least RAM times flash times cycles squared, the one
with the least RAM."""

OPTIMIZE: tuple[Optimize, ...] = get_args(Optimize)


@dataclass(frozen=True)
class PlanOptions:
    """Limits that the user sets, in bytes (None: the board's own), and what to prefer within them.

    Without ``fuse`` every operator is a step of its own: then every tensor exists and can be compared with TFLM's.
    Without ``fast_code`` all code stays in flash, even if the board has an ITCM.
    """

    stack_bytes: int | None = None
    ram_limit: int | None = None
    flash_limit: int | None = None
    optimize: Optimize = "balanced"
    fuse: bool = True
    fast_code: bool = True

    def limits(self, board: Board) -> Limits:
        """With the board's stack where the user did not choose one.

        Raises InputError or BudgetError for a stack that is impossible.
        """
        stack = board.stack_bytes if self.stack_bytes is None else self.stack_bytes
        require_stack(board, stack)
        return Limits(stack, self.ram_limit, self.flash_limit)


@dataclass(frozen=True)
class Planner:
    """A graph, a board and limits: everything that plans are made from."""

    graph: Graph
    board: Board
    limits: Limits
    fuse: bool = True
    fast_code: bool = True

    @classmethod
    def of(cls, graph: Graph, board: Board, options: PlanOptions) -> Planner:
        """As ``options`` say."""
        return cls(graph, board, options.limits(board), options.fuse, options.fast_code)

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
        hot, bound = self.rooms[0].bytes, bind_all(self.graph)
        begins = groups(self.graph, bound, hot, largest, self.memory, fuse=self.fuse)
        floor = 0
        if self.front is not None:
            inputs = sum(Span(0, 0, self.graph.tensors[name].bytes).room for name in self.graph.inputs)
            floor = inputs + Span(0, 0, self.front.scratch_bytes).room
        return Space(self.graph, begins, floor, tuple(room.bytes for room in self.rooms))

    @cached_property
    def memory(self) -> Memory:
        return Memory(self.board)

    def _draft(self, picks: Picks) -> Draft:
        return draft(self.graph, self.front, picks)

    def usages(self, draft: Draft, layout: Layout | None) -> tuple[Usage, ...]:
        """The predicted contents of all regions."""
        return usage(self.board, _flash_needs(self.graph, draft, self.front), _ram_needs(layout), self.limits)

    def layers(self, picks: Picks) -> Iterator[tuple[str, str]]:
        """Names and kernels of the layers."""
        for name, choice in zip(step_names(self.graph, picks.choices), picks.choices, strict=True):
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
        demand = replace(self._draft(picks).demand, resident=())
        return picks.resident if arrange(demand, self.rooms, self.ram, hot=hot) is not None else 0

    def place(self, picks: Picks, limit: int, hot: bool) -> Program | None:
        """``picks`` with all buffers within ``limit`` bytes over all regions; None if that cannot be.

        ``hot``: with all scratch in the fastest region.
        """
        draft = self._draft(picks)
        if (layout := arrange(draft.demand, self.rooms, limit, hot=hot)) is None:
            return None
        steps = draft.steps(layout, self.memory, [begins[0] for begins in self.space.groups])
        fast = fast_steps(steps, self.board) if self.fast_code else frozenset()
        steps = tuple(replace(step, fast_code=step.index in fast) for step in steps)
        usages = (*self.usages(draft, layout), *itcm_usage(self.board, fast_bytes(steps)))
        if not all(region.fits for region in usages):
            return None
        return Program(
            graph=self.graph,
            board=self.board,
            steps=steps,
            buffers=draft.buffers(layout),
            residents=draft.residents(layout),
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
            if arrange(self._draft(picks).demand, self.rooms, picks.ram, hot=True) is not None:
                yield picks

    def preferred(self, optimize: Optimize) -> Iterator[Picks]:
        """Plans within the limits by their estimates, the best first; others follow for where one cannot be placed."""
        if optimize == "balanced":
            fitting = self.space.frontier(self.ram, self.flash)
            yield from sorted(fitting, key=lambda p: p.ram * self.flash_of(p) * p.cycles**2)
        if optimize == "ram" and (least := self.space.least_ram(self.flash)) is not None and least.ram <= self.ram:
            yield least
        yield from self.space.plans(self.ram, self.flash)

    def shortage(self) -> BudgetError:
        """The error for a model of which no plan fits."""
        draft = self._draft(self._nearest())
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
    return Planner.of(graph, board, options).choose(options.optimize)[1]


def _flash_needs(graph: Graph, draft: Draft, front: FrontEnd | None) -> FlashNeeds:
    candidates = [choice.candidate for choice in draft.picks.choices if choice.candidate is not None]
    constants = [(f"{layer}_{constant.name}", constant) for c in candidates for layer, constant in c.constants]
    costs = [candidate.cost for candidate in candidates]
    code = sum(cost.code for cost in costs) + shared_bytes(costs)
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


def _least_ram(draft: Draft, board: Board, limits: Limits) -> Usage:
    """What no layout can undercut, over all regions."""
    activations, everything = peak(draft.demand.activations)[1], peak(draft.demand.blocks)[1]
    resident = peak(draft.demand.resident)[1]
    scratch = everything - activations - resident
    model = (Part(ACTIVATIONS, activations), Part(SCRATCH, scratch), Part(RESIDENT, resident))
    return replace(ram_usage((), board, limits.ram), parts=(*model, *firmware_ram(limits.stack)))


def _needs(graph: Graph, draft: Draft, flash: Usage, ram: Usage, placed: bool) -> Needs:
    """What the error message says."""
    labels = tensor_labels(graph)
    step, _ = peak(draft.demand.blocks)
    named = [(labels.get(block.name, block.name), block) for block in draft.demand.blocks]
    alive = {label: block.needs[step] for label, block in named if step in block.needs}
    largest = max(((label, block.room) for label, block in named), key=lambda pair: pair[1])
    return Needs(flash, ram, Peak(draft.names[step], alive), largest, placed)
