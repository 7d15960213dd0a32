"""What TFLM's recording allocator on this machine sees when a model's tensors are allocated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from tflite_micro.python.tflite_micro import runtime

from seatool.errors import ToolError
from seatool.isolate import Message, ProcessDiedError, Worker
from seatool.tflm.reference import tflm_errors

_TOTAL = re.compile(r"Arena allocation (head|tail) (\d+) bytes")
_ITEM = re.compile(r"'([^']+)' used (\d+) bytes .* for (\d+) ")


@dataclass(frozen=True)
class Item:
    """Allocations of one kind: bytes they take, alignment included, and how many objects they hold."""

    bytes: int = 0
    count: int = 0


@dataclass(frozen=True)
class Allocations:
    """Use of the arena on this machine, in bytes.

    ``head`` is TFLM's plan of tensors and operators' scratch; ``tail`` everything that stays: among it ``eval_tensors``
    and ``nodes``, structures per tensor and per operator, and the two ``tensors`` of the interface.
    """

    head: int
    tail: int
    eval_tensors: Item = Item()
    nodes: Item = Item()
    tensors: Item = Item()

    @property
    def total(self) -> int:
        return self.head + self.tail


def allocations(model: bytes, arena_bytes: int) -> Allocations:
    """Allocate the tensors of ``model`` (a .tflite file's bytes) in an arena of ``arena_bytes``.

    Raises ToolError where TFLM refuses the model or crashes; the message holds what TFLM said.
    """
    with Worker(f"{__name__}:serve") as worker:
        try:
            worker.call(Message({"arena_bytes": arena_bytes}, [np.frombuffer(model, np.uint8)]))
        except ToolError as error:
            raise ToolError("\n".join(filter(None, [error.message, worker.said()])), error.hint) from error
        except ProcessDiedError as died:
            raise ToolError(f"TFLM crashed while it allocated this model's tensors: {died}") from died
        return parse(worker.said())


def serve(requests: Iterator[Message]) -> Iterator[Message]:
    """The service behind :func:`allocations`: TFLM reports to standard error."""
    for request in requests:
        with tflm_errors():
            model, arena_bytes = request.arrays[0].tobytes(), request.fields["arena_bytes"]
            runtime.Interpreter.from_bytes(model, arena_size=arena_bytes).print_allocations()
        yield Message()


def parse(text: str) -> Allocations:
    """The report of ``RecordingMicroAllocator::PrintAllocations``; ToolError where it is not in the known form."""
    totals = {name: int(count) for name, count in _TOTAL.findall(text)}
    if set(totals) != {"head", "tail"}:
        raise ToolError(
            "the report of TFLM's recording allocator cannot be read", "install the tflite-micro that seatool asks for"
        )
    items = {name: Item(int(size), int(count)) for name, size, count in _ITEM.findall(text)}
    return Allocations(
        totals["head"],
        totals["tail"],
        items.get("TfLiteEvalTensor data", Item()),
        items.get("NodeAndRegistration struct", Item()),
        items.get("Persistent TfLiteTensor data", Item()),
    )
