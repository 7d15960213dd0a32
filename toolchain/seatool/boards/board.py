"""A board: core, memory regions, the emulator machine that stands for it, how to flash it. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

RegionKind = Literal["flash", "tcm", "itcm", "sram"]

STACK_ALIGNMENT_BYTES = 8
"""The stack's size is a multiple of it: the stack pointer is aligned at every public interface. Source: AAPCS32, 6.2.1."""

FAULT_STACK_BYTES = 512
"""What the fault handler runs on once the stack itself is unusable; reserved beside the stack in every image."""


@dataclass(frozen=True)
class Region:
    """A block of memory. Sizes and addresses in bytes; ``emulator_address`` is where the emulator puts it.

    ``emulator_address`` is None for a region that the emulated machine lacks: nothing can be placed there.
    """

    name: str
    kind: RegionKind
    address: int
    size: int
    wait_states: int = 0
    emulator_address: int | None = None
    title: str = ""

    @property
    def end(self) -> int:
        """The first address behind the region."""
        return self.address + self.size


@dataclass(frozen=True)
class Core:
    """``clock_hz`` of the core; ``hse_bypass_hz`` of the external clock it derives from (0: internal oscillator)."""

    cpu: str
    fpu: str
    clock_hz: int
    hse_bypass_hz: int = 0


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
