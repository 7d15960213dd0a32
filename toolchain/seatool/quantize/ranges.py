"""How the real range of an activation is chosen from what was observed. Every range holds zero."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from seatool.quantize.observe import Observer

Range = tuple[float, float]
Method = Callable[[Observer], Range]


def everything(observer: Observer) -> Range:
    """All that was seen; nothing saturates on the calibration data."""
    return observer.extremes


def percentile(fraction: float) -> Method:
    """A method that leaves ``1 - fraction`` of all values outside on either side."""

    def method(observer: Observer) -> Range:
        low, high = observer.extremes
        occupied = np.flatnonzero(observer.counts)
        if not occupied.size:
            return low, high
        centres, counts = observer.centres[occupied], observer.counts[occupied]
        outside = (1.0 - fraction) * (counts.sum() + observer.zeros)
        first = centres[min(np.searchsorted(np.cumsum(counts), outside, side="right"), centres.size - 1)]
        last = centres[-1 - min(np.searchsorted(np.cumsum(counts[::-1]), outside, side="right"), centres.size - 1)]
        return max(low, min(float(first), 0.0)), min(high, max(float(last), 0.0))

    return method


def least_error(power: float) -> Method:
    """A method that minimises the mean of |rounding or clipping error| ** ``power`` over the values seen."""

    def method(observer: Observer) -> Range:
        low, high = observer.extremes
        occupied = np.flatnonzero(observer.counts)
        centres, counts = observer.centres[occupied], observer.counts[occupied].astype(np.float64)

        def error(candidate: Range) -> float:
            scale = (candidate[1] - candidate[0]) / 255.0
            zero_point = np.rint(-candidate[0] / scale)
            steps = np.clip(np.rint(centres / scale) + zero_point, 0.0, 255.0) - zero_point
            return float(counts @ np.abs(steps * scale - centres) ** power)

        best = low, high
        if low < high:
            shares = np.arange(1, 101) / 100.0
            for _ in range(2):
                best = min([best, *((best[0], high * share) for share in shares if high)], key=error)
                best = min([best, *((low * share, best[1]) for share in shares if low)], key=error)
        return best

    return method


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "minmax": everything,
        "percentile": percentile(0.99999),
        "mse": least_error(2.0),
        "l2.4": least_error(2.4),
    }
)
"""The methods by name. ``l2.4``, the default, clips a little less than ``mse``."""
