"""Functions that several layers use and that are in flash once: sets of them as the bits of a number."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from seatool.kernels import Cost
from seatool.plan.alive import Choice
from seatool.plan.pareto import Numbers

_BITS = 62
"""Functions that a set can tell apart; smaller ones are counted for each layer."""


def shared_bytes(costs: Iterable[Cost]) -> int:
    """What the functions take that ``costs`` share, each once."""
    return sum(size for _, size in {function for cost in costs for function in cost.shared})


class SharedCode:
    """All such functions that ``choices`` use."""

    def __init__(self, choices: Iterable[Choice]) -> None:
        functions = {function for choice in choices for function in choice.shared}
        largest = sorted(functions, key=lambda function: (-function[1], function[0]))[:_BITS]
        self._bits = {function: 1 << bit for bit, function in enumerate(largest)}
        self._sizes = np.array([size for _, size in largest], np.int64)

    def split(self, choice: Choice) -> tuple[int, int]:
        """The functions of ``choice`` as a set, and the bytes of those for which no bits were left."""
        rest = sum(function[1] for function in choice.shared if function not in self._bits)
        return sum(self._bits.get(function, 0) for function in choice.shared), rest

    def bytes(self, sets: Numbers) -> Numbers:
        """Of all functions of each set."""
        bits = (sets[..., None] >> np.arange(len(self._sizes))) & 1
        return np.asarray(bits @ self._sizes, np.int64)

    def added(self, sets: Numbers, to: Numbers) -> Numbers:
        """Bytes that each of ``sets`` adds to each set of ``to``: int64[sets, to]."""
        distinct, which = np.unique(sets, return_inverse=True)
        more = np.array([self.bytes(one & ~to) for one in distinct], np.int64)
        return more.reshape(len(distinct), len(to))[which]
