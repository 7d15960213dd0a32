"""What calibration learns about the activations: extremes, histogram, largest magnitude of each channel."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from seatool.errors import InputError
from seatool.ir import Array, DType, Graph
from seatool.kernels import operators
from seatool.quantize.execute import Executor

SENTINEL = 1e30
"""Magnitudes from here on stand for infinity (the padding in front of a max-pool): they saturate, unobserved."""


class Observer:
    """Extremes and histogram of the values of one tensor, or of several that share their parameters.

    The bins are a power of two wide and lie around zero. When a value comes to lie outside, neighbouring bins are
    merged; so the result does not depend on the order of the values.
    """

    BINS = 1 << 14

    def __init__(self) -> None:
        self.low = math.inf
        self.high = -math.inf
        self.zeros = 0
        self.counts = np.zeros(self.BINS, np.int64)
        self._exponent: int | None = None

    @property
    def extremes(self) -> tuple[float, float]:
        """The least and greatest value seen and zero, whichever is further out."""
        return min(self.low, 0.0), max(self.high, 0.0)

    @property
    def centres(self) -> npt.NDArray[np.float64]:
        """The real value in the middle of each bin."""
        limit = math.ldexp(1.0, self._exponent or 0)
        return np.asarray((np.arange(self.BINS) + 0.5) * (2.0 * limit / self.BINS) - limit, np.float64)

    def add(self, values: Array) -> None:
        """Count ``values`` (any shape, float, no NaN)."""
        finite = values[np.abs(values) < SENTINEL].astype(np.float64)
        if not finite.size:
            return
        low, high = float(finite.min()), float(finite.max())
        self.low, self.high = min(self.low, low), max(self.high, high)
        nonzero = finite[finite != 0.0]
        self.zeros += finite.size - nonzero.size
        if nonzero.size:
            exponent = self._widen(math.frexp(max(-low, high))[1])
            bins = np.floor(np.ldexp(nonzero, -exponent) * (self.BINS // 2)).astype(np.int64) + self.BINS // 2
            self.counts += np.bincount(bins, minlength=self.BINS)

    def merge(self, other: Observer) -> None:
        """Count everything that ``other`` has counted."""
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.zeros += other.zeros
        if other._exponent is not None:
            exponent = self._widen(other._exponent)
            self.counts = self.counts + _coarsened(other.counts, exponent - other._exponent)

    def _widen(self, exponent: int) -> int:
        """Make the bins reach to 2 ** ``exponent`` at least; the exponent to which they reach now."""
        if self._exponent is None:
            self._exponent = exponent
        if self._exponent < exponent:
            self.counts = _coarsened(self.counts, exponent - self._exponent)
            self._exponent = exponent
        return self._exponent


def _coarsened(counts: npt.NDArray[np.int64], times: int) -> npt.NDArray[np.int64]:
    """The same counts in bins that are ``times`` times twice as wide."""
    for _ in range(times):
        counts = np.pad(counts.reshape(-1, 2).sum(axis=1), counts.size // 4)
    return counts


@dataclass
class Observation:
    """Observers by tensor name; ``peaks``: largest magnitude per channel (last axis), float32 [channels]."""

    observers: dict[str, Observer] = field(default_factory=dict)
    peaks: dict[str, npt.NDArray[np.float32]] = field(default_factory=dict)

    def add(self, name: str, values: Array) -> None:
        self.observers.setdefault(name, Observer()).add(values)
        magnitudes = np.abs(values)
        peak = magnitudes.reshape(-1, values.shape[-1] if values.ndim else 1).max(axis=0)
        self.peaks[name] = np.maximum(self.peaks.get(name, peak), peak)


def observe(graph: Graph, samples: Sequence[tuple[Array, ...]], step: Callable[[], None]) -> Observation:
    """Run the float ``graph`` on ``samples``, calling ``step`` after each, and observe all float activations.

    InputError when a layer computes NaN, or one with weights infinity: elsewhere infinity may stand for "masked".
    """
    names = [name for name, tensor in graph.tensors.items() if tensor.dtype is DType.FLOAT32 and not tensor.is_constant]
    sums = {name for op in graph.ops if operators()[op.kind].quantization.weights is not None for name in op.outputs}
    run = Executor(graph)
    observation = Observation()
    for sample in samples:
        with np.errstate(over="ignore", invalid="ignore"):
            values = run(sample, names)
        for name in names:
            if not (np.isfinite(values[name]) if name in sums else ~np.isnan(values[name])).all():
                layer = graph.producer(name)
                where = f"layer {layer.name}" if layer else f"input {name}"
                what = "not finite" if name in sums else "not a number (NaN)"
                raise InputError(f"{where} is {what} on calibration data", "check the model's weights")
            observation.add(name, values[name])
        step()
    return observation
