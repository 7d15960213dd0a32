"""A board: core, memory regions, the emulator machine that stands for it, how to flash it. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

RegionKind = Literal["flash", "tcm", "itcm", "sram"]


@dataclass(frozen=True)
class Region:
    """A block of memory. Sizes and addresses in bytes; ``emulator_address`` is where the emulator puts it."""

    name: str
    kind: RegionKind
    address: int
    size: int
    wait_states: int = 0
    emulator_address: int | None = None
    title: str = ""


@dataclass(frozen=True)
class Core:
    cpu: str
    fpu: str
    clock_hz: int


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
