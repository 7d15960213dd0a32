"""The test harness's files: the request it reads and the records it writes (see ``firmware/app/harness.c``)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

_REQUEST = struct.Struct("<4I")
_RECORD = struct.Struct("<3I")
_MAGIC = 0x51414553
_PCM, _TRACE = 1, 2


class Record(IntEnum):
    """Kinds of records."""

    LAYER = 1
    TOTAL = 2
    REGION = 3
    TENSOR = 4
    TRACE = 5
    OUTPUT = 6
    END = 7


@dataclass(frozen=True)
class Result:
    """What a run of the test harness gave.

    Attributes:
        outputs: Per input the model's output: its output tensors one after the other; for PCM, the float32 embedding.
        traces: Per input every traced tensor by name, as it was when its layer had run; empty without ``trace``.
        layer_instructions: Instructions of each layer on the first input, in order; 0 on the host.
        instructions: Instructions of the whole inference on the first input; 0 on the host.
        stack_bytes: Stack that the inference of the first input used; 0 on the host.
        region_bytes: Highest byte that the first inference wrote in the model's block of each region, plus one.
        console: What the firmware printed.
    """

    outputs: list[bytes]
    traces: list[dict[str, bytes]]
    layer_instructions: dict[str, int]
    instructions: int
    stack_bytes: int
    region_bytes: dict[str, int]
    console: str


def request(inputs: Sequence[bytes], *, pcm: bool, trace: bool) -> bytes:
    """The request file. All inputs have the same size, which the harness compares with the model's."""
    if not inputs:
        raise ValueError("a run needs at least one input")
    sizes = {len(data) for data in inputs}
    if len(sizes) > 1:
        raise ValueError(f"inputs of different sizes: {sorted(sizes)} bytes")
    flags = (_PCM if pcm else 0) | (_TRACE if trace else 0)
    return _REQUEST.pack(_MAGIC, flags, len(inputs), sizes.pop()) + b"".join(inputs)


def parse(data: bytes, console: str, *, trace: bool) -> Result:
    """The results file as a Result; ValueError where it is not complete."""
    result = Result([], [], {}, 0, 0, {}, console)
    instructions = stack_bytes = 0
    tensors: list[str] = []
    traced: dict[str, bytes] = {}
    complete = False
    for kind, index, payload in _records(data):
        if kind is Record.LAYER:
            result.layer_instructions[payload[8:].decode()] = int.from_bytes(payload[:8], "little")
        elif kind is Record.TOTAL:
            instructions, stack_bytes = struct.unpack("<QI", payload)
        elif kind is Record.REGION:
            result.region_bytes[payload[4:].decode()] = int.from_bytes(payload[:4], "little")
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
        raise ValueError("the results end early")
    return Result(
        result.outputs,
        result.traces,
        result.layer_instructions,
        instructions,
        stack_bytes,
        result.region_bytes,
        console,
    )


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
