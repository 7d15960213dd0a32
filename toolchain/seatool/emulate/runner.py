"""Run a built image with inputs: in QEMU, or the host's build of the same harness as a plain program."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from seatool.boards.machines import MPS2_AN500
from seatool.build import tools
from seatool.emulate import faults, records
from seatool.emulate.records import Result
from seatool.errors import InputError, ToolError

REQUEST, RESULTS, CONSOLE = "request.bin", "results.bin", "console.txt"
_START_S, _PER_INPUT_S = 60.0, 30.0
_POLL_S = 0.02
_INPUTS_PER_JOB = 4
_CONSOLE_LINES = 8
_COMPLAINT = re.compile(r"(?:^FAIL |ERROR: |(?=\S+ runtime error: ))(?P<what>.+)")
"""What the harness says when a test fails, and the host's sanitizers."""

Progress = Callable[[int, int], None]
"""Called with the number of inputs done and of all inputs."""


def run(
    elf: Path,
    inputs: Sequence[bytes],
    *,
    pcm: bool = False,
    trace: bool = False,
    sequence: bool = False,
    options: Sequence[str] = (),
    timeout_s: float | None = None,
    progress: Progress | None = None,
) -> Result:
    """Run the emulator image ``elf`` on each of ``inputs``; many are shared among the processors, unless in a sequence.

    Args:
        elf: An image with the test harness (``Built.emulator_elf``).
        inputs: Per inference the input tensors one after the other, or with ``pcm`` the samples as int16.
        pcm: Start at the audio front end and give embeddings as float32.
        trace: Also return every tensor after its layer.
        sequence: What the model keeps of one input meets the next, as in a model with states it has to.
        options: Further options of QEMU.
        timeout_s: Wall-clock limit for all inputs together; default: a minute and half a minute per input.
        progress: Told how many inputs are done.

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
        *("-kernel", str(elf.resolve()), *options),
    ]
    return _run(command, elf, _Work(tuple(inputs), pcm, trace, sequence), timeout_s, progress)


def run_host(
    program: Path,
    inputs: Sequence[bytes],
    *,
    pcm: bool = False,
    trace: bool = False,
    sequence: bool = False,
    timeout_s: float | None = None,
    progress: Progress | None = None,
) -> Result:
    """As :func:`run`, with the program that ``make host`` builds. Nothing is counted; sanitizers work."""
    command = [str(program.resolve()), REQUEST, RESULTS]
    return _run(command, program, _Work(tuple(inputs), pcm, trace, sequence), timeout_s, progress)


@dataclass(frozen=True)
class _Work:
    inputs: tuple[bytes, ...]
    pcm: bool
    trace: bool
    sequence: bool

    def shares(self) -> Iterator[tuple[bytes, ...]]:
        """The inputs in as many runs as are worth it."""
        processors = 1 if self.sequence else os.cpu_count() or 1
        count = max(1, min(processors, len(self.inputs) // _INPUTS_PER_JOB))
        for i in range(count):
            yield self.inputs[len(self.inputs) * i // count : len(self.inputs) * (i + 1) // count]


@dataclass(frozen=True)
class _Job:
    """A running program and the folder of its files."""

    process: subprocess.Popen[bytes]
    folder: Path

    def console(self) -> str:
        return (self.folder / CONSOLE).read_bytes().decode("utf-8", "replace").replace("\r\n", "\n")

    def results(self) -> bytes:
        file = self.folder / RESULTS
        return file.read_bytes() if file.is_file() else b""


def _run(
    command: Sequence[str], image: Path, work: _Work, timeout_s: float | None, progress: Progress | None
) -> Result:
    limit = _START_S + _PER_INPUT_S * len(work.inputs) if timeout_s is None else timeout_s
    with ExitStack() as stack:
        jobs = []
        for index, share in enumerate(work.shares()):
            request = records.request(share, pcm=work.pcm, trace=work.trace, measure=index == 0)
            jobs.append(stack.enter_context(_started(command, request)))
        _wait(jobs, image, limit, len(work.inputs), progress)
        return records.merge([_result(job, image, work.trace) for job in jobs])


@contextmanager
def _started(command: Sequence[str], request: bytes) -> Iterator[_Job]:
    """A job that ends with the context, whatever happens."""
    with tempfile.TemporaryDirectory(prefix="seatool-") as name:
        folder = Path(name)
        (folder / REQUEST).write_bytes(request)
        with (folder / CONSOLE).open("wb") as console:
            try:
                process = subprocess.Popen(
                    command,
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=console,
                    stderr=subprocess.STDOUT,
                    env=tools.environment(),
                )
            except OSError as error:
                raise ToolError(f"{command[0]} cannot be run: {error.strerror}") from None
            try:
                yield _Job(process, folder)
            finally:
                process.kill()
                process.wait()


def _wait(jobs: Sequence[_Job], image: Path, limit_s: float, inputs: int, progress: Progress | None) -> None:
    """Until all jobs have ended; ToolError when the time is up."""
    deadline = time.monotonic() + limit_s
    watched = [records.Counter(job.folder / RESULTS) for job in jobs]
    while any(job.process.poll() is None for job in jobs):
        if time.monotonic() > deadline:
            stuck = next(job for job in jobs if job.process.poll() is None)
            raise ToolError(f"{image.name} did not finish within {limit_s:g} s{_tail(stuck.console())}")
        time.sleep(_POLL_S)
        if progress is not None:
            progress(sum(counter.outputs() for counter in watched), inputs)


def _result(job: _Job, image: Path, trace: bool) -> Result:
    """The results, if everything says that the run passed: its status, its PASS line, and a complete file."""
    console, status = job.console(), job.process.returncode
    lines = console.split("\n")
    if status == 0 and "PASS" in lines:
        try:
            return records.parse(job.results(), console, trace=trace)
        except ValueError as error:
            raise ToolError(f"{image.name}: the results cannot be read: {error}") from None
    fault = faults.describe(console, image)
    if fault is not None:
        raise ToolError(f"{image.name} faulted: {fault}{_tail(console)}")
    complaint = next(filter(None, map(_COMPLAINT.search, lines)), None)
    if complaint is not None:
        raise ToolError(f"{image.name}: {complaint['what']}")
    raise ToolError(f"{image.name} ended without PASS, with status {status}{_tail(console)}")


def _tail(console: str) -> str:
    """The last lines of the console, for a message."""
    lines = [line for line in console.splitlines() if line.strip()][-_CONSOLE_LINES:]
    return "".join(f"\n  | {line}" for line in lines)
