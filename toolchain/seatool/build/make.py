"""Build a generated project with its own Makefile and measure the images."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from seatool.build import elf, tools
from seatool.errors import BudgetError, InputError, SeatoolError, ToolError

LOG = "build/build.log"
_OVERFLOW = re.compile(r"region `(\w+)' overflowed by (\d+) bytes")
_FAST_CODE = re.compile(r"`\.itcm' will not fit in region `(?!flash')")
_FAULT = re.compile(r"error:|/ld: |undefined reference|\*\*\* ")
_SHOWN = 5
_IN_FLASH = "compile it again with --code-in-flash, or take NN_FAST_CODE from functions that need no speed"


@dataclass(frozen=True)
class Image:
    """An ELF file and what it takes of each memory region, measured."""

    path: Path
    regions: tuple[elf.RegionUse, ...]
    functions: dict[str, int]

    def region(self, name: str) -> elf.RegionUse:
        """Use of the region ``name``; KeyError if the image knows no such region."""
        for region in self.regions:
            if region.region == name:
                return region
        raise KeyError(name)


@dataclass(frozen=True)
class Built:
    """The board's image and its twin for the emulator."""

    board: Image
    emulator: Image

    @property
    def board_elf(self) -> Path:
        return self.board.path

    @property
    def emulator_elf(self) -> Path:
        return self.emulator.path


def build(project: Path) -> Built:
    """Run make in ``project`` and measure what came out.

    Raises ToolError where a tool is missing or the compiler fails (the message holds its first complaints, the log is
    ``build/build.log``), BudgetError where the image overflows a memory region.
    """
    if not (project / "Makefile").is_file():
        raise InputError(f"{project} is not a project: it has no Makefile", "write one with `seatool compile`")
    tools.require_compiler()
    return run_make(project, project / LOG)


def run_make(folder: Path, log: Path, *variables: str) -> Built:
    """Run the Makefile in ``folder`` with ``variables`` ("NAME=value"), keep its output in ``log``, measure the images.

    Raises as :func:`build` does.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    made = _make(folder, "all", *variables)
    log.write_text(made.stdout, encoding="utf-8")
    if made.returncode:
        raise _failure(folder, made.stdout, log)
    listed = _make(folder, "-s", "images", *variables)
    if listed.returncode:
        raise _failure(folder, listed.stdout, log)
    board, emulator = (folder / path for path in listed.stdout.split())
    return Built(measure(board.resolve()), measure(emulator.resolve()))


def measure(path: Path) -> Image:
    """The ELF file ``path`` with its sizes."""
    contents = elf.read(path)
    return Image(path, contents.regions, contents.functions)


def _make(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    make = str(tools.require("make"))
    return subprocess.run(
        [make, "--no-print-directory", f"-j{os.cpu_count() or 1}", "-C", str(project), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=tools.environment(),
    )


def _failure(folder: Path, output: str, log: Path) -> SeatoolError:
    """What make's output says went wrong."""
    where = f"the whole log is {log}"
    excess: dict[str, int] = {}
    for region, count in _OVERFLOW.findall(output):
        excess[region] = max(excess.get(region, 0), int(count))
    if excess:
        lines = [f"{region} overflows by {count:,} bytes" for region, count in sorted(excess.items())]
        message = "\n  ".join([f"{folder.name} does not fit the board's memory", *lines])
        return BudgetError(message, _IN_FLASH if _FAST_CODE.search(output) else where)
    faults = [line for line in output.splitlines() if _FAULT.search(line)] or output.splitlines()[-_SHOWN:]
    return ToolError("\n  ".join([f"{folder} does not compile", *faults[:_SHOWN]]), where)
