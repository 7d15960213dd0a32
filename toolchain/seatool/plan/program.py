"""The plan as data: steps in order, buffers with their place and lifetime, and the budget with its reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from seatool.boards.board import Board
from seatool.ir import Graph, Tensor
from seatool.kernels import Bands, Constant, Cost, Operator, Reading, Resident, Variant

if TYPE_CHECKING:
    from seatool.plan.strips import Strip


@dataclass(frozen=True)
class Buffer:
    """A block of RAM that lives from step ``first`` to step ``last`` (both inclusive).

    ``offset`` counts from the start of the model's block in ``region``. Tensors that are views of each other share one
    buffer; a result computed in place of its input has a buffer of its own at the same offset.
    """

    name: str
    kind: Literal["activation", "scratch", "resident"]
    region: str
    offset: int
    size: int
    first: int
    last: int


@dataclass(frozen=True)
class Stage:
    """A kernel and the consecutive operators that it computes in one pass.

    ``operator`` is what the variant is asked and called with: the one operator, or what was composed of several.
    ``name`` is the first one's; the kernel's constants are called after it.
    """

    operators: tuple[Operator, ...]
    operator: Operator
    variant: Variant

    @property
    def name(self) -> str:
        return self.operators[0].op.name

    @cached_property
    def cost(self) -> Cost:
        cost = self.variant.cost(self.operator)
        return replace(cost, cycles=round(cost.instructions * self.variant.cycles_per_instruction))

    @cached_property
    def flash(self) -> int:
        """Bytes of the constants."""
        return self.variant.flash(self.operator)

    @cached_property
    def resident(self) -> Resident | None:
        """RAM that is filled before the first inference."""
        return self.variant.resident(self.operator)

    @cached_property
    def reading(self) -> Reading:
        """How the kernel reads its constants, and resident memory, in one call."""
        return self.variant.reading(self.operator)

    @property
    def resident_bytes(self) -> int:
        return 0 if self.resident is None else self.resident.bytes

    @cached_property
    def bands(self) -> Bands | None:
        """How the kernel computes bands of rows; None if it cannot."""
        return self.variant.bands(self.operator)

    @property
    def output(self) -> Tensor:
        """What the kernel writes first."""
        return self.operators[-1].output

    @cached_property
    def constants(self) -> tuple[Constant, ...]:
        """Const arrays that the kernel needs in flash."""
        return self.variant.constants(self.operator)


@dataclass(frozen=True)
class Step:
    """A layer of the firmware: one operator, or several that are computed together.

    Tensors between its operators have no memory. ``operators`` is empty for step 0 of a model with an audio front end.
    ``stages`` are the kernels at work: none for a view (no code runs) and for the front end; several only with a
    ``strip``, which says how they take turns. ``rejected`` says why other kernels were not chosen. ``cycles`` are
    estimated, with everything where it lies. ``fast_code``: the code runs from the ITCM.
    """

    index: int
    name: str
    operators: tuple[Operator, ...]
    stages: tuple[Stage, ...]
    cost: Cost
    scratch: Buffer | None
    rejected: tuple[tuple[str, str], ...] = ()
    strip: Strip | None = None
    cycles: int = 0
    fast_code: bool = False

    @property
    def runs(self) -> bool:
        """Whether code runs: views only give memory another name."""
        return not self.operators or bool(self.stages)

    @property
    def kernel(self) -> str | None:
        """The names of the variants; None for a view and for the front end."""
        return "+".join(stage.variant.name for stage in self.stages) or None

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """Tensors that are read, constants included; those between the operators are not."""
        made = {tensor.name for operator in self.operators for tensor in operator.outputs}
        return tuple(
            tensor
            for operator in self.operators
            for tensor in operator.inputs
            if tensor is not None and tensor.name not in made
        )

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """Tensors that are there when the step is done."""
        return self.operators[-1].outputs if self.operators else ()

    @property
    def macs(self) -> int:
        """Multiply-accumulates of its operators."""
        return sum(operator.macs() for operator in self.operators)


@dataclass(frozen=True)
class Part:
    """A named share of a region ("weights", "stack", ...), in bytes.

    ``estimated`` until the ELF is measured; afterwards ``predicted`` holds what was expected.
    """

    label: str
    bytes: int
    estimated: bool = False
    predicted: int | None = None


@dataclass(frozen=True)
class Usage:
    """What one memory region holds. ``needed`` is the sum of the parts."""

    region: str
    capacity: int
    parts: tuple[Part, ...]

    @property
    def needed(self) -> int:
        return sum(part.bytes for part in self.parts)

    @property
    def fits(self) -> bool:
        return self.needed <= self.capacity


@dataclass(frozen=True)
class Program:
    """Everything the renderer needs.

    ``buffers`` maps tensor names to buffers, ``residents`` names of stages to RAM that is filled before the first
    inference and then only read; ``blocks`` gives the bytes of the model's block per region;
    ``activation_bytes`` is the RAM that holds an activation at some time; ``liveness_bound`` is the largest sum of live
    activations over the steps: no plan executed layer by layer can use less. Both count whole units of 16 B per tensor.
    ``ram_limit`` bounds the RAM over all regions, in bytes, if the user asked for that.
    """

    graph: Graph
    board: Board
    steps: tuple[Step, ...]
    buffers: Mapping[str, Buffer]
    residents: Mapping[str, Buffer]
    blocks: Mapping[str, int]
    usage: tuple[Usage, ...]
    activation_bytes: int
    liveness_bound: int
    stack_bytes: int
    ram_limit: int | None = None

    @property
    def has_fast_code(self) -> bool:
        """Whether any code runs from the ITCM."""
        return any(step.fast_code for step in self.steps)

    @property
    def layers(self) -> tuple[Step, ...]:
        """The steps that run code, in order; a layer's number in the firmware is its position here."""
        return tuple(step for step in self.steps if step.runs)

    @property
    def flash_bytes(self) -> int:
        """Everything in flash: constants, code, tables (code is estimated until it is measured)."""
        return next(usage.needed for usage in self.usage if usage.region == self.board.flash.name)

    @property
    def instructions(self) -> int:
        """Of one inference, estimated."""
        return sum(step.cost.instructions for step in self.steps)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(step.macs for step in self.steps)

    @property
    def cycles(self) -> int:
        """Estimated cycles of one inference."""
        return sum(step.cycles for step in self.steps)
