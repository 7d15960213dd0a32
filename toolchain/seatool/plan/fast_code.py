"""Which layers' code runs from the memory for instructions that is never waited for (ITCM).

It is copied there at the start, so it counts in flash as well. Functions that several layers share go with them, all of
them, whichever layers go.
"""

from __future__ import annotations

from collections.abc import Iterable

from seatool.boards.board import Board
from seatool.boards.mpu import NULL_GUARD
from seatool.plan.program import Step
from seatool.plan.shared import shared_bytes

_SPARE = 4
"""One part in so many of the region is left for code that turns out larger than estimated."""


def guard_bytes(board: Board) -> int:
    """Of the ITCM, what null pointers point to."""
    return NULL_GUARD.size if board.itcm is not None and board.itcm.address == 0 else 0


def fast_steps(steps: Iterable[Step], board: Board) -> frozenset[int]:
    """The numbers of the steps whose code goes to the ITCM: all if they fit, else those with most cycles per byte."""
    if board.itcm is None:
        return frozenset()
    coded = [step for step in steps if step.stages]
    left = (board.itcm.size - guard_bytes(board)) * (_SPARE - 1) // _SPARE - shared_bytes(step.cost for step in coded)
    chosen = set()
    for step in sorted(coded, key=lambda step: (-step.cycles / max(1, step.cost.code), step.index)):
        if step.cost.code <= left:
            left -= step.cost.code
            chosen.add(step.index)
    return frozenset(chosen)


def fast_bytes(steps: Iterable[Step]) -> int:
    """What those of ``steps`` take there that are marked as fast."""
    steps = list(steps)
    own = [step.cost.code for step in steps if step.fast_code]
    return sum(own) + shared_bytes(step.cost for step in steps) if own else 0
