"""Graph and board to Program: kernels chosen, every buffer placed, the budget checked before any C is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from seatool.boards.board import Board
from seatool.ir import Graph
from seatool.kernels import WHOLE, Cost, Operator, Variant
from seatool.plan.budget import (
    ACTIVATIONS,
    SCRATCH,
    FlashNeeds,
    Limits,
    RamNeeds,
    constant_bytes,
    firmware_ram,
    ram_usage,
    usage,
)
from seatool.plan.choose import Candidate, Choice, bind_all, choices, rejections
from seatool.plan.frontend import FRONT_END, FrontEnd, front_end
from seatool.plan.labels import tensor_labels
from seatool.plan.lifetimes import Lifetimes, lifetimes
from seatool.plan.placement import Block, Span, demand, peak
from seatool.plan.program import Buffer, Part, Program, Step, Usage
from seatool.plan.regions import Demand, Layout, Room, arrange
from seatool.plan.shortage import Needs, Peak, shortage


@dataclass(frozen=True)
class PlanOptions:
    """Limits that the user sets, in bytes; None: the board's own."""

    stack_bytes: int | None = None
    ram_limit: int | None = None
    flash_limit: int | None = None

    def limits(self, board: Board) -> Limits:
        """With the board's stack where the user did not choose one."""
        stack = board.stack_bytes if self.stack_bytes is None else self.stack_bytes
        return Limits(stack, self.ram_limit, self.flash_limit)


@dataclass(frozen=True)
class _Draft:
    """A choice of kernels and the memory that it demands. ``names`` are the layers' by step number."""

    picks: tuple[Candidate | None, ...]
    lifetimes: Lifetimes
    demand: Demand
    scratch: Mapping[int, Block]
    names: tuple[str, ...]


def plan(graph: Graph, board: Board, options: PlanOptions | None = None) -> Program:
    """Choose kernels and place every buffer.

    Raises:
        InputError: An operator cannot be compiled; all such operators are listed.
        BudgetError: The model does not fit the board or the limits.
    """
    limits = (options or PlanOptions()).limits(board)
    rooms = _rooms(board, limits)
    front = front_end(graph)
    considered = choices(graph, bind_all(graph), max(room.bytes for room in rooms))
    limit = None if limits.ram is None else limits.ram - limits.firmware
    draft, layout = _arranged(graph, front, considered, rooms, limit)
    usages = usage(board, _flash_needs(draft, front), _ram_needs(layout), limits)
    if layout is None or not usages[0].fits:
        ram = ram_usage(usages, board, limits.ram) if layout else _least_ram(draft, board, limits)
        raise shortage(graph, board, _needs(graph, draft, usages[0], ram, layout is not None))
    return Program(
        graph=graph,
        board=board,
        steps=_steps(draft, front, considered, layout),
        buffers=_buffers(draft, layout),
        blocks=layout.heights,
        usage=usages,
        activation_bytes=layout.activation_bytes,
        liveness_bound=peak(draft.demand.activations)[1],
        stack_bytes=limits.stack,
        ram_limit=limits.ram,
    )


def _rooms(board: Board, limits: Limits) -> tuple[Room, ...]:
    """What the model may use of each region, fastest first."""
    taken = {board.stack_region.name: limits.firmware}
    return tuple(Room(region.name, max(0, region.size - taken.get(region.name, 0))) for region in board.ram)


def _arranged(
    graph: Graph, front: FrontEnd | None, considered: Sequence[Choice], rooms: Sequence[Room], limit: int | None
) -> tuple[_Draft, Layout | None]:
    """The fastest kernels whose memory can be placed; if none can, the most frugal ones and None."""
    levels = [0] * len(considered)
    while True:
        draft = _draft(graph, front, considered, levels)
        layout = arrange(draft.demand, rooms, limit)
        if layout is not None or not _relieve(draft, considered, levels):
            return draft, layout


def _relieve(draft: _Draft, considered: Sequence[Choice], levels: list[int]) -> bool:
    """Take a kernel with less scratch for the layer with the most RAM among those that have one; False if none."""
    start = len(draft.names) - len(considered)
    spare = [i for i, choice in enumerate(considered) if levels[i] + 1 < len(choice.candidates)]
    if not spare:
        return False
    needs = demand(draft.demand.blocks)
    levels[max(spare, key=lambda i: needs.get(start + i, 0))] += 1
    return True


