"""Resampling exactly as edgel3 does it: resampy 0.2's band-limited interpolation with the "kaiser_best" filter.

edgel3 requires ``resampy>=0.2.1,<0.3.0``. Two peculiarities of that series are kept, because the trained models heard
them: the table step is truncated to an integer, and the time of an output sample is a running sum.
Later series of resampy use another filter.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]

ZERO_CROSSINGS = 64
TABLE_STEPS = 512
"""Table entries per zero crossing of the sinc."""
ROLLOFF = 0.9475937167399596
KAISER_BETA = 14.769656459379492
BLOCK = 4096
"""Output samples computed at a time, to bound memory."""


def resample(sound: Float64, rate: int, new_rate: int) -> Float64:
    """``sound`` at ``new_rate``: float64 [n] -> float64 [int(n * new_rate / rate)].

    Output samples whose time has the same fraction share one set of filter taps; there are
    ``new_rate / gcd(rate, new_rate)`` such fractions.
    """
    if rate == new_rate:
        return sound
    ratio = float(new_rate) / rate
    count = int(len(sound) * ratio)
    position = np.concatenate([[0.0], np.cumsum(np.full(max(count - 1, 0), 1 / ratio))])[:count]
    whole = position.astype(np.int64)
    # The running sum may lie a hair below the integer it should be, then the whole part is one less.
    index = np.arange(count, dtype=np.int64)
    behind = index * rate // new_rate != whole
    group = index % (new_rate // math.gcd(rate, new_rate)) * 2 + behind

    pad = _margin(ratio)
    padded = np.pad(sound, pad)
    result = np.empty(count)
    for rows in _groups(group):
        before, taps = _taps(ratio, position[rows[0]] - whole[rows[0]])
        windows = np.lib.stride_tricks.sliding_window_view(padded, len(taps))
        for start in range(0, len(rows), BLOCK):
            block = rows[start : start + BLOCK]
            result[block] = windows[whole[block] + (pad - before)] @ taps
    return result


def _groups(key: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """Indices of equal keys together."""
    order = np.argsort(key, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(key[order])) + 1) if len(key) else []


def _margin(ratio: float) -> int:
    """Input samples that the filter reaches to either side."""
    return ZERO_CROSSINGS * TABLE_STEPS // int(min(1.0, ratio) * TABLE_STEPS) + 2


def _taps(ratio: float, fraction: float) -> tuple[int, Float64]:
    """Filter taps for an output ``fraction`` of a sample behind input sample n.

    Returns:
        How many samples before n the first tap lies, and the taps in the order of the input.
    """
    scale = min(1.0, ratio)
    step = int(scale * TABLE_STEPS)
    left = _wing(scale, scale * fraction, step)
    right = _wing(scale, scale - scale * fraction, step)
    return len(left) - 1, np.concatenate([left[::-1], right])


def _wing(scale: float, start: float, step: int) -> Float64:
    """One side of the filter, linearly interpolated in the table from ``start`` (zero crossings) on."""
    table, slope = _table()
    entry = start * TABLE_STEPS
    offset = int(entry)
    at = offset + step * np.arange((len(table) - offset) // step)
    return np.asarray(scale * (table[at] + (entry - offset) * slope[at]), np.float64)


@cache
def _table() -> tuple[Float64, Float64]:
    """Right half of the Kaiser-windowed sinc, and the difference to the next entry."""
    length = ZERO_CROSSINGS * TABLE_STEPS
    sinc = ROLLOFF * np.sinc(ROLLOFF * np.linspace(0, ZERO_CROSSINGS, length + 1))
    table = sinc * np.kaiser(2 * length + 1, KAISER_BETA)[length:]
    return table, np.append(np.diff(table), 0.0)
