"""Board files: those that ship, inheritance, and one invalid file per fault."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from seatool import boards, resources
from seatool.boards.load import size_bytes
from seatool.errors import InputError

INVALID = Path(__file__).resolve().parent.parent / "data" / "invalid_boards"

MESSAGES = {
    "base_itself": r'base = "base_itself.toml": a board cannot be based on itself',
    "base_number": r"base = 7: expected the name of a board",
    "base_unknown": r'base = "m8": there is no such board; boards: m7, mps2-an500, nucleo-h743zi',
    "cache_missing": r"core: missing: dcache",
    "cache_size_unknown": r'core.icache = "12K": expected "4K", "8K", "16K", "32K" or "64K"',
    "clock_is_text": r'core.clock_hz = "fast": expected the core clock in Hz, a positive integer',
    "clock_not_supported": r"core.clock_hz = 216000000: port stm32h743 runs at 400000000 or 480000000",
    "console_missing": r"the file: missing: pins",
    "console_pin_not_of_usart3": r'pins.console_tx = "PA9": expected "PB10", "PC10" or "PD8", where USART3 sends',
    "emulator_flash_not_at_zero": r"emulator.regions: flash has to be at 0",
    "emulator_region_missing": r"emulator.regions: dtcm has no address",
    "emulator_region_outside_ram": r"emulator.regions: axi is outside the RAM of mps2-an500 \(0x00000000 to 0x003fffff",
    "emulator_region_unaligned": r"emulator.regions: sram4 does not start and end at a multiple of 32 bytes",
    "emulator_region_unknown": r"emulator.regions: there is no region called ccm; regions: flash, itcm, dtcm",
    "emulator_regions_overlap": r"emulator.regions: sram123 \(0x60100000 to 0x60147fff\) overlaps sram4",
    "emulator_regions_too_scattered": r"the emulator needs \d+ MPU regions to protect this memory map and has 8",
    "flash_too_fast": r"memory: flash needs 4 wait states at 480000000 Hz; wait_states = 2",
    "fpu_unknown": r'core.fpu = "vfp": expected "fpv5-d16" \(double precision\) or "fpv5-sp-d16"',
    "key_unknown": r"unknown key colour; known: name, title, port",
    "keys_missing": r"missing: title, port, stack, core, memory, emulator",
    "line_fill_missing": r"memory: more has no line_fill_cycles, but the core has a cache",
    "itcm_of_one_kilobyte": r"memory: itcm has 1024 bytes; at address 0 null pointers take the first 1024",
    "line_fill_of_tcm": r"memory: dtcm is tightly coupled: line_fill_cycles has no meaning there",
    "line_fill_without_cache": r"memory: psram has line_fill_cycles, but the core has no cache",
    "machine_unknown": r'emulator.machine = "mps3-an547": expected "mps2-an500"',
    "memory_is_text": r'memory = "2M": expected at least one \[\[memory\]\] table',
    "name_upper_case": r'name = "M7 Board": expected lower-case letters, digits and dashes',
    "no_flash": r"memory: 0 regions of kind flash; there has to be exactly one",
    "no_ram": r"memory: no region of kind tcm or sram",
    "not_toml": r"not TOML: Invalid value \(at line 1, column 8\)",
    "not_utf8": r"not TOML: 'utf-8' codec can't decode",
    "pin_unknown": r'pins.led = "PZ3": expected a pin such as "PD8"',
    "port_unknown": r'port = "stm32f4": expected "stm32h743" or "mps2_an500"',
    "probe_is_a_command": r'probe.openocd = "x.cfg; \$\(shell id\)": expected an OpenOCD board configuration',
    "region_address_negative": r"memory\[1\].address = -1: expected an address from 0 to 0xffffffff",
    "region_behind_address_space": r"memory: top ends behind 0xffffffff",
    "region_kind_unknown": r'memory\[1\].kind = "cache": expected "flash", "tcm", "itcm" or "sram"',
    "regions_overlap": r"memory: dtcm \(0x20000000 to 0x2001ffff\) overlaps more at 0x20010000",
    "regions_share_name": r'memory: two regions are called "dtcm"',
    "stack_larger_than_region": r"stack = 131072: expected a multiple of 8, at most 130560 \(dtcm\)",
    "stack_not_multiple_of_8": r"stack = 4092: expected a multiple of 8",
    "stack_unit_unknown": r'stack = "4Q": expected a positive number of bytes, or a string such as "128K"',
    "title_ends_a_comment": r'title = "end \*/ int x;": expected one line of text that does not end a comment of C',
    "title_of_two_lines": r'title = "two\\nlines": expected one line of text',
    "two_flashes": r"memory: 2 regions of kind flash",
}


def test_every_invalid_file_has_its_message() -> None:
    assert {file.stem for file in INVALID.iterdir()} == set(MESSAGES)


@pytest.mark.parametrize("fault", sorted(MESSAGES))
def test_invalid_board_is_refused(fault: str) -> None:
    file = INVALID / f"{fault}.toml"
    with pytest.raises(InputError) as caught:
        boards.load(file)
    assert caught.value.message.startswith(f"{file} is not a valid board\n")
    assert re.search(MESSAGES[fault], caught.value.message)
    assert caught.value.hint is not None
    assert len(caught.value.message.splitlines()) == 2, "one fault, one line"


def test_all_faults_are_reported_at_once(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text('base = "m7"\nname = "M7"\nstack = -1\ncolour = 1\n[pins]\nled = 3\n')
    with pytest.raises(InputError) as caught:
        boards.load(file)
    assert len(caught.value.message.splitlines()) == 1 + 4


def test_shipped_boards() -> None:
    assert boards.available() == ["m7", "mps2-an500", "nucleo-h743zi"]
    for name in boards.available():
        assert boards.load(name).name == name


def test_m7_is_shaped_as_the_stm32h743() -> None:
    board = boards.load("m7")
    shape = {region.name: (region.address, region.size) for region in board.memory}
    assert shape == {
        "flash": (0x0800_0000, 2 << 20),
        "itcm": (0x0000_0000, 64 << 10),
        "dtcm": (0x2000_0000, 128 << 10),
        "axi": (0x2400_0000, 512 << 10),
        "sram123": (0x3000_0000, 288 << 10),
        "sram4": (0x3800_0000, 64 << 10),
    }
    assert board.core.clock_hz == 480_000_000
    assert [region.name for region in board.ram] == ["dtcm", "axi", "sram123", "sram4"]
    assert board.stack_region.name == "dtcm"
    assert board.flash.name == "flash"


def test_a_board_inherits_what_it_does_not_say() -> None:
    base, board = boards.load("m7"), boards.load("nucleo-h743zi")
    assert board.memory[1:] == base.memory[1:]
    assert board.flash == replace(base.flash, wait_states=2, line_fill_cycles=20)
    assert (board.core.cpu, board.core.clock_hz, board.core.hse_bypass_hz) == ("cortex-m7", 400_000_000, 8_000_000)
    assert board.pins == {"console_tx": "PD8", "led": "PB0"}
    assert board.probe == {"openocd": "board/st_nucleo_h743zi.cfg", "pyocd": "stm32h743xx"}


def test_timing_of_the_m7() -> None:
    board = boards.load("m7")
    cached = {region.name: (region.is_cached, region.line_fill_cycles, region.wait_states) for region in board.memory}
    assert cached == {
        "flash": (True, 24, 4),
        "itcm": (False, None, 0),
        "dtcm": (False, None, 0),
        "axi": (True, 16, 0),
        "sram123": (True, 32, 0),
        "sram4": (True, 36, 0),
    }
    core = board.core
    assert (core.icache_bytes, core.icache_ways, core.dcache_bytes, core.dcache_ways) == (16384, 2, 16384, 4)
    assert core.cache_line_bytes == 32


def test_the_ports_that_use_no_cache_have_none() -> None:
    board = boards.load("mps2-an500")
    assert (board.core.icache_bytes, board.core.dcache_bytes) == (0, 0)
    assert not any(region.is_cached for region in board.memory)


def test_a_region_may_be_added_to_the_base(tmp_path: Path) -> None:
    (tmp_path / "more.toml").write_text(
        'base = "mps2-an500"\nname = "more"\n[[memory]]\nname = "ccm"\nkind = "tcm"\naddress = 0x1000_0000\n'
        'size = "64K"\n[emulator.regions]\nccm = 0x2000_0000\nsram = 0x2010_0000\n'
        '[[memory]]\nname = "sram"\nsize = "1M"\n'
    )
    board = boards.load(tmp_path / "more.toml")
    assert [(region.name, region.size >> 10) for region in board.memory] == [
        ("flash", 4096),
        ("sram", 1024),
        ("psram", 8192),
        ("ccm", 64),
    ]


def test_a_board_file_may_be_based_on_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "first.toml").write_text('base = "m7"\nname = "first"\nstack = "8K"\n')
    (tmp_path / "second.toml").write_text('base = "first.toml"\nname = "second"\n')
    board = boards.load(tmp_path / "second.toml")
    assert (board.name, board.stack_bytes) == ("second", 8192)


@pytest.mark.parametrize("name", ["m8", "", "M7"])
def test_unknown_name_lists_the_boards(name: str) -> None:
    with pytest.raises(InputError, match=f"no board called '{name}'") as caught:
        boards.load(name)
    assert caught.value.hint is not None
    assert "m7, mps2-an500, nucleo-h743zi" in caught.value.hint


def test_absent_file() -> None:
    with pytest.raises(InputError, match="there is no such board file"):
        boards.load("absent.toml")


def test_unknown_region() -> None:
    with pytest.raises(KeyError, match="ccm"):
        boards.load("m7").region("ccm")


@pytest.mark.parametrize(("text", "size"), [("64K", 65536), ("2M", 2 << 20), ("100", 100), (7, 7)])
def test_sizes(text: str | int, size: int) -> None:
    assert size_bytes(text) == size


def test_description_is_json() -> None:
    value = boards.describe(boards.load("m7"))
    assert json.loads(json.dumps(value)) == value
    assert value["ram_bytes"] == (128 + 512 + 288 + 64) << 10
    assert value["flash_bytes"] == 2 << 20
    assert value["memory"][2]["emulator_address"] == 0x2000_0000


def test_ports_of_the_schema_are_the_folders_there_are() -> None:
    schema = json.loads((resources.boards() / "board.schema.json").read_text())
    folders = {folder.name for folder in (resources.firmware() / "port").iterdir() if folder.is_dir()}
    assert set(schema["properties"]["port"]["enum"]) == folders - {"cortex_m7"}


def test_importing_boards_does_not_import_jsonschema() -> None:
    code = "import sys, seatool.boards; sys.exit('jsonschema' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", ["m7", "nucleo-h743zi"])
def test_a_resolved_board_stands_alone(name: str, tmp_path: Path) -> None:
    text = json.dumps(boards.resolve(name))
    assert boards.parse(json.loads(text), tmp_path / "board.json") == boards.load(name)


def test_a_description_that_is_no_board_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"x.json is not a valid board\n  .*\[\].*expected a table of board settings"):
        boards.parse([], tmp_path / "x.json")  # type: ignore[arg-type]
