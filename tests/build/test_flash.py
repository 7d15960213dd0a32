"""``make flash``: the commands, and what the flash tools know of the boards. No board was ever connected."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from probe_project import require_tools, write_project
from seatool import boards

NUCLEO = "nucleo-h743zi"
WITH_PROBE = [name for name in boards.available() if boards.load(name).probe]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose board image is there and newer than its sources, so that make needs no compiler."""
    folder = write_project(tmp_path_factory.mktemp("project"), NUCLEO)
    (folder / "build").mkdir()
    (folder / "build" / "probe.elf").touch()
    return folder


def flash(project: Path, *words: str, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
    command = ["make", "-s", "flash", "-o", "build/probe.elf", *words]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, env={**os.environ, "PATH": path})


@pytest.mark.parametrize(
    ("words", "tool", "arguments"),
    [
        ([], "openocd", ["-f", "board/st_nucleo_h743zi.cfg", "-c", "program build/probe.elf verify reset exit"]),
        (["PROBE=pyocd"], "pyocd", ["load", "--no-wait", "--target", "stm32h743xx", "build/probe.elf"]),
    ],
)
def test_flash_calls_the_tool(project: Path, tmp_path: Path, words: list[str], tool: str, arguments: list[str]) -> None:
    (tmp_path / tool).write_text('#!/bin/sh\nfor word in "$@"; do echo "$word"; done\n')
    (tmp_path / tool).chmod(0o755)
    done = flash(project, *words, path=f"{tmp_path}:{os.environ['PATH']}")
    assert (done.returncode, done.stdout.splitlines()) == (0, arguments)


def test_a_tool_that_is_not_there_or_not_known(project: Path) -> None:
    done = flash(project, "FLASH_absent=absent", "PROBE=absent")
    assert done.returncode != 0
    assert "absent is missing. Debian, Ubuntu: apt install openocd, or pip install pyocd" in done.stderr
    done = flash(project, "PROBE=jlink")
    assert done.returncode != 0
    assert "PROBE=jlink: expected openocd or pyocd" in done.stderr


def test_a_board_without_a_probe_says_so(tmp_path: Path) -> None:
    project = write_project(tmp_path, "m7")
    (project / "build").mkdir()
    done = flash(project)
    assert done.returncode != 0
    assert "m7 has no [probe] settings" in done.stderr


@pytest.mark.parametrize("name", WITH_PROBE)
def test_openocd_knows_the_board_and_its_flash(name: str) -> None:
    require_tools("openocd")
    board = boards.load(name)
    command = ["openocd", "-f", board.probe["openocd"], "-c", "noinit", "-c", "flash banks", "-c", "shutdown"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    banks = [int(address, 16) for address in re.findall(r"^#\d .* at (0x[0-9a-f]{8})", done.stdout + done.stderr, re.M)]
    assert banks[0] == board.flash.address
    assert all(board.flash.address <= bank < board.flash.end for bank in banks)


@pytest.mark.parametrize("name", WITH_PROBE)
def test_pyocd_knows_the_target(name: str) -> None:
    require_tools("pyocd")
    done = subprocess.run(["pyocd", "list", "--targets"], capture_output=True, text=True, timeout=120, check=True)
    assert boards.load(name).probe["pyocd"] in {line.split()[0] for line in done.stdout.splitlines() if line.strip()}


def test_the_boards_with_a_probe() -> None:
    assert WITH_PROBE == [NUCLEO]
