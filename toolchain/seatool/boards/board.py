"""A board: core, memory regions, the emulator machine that stands for it, how to flash it. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from seatool.rounding import round_up

RegionKind = Literal["flash", "tcm", "itcm", "sram"]

STACK_ALIGNMENT_BYTES = 8
"""The stack's size is a multiple of it: the stack pointer is aligned at public interfaces. Source: AAPCS32, 6.2.1."""

FAULT_STACK_BYTES = 512
"""What the fault handler runs on once the stack itself is unusable; reserved beside the stack in every image."""

VARIABLES_BYTES = 32
"""Reserved for the static variables of the firmware around the model; they have 4 to 12, with the C library's."""

BLOCK_ALIGNMENT_BYTES = 32
"""Of the model's block in each region: a cache line."""


def variables_bytes(stack_bytes: int) -> int:
    """Bytes from the stacks' end to where the model's block can begin in the same region."""
    taken = stack_bytes + FAULT_STACK_BYTES
    return round_up(taken + VARIABLES_BYTES, BLOCK_ALIGNMENT_BYTES) - taken


@dataclass(frozen=True)
class Region:
    """A block of memory. Sizes and addresses in bytes; ``emulator_address`` is where the emulator puts it.

    ``emulator_address`` is None for a region that the emulated machine lacks: nothing can be placed there.
    ``wait_states`` are what the memory needs beyond one cycle of its bus; the port sets the flash to them.
    ``line_fill_cycles`` are cycles of the core from a miss to the last byte of the line, ``wait_states`` included;
    None where no cache is in front of the region. Tightly coupled memory takes one cycle and no cache.
    """

    name: str
    kind: RegionKind
    address: int
    size: int
    wait_states: int = 0
    line_fill_cycles: int | None = None
    emulator_address: int | None = None
    title: str = ""

    @property
    def end(self) -> int:
        """The first address behind the region."""
        return self.address + self.size

    @property
    def is_cached(self) -> bool:
        return self.line_fill_cycles is not None


@dataclass(frozen=True)
class Core:
    """``clock_hz`` of the core; ``hse_bypass_hz`` of the external clock it derives from (0: internal oscillator).

    ``icache_bytes`` and ``dcache_bytes`` are 0 where the port uses no cache. Ways and the length of a line are the same
    in every Cortex-M7. Source: Arm DDI 0489, 5.1 and 5.7.
    """

    cpu: str
    fpu: str
    clock_hz: int
    hse_bypass_hz: int = 0
    icache_bytes: int = 0
    dcache_bytes: int = 0
    icache_ways: int = 2
    dcache_ways: int = 4
    cache_line_bytes: int = 32


@dataclass(frozen=True)
class Board:
    """A board profile as read from ``boards/<name>.toml``.

    ``emulator`` names the QEMU machine; ``port`` the folder in ``firmware/port`` that drives the real chip; ``probe``
    holds the flash tool's settings (empty where the board is a generic profile).
    """

    name: str
    title: str
    core: Core
    memory: tuple[Region, ...]
    emulator: str
    port: str
    stack_bytes: int
    probe: Mapping[str, str]
    pins: Mapping[str, str]

    def region(self, name: str) -> Region:
        """The region called ``name``; KeyError if there is none."""
        for region in self.memory:
            if region.name == name:
                return region
        raise KeyError(name)

    @property
    def flash(self) -> Region:
        return next(region for region in self.memory if region.kind == "flash")

    @property
    def ram(self) -> tuple[Region, ...]:
        """Regions that may hold data, fastest first (TCM, then SRAM in the file's order)."""
        data = [region for region in self.memory if region.kind in ("tcm", "sram")]
        return tuple(sorted(data, key=lambda region: region.kind != "tcm"))

    @property
    def itcm(self) -> Region | None:
        """The memory for code that shall run without wait states; None if the board or its emulator has none."""
        return next((r for r in self.memory if r.kind == "itcm" and r.emulator_address is not None), None)

    @property
    def stack_region(self) -> Region:
        """The region that holds the stack (at its start, so that an overflow faults) and the static data."""
        return self.ram[0]


def describe(board: Board) -> dict[str, Any]:
    """``board`` as plain data for JSON output; sizes in bytes, addresses as integers."""
    return {
        "name": board.name,
        "title": board.title,
        "core": dict(vars(board.core)),
        "ram_bytes": sum(region.size for region in board.ram),
        "flash_bytes": board.flash.size,
        "stack_bytes": board.stack_bytes,
        "memory": [dict(vars(region)) for region in board.memory],
        "emulator": board.emulator,
        "port": board.port,
        "probe": dict(board.probe),
        "pins": dict(board.pins),
    }
