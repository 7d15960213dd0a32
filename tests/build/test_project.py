"""What a generated project consists of, and its linker scripts."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from probe_project import write_project
from seatool import boards, build
from seatool.boards.board import Region
from seatool.boards.machines import MPS2_AN500
from seatool.boards.mpu import NULL_GUARD
from seatool.build import linker_script, project_files
from seatool.build.project import mpu_table

MEMORY_LINE = re.compile(r"^ +(\w+) +\((\w+)\) : ORIGIN = (0x[0-9a-f]{8}), LENGTH = (\d+)", re.MULTILINE)


def memory(script: str) -> dict[str, tuple[int, int]]:
    return {name: (int(start, 16), int(size)) for name, _, start, size in MEMORY_LINE.findall(script)}


def test_files_of_a_project() -> None:
    files = project_files(boards.load("m7"), "student", ["model/student.c", "app/binding.c", "model/student.h"])
    assert {"Makefile", "CMakeLists.txt", "board.ld", "emulator.ld", "port/board.h", "app/main.c"} <= set(files)
    assert "port/stm32h743/clock.c" in files
    assert "port/mps2_an500/mpu_regions.h" in files
    assert "app/binding.c" not in files, "the model's files are the renderer's"
    makefile = files["Makefile"].decode()
    assert "\tapp/binding.c \\\n\tmodel/student.c\n" in makefile
    assert "model/student.h" not in makefile


def test_project_has_no_path_of_this_computer_and_is_the_same_each_time() -> None:
    board = boards.load("nucleo-h743zi")
    files = project_files(board, "student", ["model/student.c"])
    assert files == project_files(board, "student", ["model/student.c"])
    repository = str(Path(__file__).resolve().parents[2]).encode()
    assert [path for path, data in files.items() if repository in data] == []


@pytest.mark.parametrize("name", boards.available())
def test_memory_of_the_linker_scripts_is_the_boards(name: str) -> None:
    board = boards.load(name)
    regions = [region for region in board.memory if region.emulator_address is not None]
    own = memory(linker_script(board, emulator=False))
    emulated = memory(linker_script(board, emulator=True))
    guards = {region.name: NULL_GUARD.size for region in regions if region.kind == "itcm"}

    def usable(region: Region, address: int | None) -> tuple[int, int]:
        guard = guards.get(region.name, 0)
        return (address or 0) + guard, region.size - guard

    assert own == {region.name: usable(region, region.address) for region in regions}
    harness = {"harness": (MPS2_AN500.harness.start, MPS2_AN500.harness.size)}
    assert emulated == {region.name: usable(region, region.emulator_address) for region in regions} | harness


def test_fast_code_goes_to_flash_where_no_itcm_can_hold_it() -> None:
    board = boards.load("m7")
    unmapped = [replace(r, emulator_address=None) if r.kind == "itcm" else r for r in board.memory]
    for emulator in (False, True):
        text, itcm = linker_script(board, emulator=emulator).split("__text_end", 1)
        assert "*(.itcm.text)" not in text
        assert "*(.itcm.text)" in itcm
        text, rest = linker_script(replace(board, memory=tuple(unmapped)), emulator=emulator).split("__text_end", 1)
        assert "*(.itcm.text)" in text
        assert "*(.itcm.text)" not in rest


def test_stack_size_is_the_boards_unless_given() -> None:
    board = boards.load("m7")
    assert ". += 4096;" in linker_script(board, emulator=False)
    assert ". += 8192;" in linker_script(board, emulator=True, stack_bytes=8192)


def test_pins_and_clock_reach_the_port() -> None:
    header = project_files(boards.load("nucleo-h743zi"), "student", [])["port/board.h"].decode()
    assert "#define BOARD_CLOCK_HZ 400000000u\n" in header
    assert "#define BOARD_HSE_BYPASS_HZ 8000000u" in header
    assert "#define BOARD_CONSOLE_TX_PORT 3u /* PD8 */\n#define BOARD_CONSOLE_TX_PIN 8u\n" in header
    assert "#define BOARD_LED_PORT 1u /* PB0 */" in header
    assert "LED" not in project_files(boards.load("m7"), "student", [])["port/board.h"].decode()


def test_mpu_table_names_what_it_allows() -> None:
    table = mpu_table(boards.load("m7"), MPS2_AN500)
    assert "{0x00000000u, 0x06020029u}, /* flash */" in table
    assert "/* guard over address 0 */" in table
    for name in ("dtcm", "axi", "sram123", "sram4", "harness", "itcm", "UARTs", "FPGA I/O"):
        assert name in table


def test_package_exports() -> None:
    assert set(build.__all__) >= {"build", "linker_script", "measure", "project_files"}


def test_probe_project_is_complete(tmp_path: Path) -> None:
    """Every source that the Makefile names is there."""
    folder = write_project(tmp_path)
    named = re.findall(r"\b(?:app|host|port|model)/[\w/]+\.c\b", (folder / "Makefile").read_text())
    assert len(set(named)) > 8
    assert [name for name in named if not (folder / name).is_file()] == []
