"""An instruction as the pipeline of a Cortex-M7 sees it: what it needs, what it gives, and when.

The pipeline has an early and a late ALU one stage apart, so an operand is needed and a result is there at a *stage*:
``EX1`` addresses, shifters, early ALU; ``EX2`` late ALU, multipliers; ``EX3`` accumulation; ``EX4`` stores. Stage
numbers add up with cycles: an instruction issued in cycle c reads at c + stage.
"""

from __future__ import annotations

from dataclasses import dataclass

EX1, EX2, EX3, EX4 = range(4)
FLAGS, GE, FP_FLAGS = "flags", "ge", "fpflags"


@dataclass(frozen=True, slots=True)
class Read:
    """``register`` is needed at ``stage``.

    slow_load: a word from memory arrives a cycle later than it does for others. chained: the result of a fused
    multiply-add is there two cycles earlier than for others.
    """

    register: str
    stage: int
    slow_load: bool = False
    chained: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """``register`` can be read from ``stage`` on. slow_early: for a read at EX1, a cycle later."""

    register: str
    stage: int
    slow_early: bool = False


@dataclass(frozen=True, slots=True)
class Op:
    """An instruction.

    Attributes:
        address, size: Where it is, in bytes.
        unit: "alu", "mac", "load", "store", "branch", "fp", "fpmac" or "none".
        cycles: How long it holds the issue stage.
        alone: Issues together with no other instruction.
        older: Issues as the first of a pair only.
        early: Runs in the early ALU if its operands are there: "first" of a pair only, "any", or "" never.
        takes_shifter: Uses the early shifter.
        needs_shifter: Cannot be the second of a pair where the first uses the early shifter.
        drain_eighths: Eighths of a cycle that its stores take to leave the store buffer.
    """

    address: int
    size: int
    unit: str = "alu"
    reads: tuple[Read, ...] = ()
    writes: tuple[Write, ...] = ()
    cycles: int = 1
    alone: bool = False
    older: bool = False
    early: str = ""
    takes_shifter: bool = False
    needs_shifter: bool = False
    drain_eighths: int = 0

    @property
    def end(self) -> int:
        return self.address + self.size

    @property
    def sets_flags(self) -> bool:
        return any(write.register == FLAGS for write in self.writes)
