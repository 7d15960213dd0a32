"""Runs of the probe model in QEMU: results, traces, counts, and every way to fail."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from probe_project import command, require_tools, write_project
from seatool import build, emulate
from seatool.emulate import runner
from seatool.errors import InputError, ToolError

pytestmark = pytest.mark.slow


def doubled(data: bytes) -> bytes:
    return bytes(2 * byte & 255 for byte in data)


def total(data: bytes) -> bytes:
    return struct.pack("<I", sum(doubled(data)))


def test_outputs_and_traces(elf: Path) -> None:
    inputs = [command(".", count) for count in (0, 9, 300)]
    result = emulate.run(elf, inputs, trace=True)
    assert result.outputs == [total(data) for data in inputs]
    assert result.traces == [{"doubled": doubled(data), "total": total(data)} for data in inputs]
    assert result.console.endswith("PASS\n")


def test_untraced_run_has_no_traces(elf: Path) -> None:
    result = emulate.run(elf, [command()])
    assert result.traces == []
    assert result.outputs == [total(command())]


def test_pcm_goes_through_the_front_end(elf: Path) -> None:
    pcm = np.arange(-8, 8, dtype=np.int16) * 1000
    features = bytes((pcm.view(np.uint16) >> 8).astype(np.uint8))
    result = emulate.run(elf, [pcm.tobytes()], pcm=True, trace=True)
    (number,) = struct.unpack("<H", total(features)[:2])
    assert np.frombuffer(result.outputs[0], np.float32).tolist() == [number / 4, -1.5]
    assert result.traces == [{"features": features, "doubled": doubled(features), "total": total(features)}]
    assert result.layer_instructions["front_end"] > 16


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 8, 13, 1000, 1_000_003])
def test_instruction_counts_are_exact(elf: Path, count: int) -> None:
    """Each turn of the layer's loop is two instructions; nothing else may change, whatever the counter's phase."""
    base = emulate.run(elf, [command(".", 0)])
    result = emulate.run(elf, [command(".", count)])
    assert result.layer_instructions["work"] - base.layer_instructions["work"] == 2 * count
    assert result.layer_instructions["sum"] == base.layer_instructions["sum"]
    assert result.instructions - base.instructions == 2 * count


def test_counts_add_up(elf: Path) -> None:
    result = emulate.run(elf, [command(".", 100)])
    assert list(result.layer_instructions) == ["front_end", "work", "sum"]
    assert result.layer_instructions["front_end"] == 0
    between = result.instructions - sum(result.layer_instructions.values())
    assert 0 < between < 60


def test_initialisation_is_counted_apart(elf: Path) -> None:
    result = emulate.run(elf, [command(".", 100)])
    assert 2 * 500 < result.init_instructions < 2 * 500 + 10
    assert result.instructions < 1000


def test_runs_are_deterministic_and_tracing_changes_no_count(elf: Path) -> None:
    first, second = emulate.run(elf, [command()]), emulate.run(elf, [command()])
    assert first == second
    traced = emulate.run(elf, [command(), command()], trace=True)
    assert (traced.layer_instructions, traced.instructions) == (first.layer_instructions, first.instructions)
    assert (traced.stack_bytes, traced.region_bytes) == (first.stack_bytes, first.region_bytes)


def test_stack_high_water_follows_the_recursion(elf: Path) -> None:
    shallow, deep = (emulate.run(elf, [command("k", depth)]).stack_bytes for depth in (10, 20))
    assert shallow > 10 * 64
    frame, rest = divmod(deep - shallow, 10)
    assert rest == 0
    assert 64 < frame <= 96


def test_region_high_water(elf: Path) -> None:
    """The model writes 32 bytes of its 64 in the first region, 4 in the second; the pattern equals neither."""
    assert emulate.run(elf, [command()]).region_bytes == {"dtcm": 32, "axi": 4}


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("e", r"memory that is not allowed, 0 bytes behind the end of dtcm: 0x20020000, in misbehave"),
        ("g", r"memory that is not allowed, 8 bytes behind the end of sram123: 0x60148008, in misbehave"),
        ("n", r"null pointer, at 0x00000004, in misbehave"),
        ("m", r"null pointer, at 0x00000008, in misbehave"),
        ("f", r"write to flash at 0x0000[0-9a-f]{4}, in misbehave"),
        ("p", r"memory that is not allowed: 0x40010000, in misbehave"),
        ("c", r"write to itcm at 0x0030[0-9a-f]{4}, in misbehave"),
        ("x", r"jump to memory that is not executable, called from run"),
        ("j", r"jump to memory that is not executable, called from run"),
        ("s", r"stack overflow by [0-9]{2,3} bytes, in or below recurse"),
        ("S", r"stack overflow by 6[0-9],[0-9]{3} bytes"),
        ("d", r"division by zero, in misbehave"),
        ("u", r"undefined instruction, in misbehave"),
        ("t", r"jump to an address that is not Thumb code"),
        ("v", r"return from an exception to nowhere"),
        ("V", r"return from an exception through a stack that cannot be read"),
        ("b", r"vector table that cannot be read, in "),
        ("L", r"locked up where no fault can be handled, in misbehave"),
    ],
)
def test_faults_are_recognised(elf: Path, what: str, message: str) -> None:
    with pytest.raises(ToolError, match=f"probe-emulator.elf faulted: .*{message}"):
        emulate.run(elf, [command(what)])


def test_fault_message_shows_the_registers(elf: Path) -> None:
    with pytest.raises(ToolError) as caught:
        emulate.run(elf, [command("n")])
    for register in ("pc=0x", "lr=0x", "cfsr=0x00000082", "r12=0x", "address=0x00000004"):
        assert register in caught.value.message


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("q", "ended without PASS, with status 3"),
        ("z", "ended without PASS, with status 0"),
        ("r", "probe-emulator.elf: the model returned an error"),
        ("i", "depends on memory that the model did not write"),
    ],
)
def test_other_failures_are_recognised(elf: Path, what: str, message: str) -> None:
    with pytest.raises(ToolError, match=message):
        emulate.run(elf, [command(what)])


def test_failure_on_a_later_input_is_recognised(elf: Path) -> None:
    with pytest.raises(ToolError, match="null pointer"):
        emulate.run(elf, [command(), command("n")])


def test_timeout_shows_the_console(elf: Path) -> None:
    with pytest.raises(ToolError, match=r"did not finish within 1 s\n  \| probe"):
        emulate.run(elf, [command("l")], timeout_s=1)


def test_input_of_the_wrong_size(elf: Path) -> None:
    with pytest.raises(ToolError, match="do not have the size that the model takes"):
        emulate.run(elf, [bytes(15)])


def test_image_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        emulate.run(tmp_path / "absent.elf", [command()])


def test_missing_qemu_says_how_to_get_it(elf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ToolError, match="qemu-system-arm is missing") as caught:
        emulate.run(elf, [command()])
    assert caught.value.hint is not None
    assert "apt install qemu-system-arm" in caught.value.hint


def test_results_cut_short_are_refused(elf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = runner._Job.results
    monkeypatch.setattr(runner._Job, "results", lambda job: whole(job)[:-5])
    with pytest.raises(ToolError, match="results cannot be read: a record's header is cut off"):
        emulate.run(elf, [command()])


def test_many_inputs_are_shared_among_processors(elf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner.os, "cpu_count", lambda: 3)
    inputs = [command("A", i) for i in range(13)]
    seen: list[tuple[int, int]] = []
    result = emulate.run(elf, inputs, trace=True, progress=lambda done, total: seen.append((done, total)))
    assert result.outputs == [total(data) for data in inputs]
    assert [trace["doubled"] for trace in result.traces] == [doubled(data) for data in inputs]
    alone = emulate.run(elf, inputs[:1], trace=True)
    assert (result.instructions, result.layer_instructions) == (alone.instructions, alone.layer_instructions)
    assert (result.stack_bytes, result.region_bytes) == (alone.stack_bytes, alone.region_bytes)
    assert seen == sorted(seen)
    assert seen[-1] == (13, 13)


def test_fault_in_any_share_is_recognised(elf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner.os, "cpu_count", lambda: 2)
    with pytest.raises(ToolError, match="null pointer"):
        emulate.run(elf, [command()] * 7 + [command("n")])


def test_make_emulate_runs_on_zeros(project: Path, elf: Path) -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "-C", str(project), "emulate"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    assert done.stdout.endswith("  inputs 1\nPASS\n")
    assert "layer front_end" in done.stdout


@pytest.mark.parametrize("board", ["nucleo-h743zi", "mps2-an500"])
def test_other_boards_run_too(tmp_path: Path, board: str) -> None:
    require_tools("arm-none-eabi-gcc", "make", "qemu-system-arm")
    image = build.build(write_project(tmp_path, board)).emulator_elf
    assert emulate.run(image, [command()]).outputs == [total(command())]


def test_demonstration_runs_on_the_emulated_board(tmp_path: Path) -> None:
    """The application for real boards, on the one real board that QEMU has: a line per second of its clock."""
    require_tools("arm-none-eabi-gcc", "make", "qemu-system-arm")
    image = build.build(write_project(tmp_path, "mps2-an500")).board_elf
    arguments = ["-M", "mps2-an500", "-nographic", "-monitor", "none", "-serial", "stdio", "-icount", "shift=6"]
    with subprocess.Popen(
        ["qemu-system-arm", *arguments, "-kernel", str(image)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        process.kill()
    tone = bytes(byte for sample in (0, 0x2D41, 0x4000, 0x2D41) for byte in [sample >> 8])
    tone += bytes([0, 0xD2, 0xC0, 0xD2])
    (number,) = struct.unpack("<H", total(tone * 2)[:2])
    assert lines[0] == "probe\n"
    for line in lines[1:]:
        time, unit, *values = line.split()
        assert 0 < float(time) < 1
        assert unit == "ms:"
        assert values == [f"{number / 4:.4f}", "-1.5000"]


@pytest.fixture(scope="module")
def host_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_tools("cc", "make")
    folder = write_project(tmp_path_factory.mktemp("host"))
    subprocess.run(
        ["make", "-C", str(folder), "host", "SANITIZE=-fsanitize=address,undefined -fno-sanitize-recover"],
        check=True,
        capture_output=True,
    )
    return folder / "build" / "probe-host"


def test_host_gives_the_same_results(elf: Path, host_program: Path) -> None:
    inputs = [command(".", count) for count in (1, 77)]
    emulated, host = emulate.run(elf, inputs, trace=True), emulate.run_host(host_program, inputs, trace=True)
    assert (host.outputs, host.traces) == (emulated.outputs, emulated.traces)
    assert host.region_bytes == emulated.region_bytes
    assert host.instructions == 0


def test_sanitizers_on_the_host_fail_the_run(host_program: Path) -> None:
    with pytest.raises(ToolError, match=r"probe-host: app/binding.c:\d+:\d+: runtime error: index 64 out of bounds"):
        emulate.run_host(host_program, [command("o")])
