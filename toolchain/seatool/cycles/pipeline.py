"""How long instructions take in the pipeline of a Cortex-M7: two at a time, in order.

``docs/cycles.md`` gives the source of every rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from seatool.cycles.ops import EX1, FLAGS, Op, Read, Write

MISPREDICTION_CYCLES = 8
RESOLVED_EARLY_CYCLES = 6
"""A branch that was expected otherwise; less where the flags have been there for ``FLAGS_AHEAD_CYCLES``."""
FLAGS_AHEAD_CYCLES = 3
UNALIGNED_LOAD_CYCLES = 3
FUSED_GAP_CYCLES = 3
"""After a multiply-add the floating-point unit takes no other arithmetic for so long."""

_NEVER_PAIRED = {
    *(("mac", "mac"), ("mac", "store"), ("store", "mac"), ("store", "store"), ("branch", "branch")),
    *((first, second) for first in ("fp", "fpmac") for second in ("fp", "fpmac")),
}

SameBank = Callable[[Op], bool]
"""Whether a load mostly needs the bank of memory that the access before it needed."""


@dataclass(frozen=True, slots=True)
class _Value:
    """When a register can be read: cycle + stage of the reader have to be at least ``ready``."""

    ready: int
    slow_early: bool
    loaded_word: bool
    fused: bool


@dataclass
class Scoreboard:
    """The state of the pipeline while instructions are issued in order."""

    same_bank: SameBank
    cycle: int = 0
    pair: list[Op] = field(default_factory=list)
    flags_cycle: int = -FLAGS_AHEAD_CYCLES
    _values: dict[str, _Value] = field(default_factory=dict)
    _fp_free: int = 0

    @property
    def elapsed(self) -> int:
        """Cycles until the last instruction has left the issue stage."""
        return self.cycle + (1 if self.pair else 0)

    def issue(self, op: Op) -> None:
        """Put ``op`` into the first cycle that takes it."""
        if self.pair and not self._pairs(op):
            self._next()
        ready = self._ready(op)
        if ready > self.cycle:
            self.cycle, self.pair = ready, []
        sooner = 1 if self._runs_early(op) else 0
        for write in op.writes:
            self._write(op, write, sooner if write.register != FLAGS else 0)
        self.pair.append(op)
        if op.sets_flags:
            self.flags_cycle = self.cycle
        if op.unit == "fpmac":
            self._fp_free = self.cycle + FUSED_GAP_CYCLES + 1
        if op.cycles > 1 or op.alone:
            self.cycle += op.cycles - 1
            self._next()

    def jump(self) -> None:
        """The instruction issued last goes elsewhere: what follows is in the next cycle."""
        if self.pair:
            self._next()

    def _next(self) -> None:
        self.cycle, self.pair = self.cycle + 1, []

    def _pairs(self, op: Op) -> bool:
        first = self.pair[0]
        if len(self.pair) > 1 or op.alone or op.older or (first.unit, op.unit) in _NEVER_PAIRED:
            return False
        if op.needs_shifter and first.takes_shifter:
            return False
        return not (first.unit == "load" and op.unit == "load" and self.same_bank(op))

    def _runs_early(self, op: Op) -> bool:
        """Whether ``op``, issued now, is computed in the early ALU."""
        if not op.early or (self.pair and (op.early == "first" or self.pair[0].needs_shifter)):
            return False
        return all(self._ready_for(Read(read.register, EX1)) <= self.cycle for read in op.reads)

    def _ready(self, op: Op) -> int:
        """The first cycle in which the operands, and the floating-point unit, are there for ``op``."""
        ready = max((self._ready_for(read) for read in op.reads), default=0)
        return max(ready, self._fp_free) if op.unit == "fp" else ready

    def _ready_for(self, read: Read) -> int:
        value = self._values.get(read.register)
        if value is None:
            return 0
        late = (value.slow_early and read.stage == EX1) + (value.loaded_word and read.slow_load)
        return value.ready + late - read.stage - (2 if value.fused and read.chained else 0)

    def _write(self, op: Op, write: Write, sooner: int) -> None:
        word = op.unit == "load" and write.stage == 2
        self._values[write.register] = _Value(
            self.cycle + write.stage - sooner, write.slow_early, word, op.unit == "fpmac"
        )


@dataclass(frozen=True)
class Block:
    """Instructions that run one after another, entered at the first one."""

    ops: tuple[Op, ...]

    @property
    def start(self) -> int:
        return self.ops[0].address

    @property
    def end(self) -> int:
        return self.ops[-1].end


def eighths(before: Block | None, block: Block, same_bank: SameBank) -> int:
    """Eighths of a cycle that ``block`` takes when it runs after ``before``.

    That is the most of three: issuing the instructions, fetching them 8 bytes at a time, and draining their stores.
    """
    jumped = before is not None and before.end != block.start
    board = Scoreboard(same_bank)
    _issue(board, before.ops if before else ())
    if jumped:
        board.jump()
    start = board.elapsed
    _issue(board, block.ops)
    fetched = block.end - block.start
    if jumped and before is not None:
        fetched += block.start % 8 + -before.end % 8
    return max(8 * (board.elapsed - start), fetched, sum(op.drain_eighths for op in block.ops))


def misprediction_cycles(block: Block, same_bank: SameBank) -> int:
    """Cycles lost when the branch at the end of ``block`` goes where it was not expected to."""
    board = Scoreboard(same_bank)
    _issue(board, block.ops)
    ahead = board.cycle - board.flags_cycle >= FLAGS_AHEAD_CYCLES
    return RESOLVED_EARLY_CYCLES if ahead else MISPREDICTION_CYCLES


def _issue(board: Scoreboard, ops: Iterable[Op]) -> None:
    for op in ops:
        board.issue(op)
