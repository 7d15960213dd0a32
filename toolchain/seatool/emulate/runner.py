"""Run a built image with inputs: in QEMU, or the host's build of the same harness as a plain program."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seatool.boards.machines import MPS2_AN500
from seatool.build import tools
from seatool.emulate import faults, records
from seatool.emulate.records import Result
from seatool.errors import InputError, ToolError

REQUEST, RESULTS = "request.bin", "results.bin"
TIMEOUT_S = 120.0
_CONSOLE_LINES = 8


@dataclass(frozen=True)
class _Finished:
    status: int
    console: str
    results: bytes


def run(
    elf: Path, inputs: Sequence[bytes], *, pcm: bool = False, trace: bool = False, timeout_s: float = TIMEOUT_S
) -> Result:
    """Run the emulator image ``elf`` on each of ``inputs``.

    Args:
        elf: An image with the test harness (``Built.emulator_elf``).
        inputs: Per inference the input tensors one after the other, or with ``pcm`` the samples as int16.
        pcm: Start at the audio front end and give embeddings as float32.
        trace: Also return every tensor after its layer.
        timeout_s: Wall-clock limit for all inputs together.

    Raises:
        ToolError: QEMU is missing, the time is up, the firmware faulted or its harness reports a failure.
    """
    if not elf.is_file():
        raise InputError(f"{elf}: there is no such file", "build the project first")
    command = [
        str(tools.require("qemu-system-arm")),
        *("-M", MPS2_AN500.name, "-nographic", "-monitor", "none", "-serial", "stdio"),
        *("-semihosting-config", "enable=on,target=native"),
        # One instruction takes 2^6 ns of virtual time, so the machine's 25 MHz counter counts instructions exactly.
        *("-icount", "shift=6,sleep=off"),
        *("-kernel", str(elf.resolve())),
    ]
    finished = _execute(command, records.request(inputs, pcm=pcm, trace=trace), timeout_s, elf)
    return _result(finished, elf, trace)


def run_host(
    program: Path, inputs: Sequence[bytes], *, pcm: bool = False, trace: bool = False, timeout_s: float = TIMEOUT_S
) -> Result:
    """As :func:`run`, with the program that ``make host`` builds. Nothing is counted; sanitizers work."""
    command = [str(program.resolve()), REQUEST, RESULTS]
    finished = _execute(command, records.request(inputs, pcm=pcm, trace=trace), timeout_s, program)
    return _result(finished, program, trace)


def _execute(command: Sequence[str], request: bytes, timeout_s: float, image: Path) -> _Finished:
    with tempfile.TemporaryDirectory(prefix="seatool-") as name:
        folder = Path(name)
        (folder / REQUEST).write_bytes(request)
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=timeout_s,
                env=tools.environment(),
            )
        except subprocess.TimeoutExpired as expired:
            console = (expired.stdout or b"").decode("utf-8", "replace")
            raise ToolError(f"{image.name} did not finish within {timeout_s:g} s{_tail(console)}") from None
        except OSError as error:
            raise ToolError(f"{command[0]} cannot be run: {error.strerror}") from None
        results = folder / RESULTS
        data = results.read_bytes() if results.is_file() else b""
    return _Finished(done.returncode, done.stdout.decode("utf-8", "replace").replace("\r\n", "\n"), data)


def _result(finished: _Finished, image: Path, trace: bool) -> Result:
    """The results, if everything says that the run passed: its status, its last line, and a complete file."""
    lines = finished.console.split("\n")
    if finished.status == 0 and "PASS" in lines:
        try:
            return records.parse(finished.results, finished.console, trace=trace)
        except ValueError as error:
            raise ToolError(f"{image.name}: the results cannot be read: {error}") from None
    fault = faults.describe(finished.console, image)
    if fault is not None:
        raise ToolError(f"{image.name} faulted: {fault}{_tail(finished.console)}")
    if "Lockup" in finished.console:
        raise ToolError(f"{image.name} locked up: a fault inside the fault handler{_tail(finished.console)}")
    failure = next((line for line in lines if line.startswith("FAIL ")), None)
    if failure is not None:
        raise ToolError(f"{image.name}: {failure.removeprefix('FAIL ')}")
    raise ToolError(f"{image.name} ended without PASS, with status {finished.status}{_tail(finished.console)}")


def _tail(console: str) -> str:
    """The last lines of the console, for a message."""
    lines = [line for line in console.splitlines() if line.strip()][-_CONSOLE_LINES:]
    return "".join(f"\n  | {line}" for line in lines)
