"""TFLM's plan of the arena's head: which buffers there are, when they live, and how much room they take together.

Source: TFLM, micro_allocation_info.cc and memory_planner/greedy_memory_planner.cc.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from seatool.importers.tflite.records import RawModel, RawOp
from seatool.rounding import round_up

ALIGNMENT = 16
"""Of every buffer in the arena, in bytes."""


class Buffer(NamedTuple):
    """``bytes``, rounded up to the alignment, are needed from the moment ``first`` to the moment ``last``."""

    bytes: int
    first: int
    last: int


def aligned(count: int, alignment: int = ALIGNMENT) -> int:
    """``count`` rounded up.

    >>> aligned(17), aligned(16), aligned(5, 4)
    (32, 16, 8)
    """
    return round_up(count, alignment)


def tensors(model: RawModel) -> list[Buffer]:
    """A buffer for every tensor that TFLM has to compute or be given; operator i runs at the moment i + 1."""
    last = dict.fromkeys(model.inputs, 0)
    first = dict(last)
    for op in model.ops:
        for index in op.outputs:
            first.setdefault(index, op.index + 1)
        for index in (*op.inputs, *op.outputs):
            last[index] = op.index + 1
    for index in model.outputs:
        last[index] = len(model.ops)
    computed = [tensor for tensor in model.tensors if not (tensor.stored or tensor.is_variable) and tensor.bytes]
    return [Buffer(aligned(t.bytes), first.get(t.index, -1), last.get(t.index, -1)) for t in computed]


def scratch(op: RawOp, sizes: Iterable[int]) -> list[Buffer]:
    """Buffers of ``sizes`` bytes that ``op`` asks for while it runs."""
    return [Buffer(aligned(size), op.index + 1, op.index + 1) for size in sizes]


def alive_at_once(buffers: Sequence[Buffer]) -> int:
    """The most bytes that live at the same time: no plan can use less.

    >>> alive_at_once([Buffer(64, 0, 1), Buffer(32, 1, 2), Buffer(64, 2, 3)])
    96
    """
    moments = {buffer.first for buffer in buffers}
    return max((sum(b.bytes for b in buffers if b.first <= moment <= b.last) for moment in moments), default=0)


def greedy(buffers: Sequence[Buffer]) -> int:
    """Bytes of TFLM's greedy plan: the largest buffer first, each in the first gap among those alive with it.

    >>> greedy([Buffer(64, 0, 1), Buffer(32, 1, 2), Buffer(64, 2, 3), Buffer(16, 1, 1)])
    112
    """
    placed: list[tuple[int, Buffer]] = []
    last_first = buffers[::-1]  # of equal ones the last is placed first
    for buffer in sorted(last_first, key=lambda b: -b.bytes):
        offset = 0
        for start, other in placed:
            if other.first > buffer.last or buffer.first > other.last:
                continue
            if start - offset >= buffer.bytes:
                break
            offset = max(offset, start + other.bytes)
        placed.append((offset, buffer))
        placed.sort(key=lambda item: item[0])
    return max((start + buffer.bytes for start, buffer in placed), default=0)
