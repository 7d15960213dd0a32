"""Estimates of whole inferences in the emulator: stalls that are known beforehand, repeatability, agreement."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from probe_project import require_tools
from seatool import boards, build, cycles, resources
from seatool.build import project_files
from seatool.cli import main
from seatool.cycles import Cycles, Estimate, decode, plugin, trace
from seatool.errors import ToolError
from seatool.pipeline import CompileOptions, compile_model, open_project
from seatool.pipeline.profile import profile_project
from seatool.pipeline.recordings import shipped_student

pytestmark = pytest.mark.slow

SOURCE = Path(__file__).resolve().parent.parent / "data" / "firmware" / "streams.c"
BYTES = 8192
LINES = BYTES // 32
CODE_LINES = 8
"""At most so many lines of instructions are new in a layer of the model."""


def built(folder: Path, board: boards.Board) -> Path:
    """The emulator's image of the model ``streams.c``."""
    require_tools("arm-none-eabi-gcc", "make", "qemu-system-arm", "cc")
    model = "app/binding.c"
    files = project_files(board, "streams", [model], None)
    places = f'#define FAST "{board.ram[0].name}"\n#define SLOW "{board.ram[1].name}"\n#define BYTES {BYTES}u\n'
    files[model] = (places + SOURCE.read_text()).encode()
    files["model/nn.h"] = (resources.firmware() / "nn" / "nn.h").read_bytes()
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return build.build(folder).emulator_elf


@pytest.fixture(scope="module")
def m7() -> boards.Board:
    return boards.load("m7")


@pytest.fixture(scope="module")
def elf(tmp_path_factory: pytest.TempPathFactory, m7: boards.Board) -> Path:
    return built(tmp_path_factory.mktemp("streams"), m7)


def estimate(elf: Path, board: boards.Board, turns: int = 0) -> Estimate:
    return cycles.estimate(elf, [turns.to_bytes(4, "little")], board)[1]


def lines_waited_for(found: Cycles, board: boards.Board, region: str) -> float:
    return found.stalls / (board.region(region).line_fill_cycles or 1)


def test_memory_is_waited_for_once_per_line(elf: Path, m7: boards.Board) -> None:
    layers = estimate(elf, m7).layers
    assert LINES <= lines_waited_for(layers["flash"], m7, "flash") <= LINES + CODE_LINES
    assert LINES - 1 <= lines_waited_for(layers["sram"], m7, "axi") <= LINES + 2 * CODE_LINES
    for cached in ("flash_again", "tcm", "unaligned", "turns"):
        assert lines_waited_for(layers[cached], m7, "flash") <= CODE_LINES


def test_a_small_cache_forgets_what_a_large_one_keeps(elf: Path, m7: boards.Board) -> None:
    small = dataclasses.replace(m7, core=dataclasses.replace(m7.core, dcache_bytes=4096))
    again = estimate(elf, small).layers["flash_again"]
    assert LINES <= lines_waited_for(again, small, "flash") <= LINES + CODE_LINES


def test_a_board_without_caches_never_waits(tmp_path: Path) -> None:
    board = boards.load("mps2-an500")
    found = estimate(built(tmp_path, board), board)
    assert found.whole.stalls == 0 < found.whole.pipeline


def test_unaligned_loads_take_three_cycles_more(elf: Path, m7: boards.Board) -> None:
    layers = estimate(elf, m7).layers
    more = layers["unaligned"].pipeline - layers["tcm"].pipeline
    assert more == pytest.approx(3 * BYTES / 4, rel=0.01)


def test_a_turn_of_two_instructions_takes_a_cycle(elf: Path, m7: boards.Board) -> None:
    few, many = (estimate(elf, m7, turns).layers["turns"].pipeline for turns in (100, 10_100))
    assert many - few == 10_000


def test_two_runs_give_equal_figures(elf: Path, m7: boards.Board) -> None:
    assert estimate(elf, m7, 1000) == estimate(elf, m7, 1000)


