"""Loop nests over strided arrays, reduced to as few loops as possible."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

DIMS = 7
"""Loops around the innermost one that the kernels have room for (NN_WALK_DIMS)."""


@dataclass(frozen=True)
class Loop:
    """``count`` turns; each operand moves on by its number of elements per turn."""

    count: int
    steps: tuple[int, ...]


def strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Elements from one index to the next along each axis of a dense array.

    >>> strides((2, 3, 4))
    (12, 4, 1)
    """
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def collapse(counts: Sequence[int], *steps: Sequence[int]) -> list[Loop]:
    """The loop nest over ``counts`` (outermost first) with single turns dropped and neighbours joined where every
    operand allows it; never empty.

    >>> collapse((2, 3, 4), (12, 4, 1), (0, 4, 1))
    [Loop(count=2, steps=(12, 0)), Loop(count=12, steps=(1, 1))]
    """
    loops: list[Loop] = []
    for count, *step in zip(counts, *steps, strict=True):
        if count == 1:
            continue
        inner = Loop(count, tuple(step))
        if loops and all(a == b * count for a, b in zip(loops[-1].steps, inner.steps, strict=True)):
            loops[-1] = Loop(loops[-1].count * count, inner.steps)
        else:
            loops.append(inner)
    return loops or [Loop(1, (1,) * len(steps))]


def broadcast(output: Sequence[int], *operands: Sequence[int]) -> list[Loop]:
    """The loops of an elementwise operator over ``output``; the step of an operand is 0 where it is repeated."""

    def steps(shape: Sequence[int]) -> list[int]:
        padded = (*(1,) * (len(output) - len(shape)), *shape)
        return [0 if size == 1 else step for size, step in zip(padded, strides(padded), strict=True)]

    return collapse(output, *map(steps, operands))


def outer_fields(loops: Sequence[Loop], names: Sequence[str]) -> dict[str, Any]:
    """``rank``, ``dims`` and the steps of each operand under ``names``: the fields of nn_walk for all but the innermost
    loop."""
    outer = loops[:-1]
    padding = (0,) * (DIMS - len(outer))
    fields: dict[str, Any] = {"rank": len(outer)}
    if outer:
        fields["dims"] = tuple(loop.count for loop in outer) + padding
        for operand, name in enumerate(names):
            fields[name] = tuple(loop.steps[operand] for loop in outer) + padding
    return fields


def copy_cost(count: int) -> int:
    """Instructions of memcpy of a constant number of bytes: in line where they are few."""
    if count in (1, 2, 4):
        return 2
    return 5 + count // 3 if count <= 32 else 24 + count // 2


def fill_cost(count: int) -> int:
    """Instructions of memset of ``count`` bytes."""
    return 40 + count * 3 // 8
