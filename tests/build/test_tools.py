"""Finding programs, their versions, and what to say where they are missing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from seatool.build import tools
from seatool.errors import ToolError
from seatool.report import terminal


def install(folder: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make ``name`` the only program there is."""
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def found(name: str) -> tools.Tool:
    return next(tool for tool in tools.survey() if tool.name == name)


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("QEMU emulator version 7.2.22 (Debian 1:7.2)", "7.2.22"),
        ("Open On-Chip Debugger 0.12.0", "0.12.0"),
        ("no number here", None),
    ],
)
def test_version_is_read_from_what_the_tool_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, version: str | None
) -> None:
    install(tmp_path, "qemu-system-arm", f"echo '{output}'", monkeypatch)
    assert found("qemu-system-arm").version == version


@pytest.mark.parametrize(("version", "differs"), [("7.2", False), ("7.2.22", False), ("7.20.1", True), ("8.2.2", True)])
def test_another_version_than_the_tested_one_is_told(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    differs: bool,
) -> None:
    install(tmp_path, "qemu-system-arm", f"echo {version}", monkeypatch)
    terminal.show_tools([found("qemu-system-arm")])
    assert ("developed with 7.2:" in capsys.readouterr().out) == differs


def test_version_on_standard_error_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "openocd", "echo 'Open On-Chip Debugger 0.12.0' >&2", monkeypatch)
    assert found("openocd").version == "0.12.0"


@pytest.mark.parametrize(("library", "version"), [("libstdc++_nano.a", None), ("/lib/libstdc++_nano.a", "12.2.1")])
def test_cplusplus_needs_its_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str, version: str | None
) -> None:
    script = f'case $1 in -print*) echo {library};; *) echo "arm-none-eabi-g++ 12.2.1";; esac'
    install(tmp_path, "arm-none-eabi-g++", script, monkeypatch)
    assert found("arm-none-eabi-g++").version == version


def test_broken_program_has_no_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "make", "echo 4.3; exit 1", monkeypatch)
    assert found("make").version is None


def test_nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    survey = tools.survey()
    assert not any(tool.is_untested for tool in survey)
    assert [tool.version for tool in survey] == [None] * len(survey)
    assert {tool.name for tool in survey if tool.required} == {
        "arm-none-eabi-gcc",
        "newlib-nano",
        "make",
        "qemu-system-arm",
    }
    assert all(tool.install and tool.purpose for tool in survey)


def test_required_tool_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ToolError, match="make is missing: it builds the generated project") as caught:
        tools.require("make")
    assert caught.value.hint is not None
    assert "apt install make" in caught.value.hint


def test_compiler_without_its_c_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian packs newlib apart; gcc then echoes the file name that it does not find."""
    install(tmp_path, "arm-none-eabi-gcc", "echo nano.specs", monkeypatch)
    with pytest.raises(ToolError, match="newlib-nano is missing") as caught:
        tools.require_compiler()
    assert caught.value.hint is not None
    assert "libnewlib-arm-none-eabi" in caught.value.hint


def test_json_has_no_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "make", "echo GNU Make 4.3", monkeypatch)
    value = found("make").to_json()
    assert value == {
        "name": "make",
        "purpose": "builds the generated project",
        "install": "Debian, Ubuntu: apt install make; macOS: xcode-select --install",
        "required": True,
        "version": "4.3",
        "tested": None,
    }


def test_programs_do_not_see_the_make_that_called_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAKEFLAGS", "-j8 --jobserver-auth=3,4")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    environment = tools.environment()
    assert "MAKEFLAGS" not in environment
    assert environment["LC_ALL"] == "C"
    assert environment["PATH"] == os.environ["PATH"]
