"""The STM32H743 port, run on this computer with memory where the chip has registers (``stm32h743/hardware.c``)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from probe_project import require_tools
from seatool import boards
from seatool.build import project_files

HARDWARE = Path(__file__).with_name("stm32h743")
REVISION_Y, REVISION_V = "10036450", "20036450"
FLAGS = ("-std=c11", "-Wall", "-Wextra", "-Werror", "-Wno-int-to-pointer-cast")
PORT = ("port/stm32h743/clock.c", "port/stm32h743/port.c", "port/console.c")
APB_AT_RESET_HZ, BAUD = 16_000_000, 115200


def compile_port(board: str, folder: Path, *more: str) -> Path:
    """The port of ``board`` as a program of this computer."""
    require_tools("gcc")
    for path, data in project_files(boards.load(board), "probe", []).items():
        if path.startswith("port/"):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
    includes = [f"-I{path}" for path in (HARDWARE, "port", "port/stm32h743", "port/cortex_m7")]
    command = ["gcc", *FLAGS, *includes, str(HARDWARE / "hardware.c"), *PORT, *more, "-o", "hardware"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "hardware"


def start(program: Path, *words: object) -> tuple[dict[str, int], str]:
    """Registers by name after the start, and what came on the console."""
    done = subprocess.run([program, *map(str, words)], capture_output=True, text=True, timeout=60, check=True)
    registers, console = {}, []
    for line in done.stdout.splitlines():
        name, _, value = line.partition(" ")
        if value.isdecimal():
            registers[name] = int(value)
        else:
            console.append(line)
    return registers, "\n".join(console)


@pytest.fixture(scope="module")
def nucleo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_port("nucleo-h743zi", tmp_path_factory.mktemp("nucleo"))


@pytest.fixture(scope="module")
def m7(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_port("m7", tmp_path_factory.mktemp("m7"))


@pytest.mark.parametrize(("idcode", "override"), [(REVISION_Y, 1), ("10016450", 1), (REVISION_V, 0), ("20016450", 0)])
def test_axi_sram_is_read_one_at_a_time_up_to_revision_y(nucleo: Path, idcode: str, override: int) -> None:
    assert start(nucleo, idcode)[0]["axi_override"] == override


def test_memory_and_console_come_first(nucleo: Path) -> None:
    registers, _ = start(nucleo, REVISION_V)
    assert registers["sram123"] == 7
    assert registers["early_console"] == 1 | 8, "on, and sending"
    assert registers["tx_mode"] == 2, "alternate function"
    assert APB_AT_RESET_HZ / registers["early_rate"] == pytest.approx(BAUD, rel=0.01)


def test_nucleo_starts(nucleo: Path) -> None:
    registers, console = start(nucleo, REVISION_Y)
    assert console == ""
    assert (registers["hz"], registers["switch"], registers["latency"]) == (400_000_000, 3, 2)
    assert 8_000_000 / registers["divm"] * registers["divn"] / 2 == 400_000_000
    assert 100_000_000 / registers["rate"] == pytest.approx(BAUD, rel=0.01)
    assert (registers["overdrive"], registers["caches"], registers["mpu"]) == (0, 3, 5)


def test_m7_starts_with_overdrive(m7: Path) -> None:
    registers, console = start(m7, REVISION_V)
    assert console == ""
    assert (registers["hz"], registers["switch"], registers["latency"]) == (480_000_000, 3, 4)
    assert 64_000_000 / registers["divm"] * registers["divn"] / 2 == 480_000_000
    assert registers["overdrive"] == 1


def test_480_mhz_is_not_for_revision_y(m7: Path) -> None:
    registers, console = start(m7, REVISION_Y)
    assert console == "clock: this revision of the chip does not run at 480 MHz; the core runs at 64 MHz"
    assert (registers["hz"], registers["switch"], registers["waits"]) == (64_000_000, 0, 0)


@pytest.mark.parametrize(
    ("wait", "problem"),
    [
        (0, "the core's voltage does not settle"),
        (1, "the core's voltage does not settle"),
        (2, "the external clock does not start"),
        (3, "PLL1 does not lock"),
        (4, "the flash does not take its wait states"),
        (5, "the core does not switch to PLL1"),
    ],
)
def test_what_does_not_start_is_said_and_done_without(nucleo: Path, wait: int, problem: str) -> None:
    registers, console = start(nucleo, REVISION_V, wait)
    assert console == f"clock: {problem}; the core runs at 64 MHz"
    assert registers["waits"] == wait + 1
    assert registers["hz"] == 64_000_000
    assert APB_AT_RESET_HZ / registers["rate"] == pytest.approx(BAUD, rel=0.01)
    assert (registers["caches"], registers["mpu"]) == (3, 5)


def test_every_wait_has_an_end(tmp_path: Path) -> None:
    program = compile_port("m7", tmp_path, "-DREAL_WAIT", "port/stm32h743/wait.c")
    registers, _ = start(program)
    assert registers == {"returned": 0, "ready": 1, "sent": ord("x")}
