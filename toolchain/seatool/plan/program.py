"""The plan as data: steps in order, buffers with their place and lifetime, and the budget with its reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from seatool.boards.board import Board
from seatool.ir import Graph
from seatool.kernels import Constant, Cost, Operator, Tile, Variant


@dataclass(frozen=True)
class Buffer:
    """A block of RAM that lives from step ``first`` to step ``last`` (both inclusive).

    ``offset`` counts from the start of the model's block in ``region``. Tensors that are views of each other share one
    buffer; a result computed in place of its input has a buffer of its own at the same offset.
    """

    name: str
    kind: Literal["activation", "scratch"]
    region: str
    offset: int
    size: int
    first: int
    last: int


@dataclass(frozen=True)
class Step:
    """One layer: the operator, the kernel chosen for it and why the others were not.

    ``operator`` is None for step 0 of a model with an audio front end. ``variant`` is None for a view (no code runs)
    and for the front end. ``constants`` are what the kernel needs in flash.
    """

    index: int
    name: str
    operator: Operator | None
    variant: Variant | None
    tile: Tile
    cost: Cost
    scratch: Buffer | None
    rejected: tuple[tuple[str, str], ...] = ()
    constants: tuple[Constant, ...] = ()

    @property
    def runs(self) -> bool:
        """Whether code runs: views only give memory another name."""
        return self.operator is None or self.variant is not None


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

    ``buffers`` maps tensor names to buffers; ``blocks`` gives the bytes of the model's block per region;
    ``activation_bytes`` is the RAM that holds an activation at some time; ``liveness_bound`` is the largest sum of live
    activations over the steps: no plan executed layer by layer can use less. Both count whole units of 16 B per tensor.
    ``ram_limit`` bounds the RAM over all regions, in bytes, if the user asked for that.
    """

    graph: Graph
    board: Board
    steps: tuple[Step, ...]
    buffers: Mapping[str, Buffer]
    blocks: Mapping[str, int]
    usage: tuple[Usage, ...]
    activation_bytes: int
    liveness_bound: int
    stack_bytes: int
    ram_limit: int | None = None

    @property
    def layers(self) -> tuple[Step, ...]:
        """The steps that run code, in order; a layer's number in the firmware is its position here."""
        return tuple(step for step in self.steps if step.runs)

    @property
    def flash_bytes(self) -> int:
        """Everything in flash: constants, code, tables (code is estimated until it is measured)."""
        return next(usage.needed for usage in self.usage if usage.region == self.board.flash.name)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(step.operator.macs() for step in self.steps if step.operator is not None)
