"""Cycles of an inference on a Cortex-M7, estimated: traced in the emulator, timed by a model of the pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from seatool.boards import Board
from seatool.cycles import disassembly, pipeline, trace
from seatool.cycles.ops import Op
from seatool.cycles.pipeline import Block
from seatool.cycles.trace import BEGIN, Misses, Segment, Trace
from seatool.emulate import Result
from seatool.errors import ToolError
from seatool.rounding import ceil_div

MODEL = "seatool Cortex-M7 pipeline and cache model 1"


@dataclass(frozen=True)
class Cycles:
    """``pipeline`` cycles if every access hit, ``stalls`` the core waits for memory on top."""

    pipeline: int
    stalls: int

    @property
    def total(self) -> int:
        return self.pipeline + self.stalls

    def __add__(self, other: Cycles) -> Cycles:
        return Cycles(self.pipeline + other.pipeline, self.stalls + other.stalls)


@dataclass(frozen=True)
class Estimate:
    """Cycles of each layer that ran, and of the inference's code between them."""

    layers: Mapping[str, Cycles]
    between: Cycles

    @property
    def whole(self) -> Cycles:
        return sum(self.layers.values(), self.between)


def estimate(elf: Path, inputs: Sequence[bytes], board: Board, *, pcm: bool = False) -> tuple[Result, Estimate]:
    """Run the emulator image ``elf`` as :func:`emulate.run` does and estimate the cycles of the first inference.

    The caches are empty at its start. Two runs give equal figures. They are an estimate, not a measurement:
    ``docs/cycles.md`` says how far published measurements confirm it.

    Raises:
        UnavailableError: There is no C compiler for this computer, or QEMU takes no plugins.
        ToolError: As emulate.run; or the trace does not agree with the firmware's own count of instructions.
    """
    result, traced = trace.run(elf, inputs, board, pcm=pcm)
    timing = Timing(disassembly.read(elf), traced)
    calibration, layers, between = _sorted(traced, result)
    overhead = timing.instructions(calibration)
    for name, segment in layers.items():
        _require_equal(name, timing.instructions(segment) - overhead, result.layer_instructions[name])
    return result, Estimate(
        {name: timing.cycles(segment, board) for name, segment in layers.items()},
        sum((timing.cycles(segment, board) for segment in between), Cycles(0, 0)),
    )


def _sorted(traced: Trace, result: Result) -> tuple[Segment, dict[str, Segment], list[Segment]]:
    """The harness's calibration (an empty layer), the layers by name, and what ran between them."""
    calibration, _, *inference = traced.segments
    names = [name for name, count in result.layer_instructions.items() if count]
    layers = [segment for segment in inference if segment.mark == BEGIN]
    if calibration.mark != BEGIN or len(layers) != len(names):
        raise ToolError(f"the trace holds {len(layers)} layers, the firmware ran {len(names)}")
    return calibration, dict(zip(names, layers, strict=True)), [s for s in inference if s.mark != BEGIN]


def _require_equal(layer: str, traced: int, counted: int) -> None:
    if traced != counted:
        raise ToolError(f"layer {layer}: QEMU's plugin saw {traced:,} instructions, the firmware counted {counted:,}")


class Timing:
    """Times of what ran: ``ops`` are the image's instructions by address."""

    def __init__(self, ops: Mapping[int, Op], traced: Trace) -> None:
        self._ops = ops
        self._trace = traced
        self.block = cache(self._block)
        self.eighths = cache(self._eighths)
        self.misprediction = cache(self._misprediction)

    def instructions(self, segment: Segment) -> int:
        """That ran in ``segment``."""
        return sum(edge.count * self._trace.blocks[edge.to][1] for edge in segment.edges)

    def cycles(self, segment: Segment, board: Board) -> Cycles:
        """Of ``segment`` on ``board``."""
        eighths = sum(edge.count * self.eighths(edge.origin, edge.to) for edge in segment.edges)
        lost = sum(edge.mispredicted * self.misprediction(edge.origin) for edge in segment.edges if edge.mispredicted)
        lost += segment.unaligned_loads * pipeline.UNALIGNED_LOAD_CYCLES
        stalls = sum(
            _lines(misses) * (board.region(name).line_fill_cycles or 0) for name, misses in segment.misses.items()
        )
        return Cycles(ceil_div(eighths, 8) + lost, stalls)

    def _same_bank(self, op: Op) -> bool:
        return op.address in self._trace.bank_conflicts

    def _block(self, number: int) -> Block | None:
        """Block ``number``; None for 0, the start of a segment."""
        return Block(disassembly.block(self._ops, *self._trace.blocks[number])) if number else None

    def _eighths(self, origin: int, to: int) -> int:
        block = self.block(to)
        assert block is not None
        return pipeline.eighths(self.block(origin), block, self._same_bank)

    def _misprediction(self, origin: int) -> int:
        block = self.block(origin)
        return pipeline.misprediction_cycles(block, self._same_bank) if block else 0


def _lines(misses: Misses) -> int:
    """Lines that the core waits for. Stores do not wait: they go through the store buffer."""
    return misses.fetches + misses.reads