def _draft(graph: Graph, front: FrontEnd | None, considered: Sequence[Choice], levels: Sequence[int]) -> _Draft:
    picks = tuple(
        None if choice.is_view else choice.candidates[level] for choice, level in zip(considered, levels, strict=True)
    )
    start = 0 if front is None else 1
    steps = [
        (start + i, choice.operator, pick.variant if pick else None)
        for i, (choice, pick) in enumerate(zip(considered, picks, strict=True))
    ]
    times = lifetimes(graph, steps)
    needs = {} if front is None else {0: front.scratch_bytes}
    needs |= {start + i: pick.cost.scratch for i, pick in enumerate(picks) if pick is not None}
    names = ((FRONT_END,) if front else ()) + tuple(choice.operator.op.name for choice in considered)
    scratch = {
        number: Block(_scratch_name(graph, names[number]), (Span(number, number, count),))
        for number, count in needs.items()
        if count
    }
    return _Draft(picks, times, Demand(times.blocks, tuple(scratch.values()), _heat(times, steps)), scratch, names)


def _scratch_name(graph: Graph, layer: str) -> str:
    """A name for a layer's scratch that no tensor has."""
    name = f"{layer} scratch"
    while name in graph.tensors:
        name += "_"
    return name


def _heat(times: Lifetimes, steps: Sequence[tuple[int, Operator, Variant | None]]) -> dict[str, float]:
    """Multiply-accumulates (or elements) per byte of the operators that read each block."""
    heat = dict.fromkeys((block.name for block in times.blocks), 0.0)
    for _, operator, variant in steps:
        for tensor in operator.inputs:
            if variant is not None and tensor is not None and tensor.name in times.roots:
                work = max(operator.macs(), tensor.elements)
                heat[times.block_of[times.roots[tensor.name]]] += work / tensor.bytes
    return heat


def _flash_needs(draft: _Draft, front: FrontEnd | None) -> FlashNeeds:
    picks = [pick for pick in draft.picks if pick is not None]
    constants = ((f"{p.operator.op.name}_{c.name}", c) for p in picks for c in p.constants)
    code = sum(pick.cost.code for pick in picks)
    return FlashNeeds(
        constant_bytes(constants),
        front.table_bytes if front else 0,
        code + (front.code_bytes if front else 0),
    )


def _ram_needs(layout: Layout | None) -> dict[str, RamNeeds]:
    if layout is None:
        return {}
    return {region: RamNeeds(height, layout.activations[region]) for region, height in layout.heights.items()}


def _least_ram(draft: _Draft, board: Board, limits: Limits) -> Usage:
    """What no layout can undercut, over all regions."""
    activations, everything = peak(draft.demand.activations)[1], peak(draft.demand.blocks)[1]
    model = (Part(ACTIVATIONS, activations), Part(SCRATCH, everything - activations))
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


def _steps(draft: _Draft, front: FrontEnd | None, considered: Sequence[Choice], layout: Layout) -> tuple[Step, ...]:
    steps = [] if front is None else [Step(0, FRONT_END, None, None, WHOLE, front.cost, _scratch(draft, layout, 0))]
    for choice, pick in zip(considered, draft.picks, strict=True):
        number, name = len(steps), choice.operator.op.name
        if pick is None:
            steps.append(Step(number, name, choice.operator, None, WHOLE, Cost(0), None))
        else:
            scratch = _scratch(draft, layout, number)
            step = Step(number, name, choice.operator, pick.variant, pick.tile, pick.cost, scratch)
            steps.append(replace(step, rejected=rejections(choice, pick), constants=pick.constants))
    return tuple(steps)


def _scratch(draft: _Draft, layout: Layout, step: int) -> Buffer | None:
    block = draft.scratch.get(step)
    if block is None:
        return None
    region, offset = layout.places[block.name]
    return Buffer(block.name, "scratch", region, offset, block.spans[0].size, step, step)
