"""A project around the hand-written model ``tests/data/firmware/probe.c``, for tests that build and run images."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import pytest
from seatool import boards, resources
from seatool.build import project_files

SOURCE = Path(__file__).resolve().parent.parent / "data" / "firmware" / "probe.c"
MODEL = "app/binding.c"


def require_tools(*names: str) -> None:
    """Skip the test where a program is not installed."""
    for name in names:
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed")


def write_project(folder: Path, board_name: str = "m7", stack_bytes: int | None = None, append: str = "") -> Path:
    """Write the project for a board; ``append`` is C code added to the model."""
    board = boards.load(board_name)
    fast, slow = board.ram[0].name, board.ram[1].name
    files = project_files(board, "probe", [MODEL], stack_bytes)
    places = f'#define FAST "{fast}"\n#define SLOW "{slow}"\n'
    files[MODEL] = (places + SOURCE.read_text() + append).encode()
    files["model/nn.h"] = (resources.firmware() / "nn" / "nn.h").read_bytes()
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return folder


def command(what: str = ".", count: int = 0) -> bytes:
    """An input of the probe model: what it shall do, and how many turns its first layer's loop takes."""
    return what.encode() + bytes(3) + struct.pack("<I", count) + bytes(range(8))
