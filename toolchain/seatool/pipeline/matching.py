"""Which tensors of two networks are the same: by name, else in order."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from seatool.pipeline.traces import INPUT, Trace

_SHAPE, _KIND, _TENSOR, _LAYER = 4, 4, 2, 1
"""What speaks for a pair: its shape (without which there is none), kind, the tensor's name, the layer's name."""


def match(a: Sequence[Trace], b: Sequence[Trace]) -> list[tuple[int, int]]:
    """Pairs of indices into ``a`` and ``b``, in the order of ``a``.

    Tensors of one name and size are pairs if that holds for half of the shorter list; what is left between is matched
    in order. Converters number layers anew, so names alone prove little: if fewer match, all is matched in order, for
    the most agreement in shape, kind of operator and names.
    """
    index = {trace.tensor: number for number, trace in enumerate(b)}
    if not all(trace.operator for trace in (*a, *b)):
        # Arrays that nobody described may be called by either name.
        index = {trace.label: number for number, trace in enumerate(b)} | index
    named = []
    for i, trace in enumerate(a):
        j = index.get(trace.tensor, index.get(trace.label))
        if j is not None and _size(trace) == _size(b[j]):
            named.append((i, j))
    if 2 * len(named) < min(len(a), len(b)):
        named = []
    rest_a = [i for i in range(len(a)) if i not in {first for first, _ in named}]
    rest_b = [j for j in range(len(b)) if j not in {second for _, second in named}]
    found = _aligned([a[i] for i in rest_a], [b[j] for j in rest_b])
    return sorted([*named, *((rest_a[i], rest_b[j]) for i, j in found)])


def _size(trace: Trace) -> int:
    return math.prod(trace.values.shape[1:])


def _score(a: Trace, b: Trace) -> int:
    """How much speaks for the pair; 0: it cannot be one."""
    shape_a, shape_b = ([size for size in trace.values.shape[1:] if size > 1] for trace in (a, b))
    kinds = {a.operator, b.operator}
    if shape_a != shape_b or (INPUT in kinds and len(kinds - {""}) > 1):
        return 0
    return _SHAPE + _KIND * (len(kinds) == 1) + _TENSOR * (a.tensor == b.tensor) + _LAYER * (a.label == b.label)


def _aligned(a: Sequence[Trace], b: Sequence[Trace]) -> list[tuple[int, int]]:
    """The pairs, ascending on both sides, with the largest sum of scores (Needleman and Wunsch)."""
    scores = np.array([[_score(x, y) for y in b] for x in a], np.int64).reshape(len(a), len(b))
    best = np.zeros((len(a) + 1, len(b) + 1), np.int64)
    for i in range(len(a) - 1, -1, -1):
        for j in range(len(b) - 1, -1, -1):
            pair = best[i + 1, j + 1] + scores[i, j] if scores[i, j] else 0
            best[i, j] = max(pair, best[i + 1, j], best[i, j + 1])
    pairs, i, j = [], 0, 0
    while i < len(a) and j < len(b):
        if scores[i, j] and best[i, j] == best[i + 1, j + 1] + scores[i, j]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i, j] == best[i + 1, j]:
            i += 1
        else:
            j += 1
    return pairs
