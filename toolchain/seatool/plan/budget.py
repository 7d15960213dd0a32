"""What the program needs of every memory region, before it is built and after.

RAM and constants are exact. Code is estimated until the ELF is measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from seatool.boards.board import FAULT_STACK_BYTES, STACK_ALIGNMENT_BYTES, Board, variables_bytes
from seatool.errors import BudgetError, InputError
from seatool.kernels import Constant
from seatool.plan.bars import bar, percent
from seatool.plan.fast_code import guard_bytes
from seatool.plan.program import Part, Program, Usage
from seatool.rounding import round_up

RUNTIME_CODE_BYTES = 6_144
"""Start-up code, console, fault handler, the application and what it uses of the C library: 5.6 to 6.1 KB measured."""

WEIGHTS, CODE, TABLES = "weights", "code", "front end tables"
ACTIVATIONS, SCRATCH, RESIDENT = "activations", "scratch", "resident"
STACK, FAULT_STACK, DATA = "stack", "fault stack", "data"
GUARD = "null pointers"


@dataclass(frozen=True)
class Limits:
    """Bytes that may be used; ``ram`` over all regions. None: as much as the board has."""

    stack: int
    ram: int | None = None
    flash: int | None = None

    @property
    def firmware(self) -> int:
        """RAM of the firmware around the model."""
        return sum(part.bytes for part in firmware_ram(self.stack))


@dataclass(frozen=True)
class FlashNeeds:
    """Bytes in flash: constants of the layers, tables of the front end, estimated code of both."""

    constants: int
    tables: int
    code: int


@dataclass(frozen=True)
class RamNeeds:
    """Bytes of the model's block in one region: in all, those that hold an activation at some time, resident ones."""

    block: int
    activations: int
    resident: int

    @property
    def scratch(self) -> int:
        return self.block - self.activations - self.resident


def unique(constants: Iterable[tuple[str, Constant]]) -> dict[str, tuple[str, Constant]]:
    """For every named constant the first (name, constant) with the same bytes, type and alignment: stored once."""
    first: dict[tuple[str, int, bytes], tuple[str, Constant]] = {}
    result = {}
    for name, constant in constants:
        key = (constant.data.dtype.str, constant.align, constant.data.tobytes())
        result[name] = first.setdefault(key, (name, constant))
    return result


def constant_bytes(constants: Iterable[tuple[str, Constant]]) -> int:
    """Flash of named constants: equal ones are stored once, each is padded to its alignment."""
    stored = dict(unique(constants).values())
    return sum(round_up(constant.data.nbytes, constant.align) for constant in stored.values())


def firmware_ram(stack_bytes: int) -> tuple[Part, ...]:
    """What the firmware around the model needs in the board's stack region."""
    return (
        Part(STACK, stack_bytes),
        Part(FAULT_STACK, FAULT_STACK_BYTES),
        Part(DATA, variables_bytes(stack_bytes)),
    )


def require_stack(board: Board, stack_bytes: int) -> None:
    """InputError for a size that no stack can have, BudgetError for one that does not fit the stack's region."""
    if stack_bytes <= 0 or stack_bytes % STACK_ALIGNMENT_BYTES:
        above = round_up(stack_bytes, STACK_ALIGNMENT_BYTES)
        raise InputError(
            f"a stack of {stack_bytes} bytes: expected a positive multiple of {STACK_ALIGNMENT_BYTES}",
            f"for example --stack {above if above > 0 else board.stack_bytes}",
        )
    own = Usage(board.stack_region.name, board.stack_region.size, firmware_ram(stack_bytes))
    if not own.fits:
        most = stack_bytes - (own.needed - own.capacity)
        raise BudgetError(
            f"a stack of {stack_bytes:,} bytes does not fit {board.name}\n{describe(own)}",
            f"what would fit: --stack {most - most % STACK_ALIGNMENT_BYTES} at most, if the model needs nothing of it",
        )


def itcm_usage(board: Board, code: int) -> tuple[Usage, ...]:
    """Predicted contents of the ITCM, if there is one; ``code``: estimated bytes."""
    if board.itcm is None:
        return ()
    parts = (Part(GUARD, guard_bytes(board)), Part(CODE, code, estimated=True)) if code else ()
    return (Usage(board.itcm.name, board.itcm.size, tuple(part for part in parts if part.bytes)),)


