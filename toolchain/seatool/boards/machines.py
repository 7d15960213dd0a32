"""The machines of the emulator: where they have RAM, and what firmware may touch besides."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """A range of addresses; ``start`` and ``size`` in bytes."""

    name: str
    start: int
    size: int

    @property
    def end(self) -> int:
        return self.start + self.size

    def holds(self, start: int, size: int) -> bool:
        return self.start <= start and start + size <= self.end

    def overlaps(self, other: Window) -> bool:
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True)
class Machine:
    """A QEMU machine.

    ``memory`` may hold the regions of a board; ``harness`` is RAM of the test harness alone; ``peripherals`` are the
    device windows that the port uses. The memory protection unit has ``mpu_regions`` entries.
    """

    name: str
    port: str
    memory: tuple[Window, ...]
    harness: Window
    peripherals: tuple[Window, ...]
    mpu_regions: int


MPS2_AN500 = Machine(
    name="mps2-an500",
    port="mps2_an500",
    memory=(
        Window("ssram1", 0x0000_0000, 4 << 20),
        Window("ssram23", 0x2000_0000, 4 << 20),
        Window("psram", 0x6000_0000, 8 << 20),
    ),
    harness=Window("harness", 0x6080_0000, 8 << 20),
    # The console is UART 0 at 0x40004000, the counter in the FPGA's I/O at 0x40028000. What else is within these 32 KB
    # does no harm, and the two share one entry of the MPU.
    peripherals=(Window("timers and UARTs", 0x4000_0000, 0x8000), Window("FPGA I/O", 0x4002_8000, 0x8000)),
    mpu_regions=8,
)

MACHINES = {machine.name: machine for machine in (MPS2_AN500,)}
