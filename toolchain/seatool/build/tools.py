"""The programs we call: where they are, which version, and how to get them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seatool.errors import ToolError

_VERSION = re.compile(r"\d+\.\d+(\.\d+)*")
_QUERY_TIMEOUT_S = 20


@dataclass(frozen=True)
class Tool:
    """A program.

    ``version`` is None where it is not installed (or not known yet), ``tested`` the version that seatool is developed
    with, where another may give other code or counts.
    """

    name: str
    purpose: str
    install: str
    required: bool = True
    version: str | None = None
    tested: str | None = None

    @property
    def is_untested(self) -> bool:
        """Whether another version is installed than the one that seatool is developed with."""
        return None not in (self.version, self.tested) and not f"{self.version}.".startswith(f"{self.tested}.")

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))


NEWLIB = "newlib-nano"
CPLUSPLUS = "arm-none-eabi-g++"

TOOLS = (
    Tool(
        "arm-none-eabi-gcc",
        "compiles the firmware",
        "Debian, Ubuntu: apt install gcc-arm-none-eabi; macOS: brew install --cask gcc-arm-embedded",
        tested="12.2",
    ),
    Tool(
        NEWLIB,
        "the C library of the firmware",
        "Debian, Ubuntu: apt install libnewlib-arm-none-eabi; macOS: comes with gcc-arm-embedded",
    ),
    Tool("make", "builds the generated project", "Debian, Ubuntu: apt install make; macOS: xcode-select --install"),
    Tool(
        "qemu-system-arm",
        "runs the firmware in emulation",
        "Debian, Ubuntu: apt install qemu-system-arm; macOS: brew install qemu",
        tested="7.2",
    ),
    Tool(
        CPLUSPLUS,
        "compiles the TFLM part of a project, with its C++ library",
        "Debian, Ubuntu: apt install gcc-arm-none-eabi libstdc++-arm-none-eabi-newlib; macOS: as for gcc",
        False,
    ),
    Tool("cmake", "the other way to build", "Debian, Ubuntu: apt install cmake; macOS: brew install cmake", False),
    Tool("cc", "builds for this computer", "Debian, Ubuntu: apt install gcc; macOS: xcode-select --install", False),
    Tool("openocd", "flashes boards", "Debian, Ubuntu: apt install openocd; macOS: brew install openocd", False),
    Tool("pyocd", "flashes boards", "pip install pyocd", False),
)


def survey() -> list[Tool]:
    """Every tool with its version."""
    return [replace(tool, version=_version(tool.name)) for tool in TOOLS]


def require(name: str) -> Path:
    """Path of the program ``name``, one of TOOLS; ToolError saying how to install it where it is missing."""
    tool = next(tool for tool in TOOLS if tool.name == name)
    path = shutil.which(name)
    if path is None:
        raise ToolError(f"{name} is missing: it {tool.purpose}", tool.install)
    return Path(path)


def require_compiler() -> None:
    """ToolError unless the firmware's compiler and its C library are installed."""
    require("arm-none-eabi-gcc")
    if not _has_newlib():
        newlib = next(tool for tool in TOOLS if tool.name == NEWLIB)
        raise ToolError(f"{NEWLIB} is missing: it is {newlib.purpose}", newlib.install)


def require_cplusplus() -> None:
    """ToolError unless the compiler and library of the TFLM part are installed, beside those of the firmware."""
    require_compiler()
    require(CPLUSPLUS)
    if not _has_file(CPLUSPLUS, "libstdc++_nano.a"):
        compiler = next(tool for tool in TOOLS if tool.name == CPLUSPLUS)
        raise ToolError(f"{CPLUSPLUS} has no C++ library", compiler.install)


def environment() -> dict[str, str]:
    """Ours for the programs we call: messages in English, nothing of a make that may have called us."""
    kept = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return {**kept, "LC_ALL": "C"}


def _version(name: str) -> str | None:
    if name == NEWLIB:
        return _newlib_version()
    if name == CPLUSPLUS and not _has_file(name, "libstdc++_nano.a"):
        return None
    text = _output([name, "--version"])
    match = _VERSION.search(text) if text else None
    return match[0] if match else None


def _has_newlib() -> bool:
    return _has_file("arm-none-eabi-gcc", "nano.specs")


def _has_file(compiler: str, name: str) -> bool:
    """Whether ``compiler`` finds a library or a specs file."""
    found = _output([compiler, f"-print-file-name={name}"])
    return found is not None and Path(found.strip()).is_absolute()


def _newlib_version() -> str | None:
    if not _has_newlib():
        return None
    macros = _output(["arm-none-eabi-gcc", "-E", "-dM", "-include", "newlib.h", "-x", "c", os.devnull]) or ""
    match = re.search(r'_NEWLIB_VERSION "([^"]+)"', macros)
    return match[1] if match else None


def _output(command: Sequence[str]) -> str | None:
    """Standard output of a command that answers at once; None where it is missing or fails."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_QUERY_TIMEOUT_S,
            env=environment(),
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout or done.stderr