def usage(board: Board, flash: FlashNeeds, ram: Mapping[str, RamNeeds], limits: Limits) -> tuple[Usage, ...]:
    """Predicted contents of the flash and of every RAM region; the firmware's own are in the stack's region."""
    capacity = board.flash.size if limits.flash is None else min(limits.flash, board.flash.size)
    parts = [Part(WEIGHTS, flash.constants), Part(CODE, flash.code + RUNTIME_CODE_BYTES, estimated=True)]
    if flash.tables:
        parts.insert(1, Part(TABLES, flash.tables))
    result = [Usage(board.flash.name, capacity, tuple(parts))]
    for region in board.ram:
        needs = ram.get(region.name, RamNeeds(0, 0, 0))
        shares = [
            Part(ACTIVATIONS, needs.activations),
            Part(SCRATCH, needs.scratch),
            Part(RESIDENT, needs.resident),
        ]
        if region == board.stack_region:
            shares += firmware_ram(limits.stack)
        result.append(Usage(region.name, region.size, tuple(part for part in shares if part.bytes)))
    return tuple(result)


def ram_usage(usages: Sequence[Usage], board: Board, limit: int | None) -> Usage:
    """All RAM regions as one, with the parts added up; its capacity is ``limit`` if there is one."""
    capacity = sum(region.size for region in board.ram)
    sums: dict[str, Part] = {}
    regions = [region.name for region in board.ram]
    for part in (part for usage in usages if usage.region in regions for part in usage.parts):
        before = sums.get(part.label, Part(part.label, 0))
        sums[part.label] = replace(part, bytes=before.bytes + part.bytes)
    return Usage("ram", capacity if limit is None else min(limit, capacity), tuple(sums.values()))


def remeasured(program: Program, used: Mapping[str, int]) -> Program:
    """``program`` with the ELF's figures in place of estimates, which remain beside them as ``predicted``.

    Args:
        program: As planned.
        used: Bytes by region name in the ELF, the model's blocks and the stack's reservation included.

    Raises:
        BudgetError: The built firmware does not fit after all.
    """
    usages = measured(program.usage, used)
    require_fit(program.graph.name, program.board, usages, program.ram_limit)
    return replace(program, usage=usages)


def require_fit(name: str, board: Board, usages: Sequence[Usage], ram_limit: int | None) -> None:
    """BudgetError where measured ``usages`` exceed a region, or all RAM together ``ram_limit``."""
    short = [usage for usage in (*usages, ram_usage(usages, board, ram_limit)) if not usage.fits]
    if short:
        lines = "\n".join(describe(usage) for usage in short)
        excess = ", ".join(f"{usage.needed - usage.capacity:,} B of {usage.region}" for usage in short)
        raise BudgetError(
            f"{name} as built does not fit {board.name}\n{lines}",
            f"code and variables were estimated too low; what would fit: a model or a stack (--stack) that needs "
            f"{excess} less",
        )


def measured(usages: Sequence[Usage], used: Mapping[str, int]) -> tuple[Usage, ...]:
    """``usages`` with measured bytes by region in place of estimates; regions not measured stay as they are.

    Measuring again replaces the earlier measurement.
    """
    return tuple(_measured(usage, used[usage.region]) if usage.region in used else usage for usage in usages)


def _measured(usage: Usage, used: int) -> Usage:
    """``usage`` with what is left of ``used`` bytes in place of its estimated part."""
    known = tuple(part for part in usage.parts if not part.estimated and part.predicted is None)
    other = next((part for part in usage.parts if part not in known), Part("other", 0))
    rest = used - sum(part.bytes for part in known)
    predicted = other.bytes if other.predicted is None else other.predicted
    found = replace(other, bytes=rest, estimated=False, predicted=predicted)
    return replace(usage, parts=(*known, found) if rest or predicted else known)


def describe(usage: Usage) -> str:
    """One region in two lines: what it needs with a bar, and of what that consists.

    >>> print(describe(Usage("flash", 2_097_152, (Part("weights", 4_685_824), Part("code", 26_480, estimated=True)))))
      flash  needs 4,712,304 B of 2,097,152   ████████████████████▌ 225 %
               weights 4,685,824 · code about 26,480
    >>> print(describe(Usage("ram", 1_015_808, (Part("activations", 411_136),))))
      ram    fits: 411,136 B of 1,015,808
    """
    if usage.fits:
        return f"  {usage.region:<6} fits: {usage.needed:,} B of {usage.capacity:,}"
    shares = [part for part in usage.parts if part.bytes]
    parts = " · ".join(f"{part.label} {'about ' if part.estimated else ''}{part.bytes:,}" for part in shares)
    filled = f"{bar(usage.needed, usage.capacity)} {percent(usage.needed, usage.capacity)}"
    return f"  {usage.region:<6} needs {usage.needed:,} B of {usage.capacity:,}   {filled}\n           {parts}"
