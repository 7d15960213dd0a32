"""The test harness's files: the request it reads and the records it writes (see ``firmware/app/harness.c``)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from pathlib import Path

_REQUEST = struct.Struct("<4I")
_RECORD = struct.Struct("<3I")
_MAGIC = 0x51414553
_PCM, _TRACE, _MEASURE = 1, 2, 4


class Record(IntEnum):
    """Kinds of records."""

    LAYER = 1
    TOTAL = 2
    REGION = 3
    TENSOR = 4
    TRACE = 5
    OUTPUT = 6
    END = 7
    ARENA = 8
    START = 9


@dataclass(frozen=True)
class Result:
    """What a run of the test harness gave.

    Attributes:
        outputs: Per input the model's output: its output tensors one after the other; for PCM, the float32 embedding.
        traces: Per input every traced tensor by name, as it was when its layer had run; empty without ``trace``.
        layer_instructions: Instructions of each layer on the first input, in order; 0 on the host.
        init_instructions: Instructions before the first inference; 0 on the host.
        instructions: Instructions of the whole inference on the first input; 0 on the host.
        stack_bytes: Stack that the inference of the first input used; 0 on the host.
        region_bytes: Highest byte that the first inference wrote in the model's block of each region, plus one.
        arena_bytes: What of an interpreter's arena is in use; 0 for a compiled model.
        console: What the firmware printed.
    """

    outputs: list[bytes] = field(default_factory=list)
    traces: list[dict[str, bytes]] = field(default_factory=list)
    layer_instructions: dict[str, int] = field(default_factory=dict)
    init_instructions: int = 0
    instructions: int = 0
    stack_bytes: int = 0
    region_bytes: dict[str, int] = field(default_factory=dict)
    arena_bytes: int = 0
    console: str = ""


def request(inputs: Sequence[bytes], *, pcm: bool, trace: bool, measure: bool) -> bytes:
    """The request file. All inputs have the same size, which the harness compares with the model's."""
    if not inputs:
        raise ValueError("a run needs at least one input")
    sizes = {len(data) for data in inputs}
    if len(sizes) > 1:
        raise ValueError(f"inputs of different sizes: {sorted(sizes)} bytes")
    flags = _PCM * pcm | _TRACE * trace | _MEASURE * measure
    return _REQUEST.pack(_MAGIC, flags, len(inputs), sizes.pop()) + b"".join(inputs)


def parse(data: bytes, console: str, *, trace: bool) -> Result:
    """The results file as a Result; ValueError where it is not complete."""
    result = Result(console=console)
    tensors: list[str] = []
    traced: dict[str, bytes] = {}
    complete = False
    for kind, index, payload in _records(data):
        if kind is Record.LAYER:
            result.layer_instructions[payload[8:].decode()] = int.from_bytes(payload[:8], "little")
        elif kind is Record.START:
            result = replace(result, init_instructions=int.from_bytes(payload, "little"))
        elif kind is Record.TOTAL:
            instructions, stack_bytes = struct.unpack("<QI", payload)
            result = replace(result, instructions=instructions, stack_bytes=stack_bytes)
        elif kind is Record.REGION:
            result.region_bytes[payload[4:].decode()] = int.from_bytes(payload[:4], "little")
        elif kind is Record.ARENA:
            result = replace(result, arena_bytes=int.from_bytes(payload, "little"))
        elif kind is Record.TENSOR:
            tensors.append(payload.decode())
        elif kind is Record.TRACE:
            traced[tensors[index]] = payload
        elif kind is Record.OUTPUT:
            result.outputs.append(payload)
            if trace:
                result.traces.append(traced)
                traced = {}
        else:
            complete = index == len(result.outputs)
    if not complete:
        raise ValueError("they end early")
    return result


def merge(results: Sequence[Result]) -> Result:
    """Runs over consecutive shares of the inputs as one; the first is the one that measured."""
    return replace(
        results[0],
        outputs=[output for result in results for output in result.outputs],
        traces=[trace for result in results for trace in result.traces],
    )


class Counter:
    """How many outputs a results file holds while it is still being written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self._outputs = 0

    def outputs(self) -> int:
        """Outputs whose record has begun; reads only the headers that are new."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                while len(header := file.read(_RECORD.size)) == _RECORD.size:
                    kind, _, size = _RECORD.unpack(header)
                    self._outputs += kind == Record.OUTPUT
                    self._at += _RECORD.size + size
                    file.seek(self._at)
        except FileNotFoundError:
            pass  # the firmware has not opened it yet
        return self._outputs


def _records(data: bytes) -> Iterator[tuple[Record, int, bytes]]:
    at = 0
    while at < len(data):
        if at + _RECORD.size > len(data):
            raise ValueError("a record's header is cut off")
        kind, index, size = _RECORD.unpack_from(data, at)
        at += _RECORD.size
        if at + size > len(data):
            raise ValueError("a record's payload is cut off")
        yield Record(kind), index, data[at : at + size]
        at += size
