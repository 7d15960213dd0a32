"""Which rows of needs no other row beats. The last column is the objective; "faster" means less of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]

_BLOCK = 1024
"""Rows that are compared at a time with each other and with those kept before."""


def undominated(needs: Numbers, *ties: Numbers) -> Numbers:
    """Rows that no other beats in all columns (the last is the objective), the fastest first.

    Of equal ones that with the least ``ties`` is kept.
    """
    order = by_speed(needs, *ties)
    return order[unbeaten(needs[order])]


def worthy(needs: Numbers, gain: float) -> Numbers:
    """Of rows that no other beats, the fastest first, those that none with no more of all but the last column nearly
    reaches: within the share ``gain`` of the objective, the last column.
    """
    kept: list[int] = []
    for row in reversed(range(len(needs))):
        others = needs[kept]
        near = others[others[:, -1] <= needs[row, -1] * (1 + gain)]
        if not (near[:, :-1] <= needs[row, :-1]).all(axis=1).any():
            kept.append(row)
    return np.array(kept[::-1], np.int64)


def by_speed(needs: Numbers, *ties: Numbers) -> Numbers:
    """Rows, the fastest first; of equally fast ones those that need less from the last column but one to the first."""
    return np.lexsort((*ties, *needs.T))


def unbeaten(needs: Numbers) -> Numbers:
    """Rows that no earlier one beats or equals; the objective ascends."""
    kept = np.zeros(0, np.int64)
    for start in range(0, len(needs), _BLOCK):
        rows = np.concatenate([kept, np.arange(start, min(start + _BLOCK, len(needs)))])
        beaten = np.triu(np.ones((len(rows), len(rows)), bool), 1)
        for need in needs[rows].T[:-1]:
            beaten &= need[:, None] <= need
        kept = rows[~beaten.any(axis=0)]
    return kept
