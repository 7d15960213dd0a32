"""Foreign code that may crash, hang or fill the memory, in a process of its own.

A *service* is a generator function ``serve(requests)`` that takes :class:`Message` objects and yields one answer to
each. :class:`Worker` runs it in a fresh Python interpreter. Messages travel over pipes as a JSON header and the raw
bytes of arrays; nothing in them is executed. The parent may have threads, any ``__main__`` or none.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import math
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from seatool.errors import SeatoolError, ToolError
from seatool.ir import Array

Service = Callable[[Iterator["Message"]], Iterator["Message"]]

_LENGTH = struct.Struct("<Q")
_START = (
    "import json, sys; job = json.loads(sys.argv[1]); sys.path[:] = job['path']; "
    "from seatool.isolate import run_service; run_service(job['service'], job['limits'])"
)
_LAST_WORDS_BYTES = 4000
_FAREWELL_S = 30.0


@dataclass(frozen=True)
class Message:
    """A request or an answer. ``fields``: anything that JSON can hold. ``arrays``: numbers of any shape."""

    fields: dict[str, Any] = field(default_factory=dict)
    arrays: Sequence[Array] = ()


@dataclass(frozen=True)
class Limits:
    """What a service may use; None: as much as it likes.

    Attributes:
        cpu_s: Processor time over the whole life of the process, in seconds. A busy machine does not shorten it.
        memory_bytes: Address space.
        answer_s: Wall-clock time of one answer in seconds, for code that waits instead of computing.
    """

    cpu_s: int | None = None
    memory_bytes: int | None = None
    answer_s: float | None = None


class ProcessDiedError(Exception):
    """The service's process ended without an answer.

    Attributes:
        reason: In words, behind "the process": "was ended by SIGSEGV".
        said: The end of what it wrote to standard error.
    """

    def __init__(self, reason: str, said: str) -> None:
        super().__init__(reason, said)
        self.reason = reason
        self.said = said

    def __str__(self) -> str:
        return "\n".join(filter(None, [f"the process {self.reason}", self.said]))


class Worker:
    """A process that runs one service until :meth:`close`, which also happens when this object is forgotten.

    Args:
        service: "module:function".
        limits: What it may use.

    Raises:
        ToolError: The Python interpreter cannot be started.
    """

    def __init__(self, service: str, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._expired = False
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
        # The package's own folder last: sys.path may hold "", and the working directory may have changed since.
        path = [*sys.path, str(Path(__file__).parents[1])]
        job = {"path": path, "service": service, "limits": asdict(self._limits)}
        try:
            self._process = subprocess.Popen(
                [sys.executable or "", "-P", "-c", _START, json.dumps(job)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            )
        except (OSError, ValueError) as error:
            self._log.close()
            raise ToolError(f"cannot start Python ({sys.executable or 'unknown path'}): {error}") from error
        self.close = weakref.finalize(self, _end, self._process, self._log)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def call(self, request: Message) -> Message:
        """The answer to ``request``. After any error the worker is of no more use.

        Raises:
            SeatoolError: The one that the service raised.
            ProcessDiedError: The process crashed, reached a limit, or failed in another way.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        timer = threading.Timer(self._limits.answer_s or 0, self._expire)
        timer.daemon = True
        if self._limits.answer_s is not None:
            timer.start()
        try:
            _write(self._process.stdin, request)
            answer = _read(self._process.stdout)
        except (BrokenPipeError, EOFError):
            raise self._died() from None
        finally:
            timer.cancel()
        if "error" in answer.fields:
            raise _error(answer.fields["error"], self._limits, self.said())
        return answer

    def said(self) -> str:
        """The end of what the process has written to standard error."""
        self._log.seek(max(0, self._log.seek(0, os.SEEK_END) - _LAST_WORDS_BYTES))
        return self._log.read().decode(errors="replace").strip()

    def _expire(self) -> None:
        self._expired = True
        self._process.kill()

    def _died(self) -> ProcessDiedError:
        try:
            code = self._process.wait(_FAREWELL_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if self._expired:
            reason = f"gave no answer within {self._limits.answer_s:g} s"
        elif code == -signal.SIGXCPU:
            reason = f"used more than {self._limits.cpu_s} s of processor time"
        elif code < 0:
            reason = f"was ended by {signal.Signals(-code).name}"
        else:
            reason = f"ended with exit code {code}"
        return ProcessDiedError(reason, self.said())


def _end(process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, log):
        with contextlib.suppress(BrokenPipeError):  # what was not written yet
            stream.close()  # type: ignore[union-attr]


def _error(raised: dict[str, str], limits: Limits, said: str) -> Exception:
    kinds = {kind.__name__: kind for kind in SeatoolError.__subclasses__()}
    if raised["kind"] in kinds:
        return kinds[raised["kind"]](raised["message"], raised["hint"])
    limit = "" if limits.memory_bytes is None else f" ({limits.memory_bytes >> 20} MB allowed)"
    return ProcessDiedError(f"ran out of memory{limit}", said)


def _write(stream: IO[bytes], message: Message) -> None:
    arrays = [np.asarray(array) for array in message.arrays]
    header = json.dumps([message.fields, [[array.dtype.str, array.shape] for array in arrays]]).encode()
    stream.write(_LENGTH.pack(len(header)) + header)
    for array in arrays:
        stream.write(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    stream.flush()


def _read(stream: IO[bytes]) -> Message:
    """The next message; EOFError when there is none or not all of it."""
    (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    fields, layout = json.loads(_exactly(stream, length))
    arrays = []
    for code, shape in layout:
        dtype = np.dtype(code)
        raw = _exactly(stream, dtype.itemsize * math.prod(shape))
        arrays.append(np.frombuffer(raw, dtype).reshape(shape))
    return Message(fields, arrays)


def _exactly(stream: IO[bytes], count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data


def run_service(service: str, limits: dict[str, Any]) -> None:
    """What a worker's process does: answer requests until standard input ends or an error was the answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when we end
    _restrict(Limits(**limits))
    # Whatever the service's libraries print goes to standard error: standard output belongs to the answers.
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    module, function = service.split(":")
    try:
        serve: Service = getattr(importlib.import_module(module), function)
        for answer in serve(_requests(requests)):
            _write(answers, answer)
    except (SeatoolError, MemoryError) as error:
        message, hint = getattr(error, "message", ""), getattr(error, "hint", None)
        _write(answers, Message({"error": {"kind": type(error).__name__, "message": message, "hint": hint}}))
    except BrokenPipeError:
        os._exit(1)  # the parent has gone; closing the stream would raise again


def _requests(stream: IO[bytes]) -> Iterator[Message]:
    while True:
        try:
            request = _read(stream)
        except EOFError:
            return
        yield request


def _restrict(limits: Limits) -> None:
    import resource

    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: limits.cpu_s,
        resource.RLIMIT_AS: limits.memory_bytes,
    }
    for kind, value in wanted.items():
        _, most = resource.getrlimit(kind)
        if value is not None:
            soft = value if most == resource.RLIM_INFINITY else min(value, most)
            resource.setrlimit(kind, (soft, most))