def test_disagreement_with_the_firmware_is_an_error(
    elf: Path, m7: boards.Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trace.run

    def forgetful(*words: Any, **options: Any) -> Any:
        result, traced = run(*words, **options)
        edge = traced.segments[3].edges[-1]
        traced.segments[3].edges[-1] = dataclasses.replace(edge, count=edge.count - 1)
        return result, traced

    monkeypatch.setattr(trace, "run", forgetful)
    with pytest.raises(ToolError, match=r"layer flash: QEMU's plugin saw .* instructions, the firmware counted"):
        estimate(elf, m7)


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped student as a project."""
    require_tools("arm-none-eabi-gcc", "make", "qemu-system-arm", "cc")
    folder = tmp_path_factory.mktemp("student") / "project"
    compile_model(shipped_student(), folder, CompileOptions(name="student2"))
    return folder


def test_student_is_estimated_layer_by_layer(student: Path) -> None:
    plain = profile_project(open_project(student))
    first, second = (profile_project(open_project(student), cycles=True) for _ in range(2))
    assert first.layers == second.layers
    assert first.project.manifest == second.project.manifest
    assert [layer["instructions"] for layer in first.layers] == [layer["instructions"] for layer in plain.layers]
    for layer in first.layers:
        assert layer["estimated_cycles"] is not None
        assert layer["stall_cycles"] is not None
        assert layer["estimated_cycles"] - layer["stall_cycles"] <= 1.2 * (layer["instructions"] or 0)
        assert layer["estimated_cycles"] - layer["stall_cycles"] >= 0.5 * (layer["instructions"] or 0)
    manifest = first.project.manifest
    between = (manifest["estimated_cycles"] or 0) - sum(layer["estimated_cycles"] or 0 for layer in first.layers)
    assert 0 < between < 10_000
    assert manifest["clock_mhz"] == 480
    assert manifest["estimated_ms"] == pytest.approx((manifest["estimated_cycles"] or 0) / 480e3, abs=1e-3)


def test_every_instruction_of_the_student_is_known(student: Path) -> None:
    elf = next((student / "build").glob("*-emulator.elf"))
    listing = subprocess.run(["arm-none-eabi-objdump", "-d", "-w", str(elf)], capture_output=True, text=True).stdout
    names = re.compile(r"<((?:layer|nn|audio)_\w+)>:\n((?:.+\n)+)")
    lines = [line.split("\t") for found in names.finditer(listing) for line in found[2].splitlines()]
    texts = {" ".join(" ".join(parts[2:]).split()) for parts in lines if len(parts) > 2 and parts[2][0] != "."}
    assert len(texts) > 1000
    assert not [text for text in texts if not decode.is_known(text)]


def seatool(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[str, str]:
    """Standard output and standard error of a command."""
    with pytest.raises(SystemExit) as stop:
        main([*map(str, words)])
    assert not stop.value.code
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_command_shows_estimates(student: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, _ = seatool(capsys, "profile", student, "--cycles")
    assert "cycles~" in text
    assert re.search(r"\nestimated [\d,]+ cycles, 0\.\d+ per MAC, .* ms at 480 MHz \(not a measurement\)\n", text)
    manifest = json.loads(seatool(capsys, "profile", student, "--cycles", "--json")[0])
    assert manifest["estimated_cycles"] > manifest["stall_cycles"] > 0
    assert manifest["cycles_model"] == cycles.MODEL
    assert manifest["cycles_unavailable"] is None
    assert "cycles~" not in seatool(capsys, "profile", student)[0]


def test_command_says_why_it_only_counts(
    student: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    plugin.library.cache_clear()
    try:
        text, notes = seatool(capsys, "profile", student, "--cycles", "--json")
    finally:
        plugin.library.cache_clear()
    manifest = json.loads(text)
    assert manifest["instructions"] > 0
    assert manifest["estimated_cycles"] is manifest["layers"][0]["estimated_cycles"] is None
    assert manifest["cycles_unavailable"] == "there is no C compiler for this computer (cc)"
    assert "no cycles are estimated, only instructions counted: there is no C compiler" in notes


def test_plugin_is_in_the_package() -> None:
    assert {file.name for file in plugin.SOURCES.iterdir()} == {"cache.h", "qemu_api.h", "trace.c"}
    assert shutil.which("cc") is None or plugin.library().is_file()
