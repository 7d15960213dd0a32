"""What quantization lost: float and int8 graph side by side on inputs that calibration has not seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seatool.ir import Array, DType, Graph, Quantization, dequantize_values, quantize_values
from seatool.quantize.affine import quantization, representable
from seatool.quantize.execute import Executor
from seatool.quantize.observe import SENTINEL
from seatool.quantize.sharing import is_selected


@dataclass(frozen=True)
class LayerFidelity:
    """One layer's first output: the int8 value, dequantized, against the float value.

    Attributes:
        name, operator: Layer name and operator kind; "input" and "QUANTIZE" for a model input.
        tensor: The tensor's name.
        sqnr_db: Signal to quantization noise, everything before the layer included; infinite without any noise.
        max_abs_error: Largest difference, in real units.
        saturated: Fraction of the values whose float value lies more than half a step beyond -128 or 127.
        low, high: Least and greatest float value, zero included.
    """

    name: str
    operator: str
    tensor: str
    sqnr_db: float
    max_abs_error: float
    saturated: float
    low: float
    high: float


@dataclass(frozen=True)
class OutputFidelity:
    """One output of the model over all held-out inputs: cosine between float and int8 result, largest difference."""

    tensor: str
    cosine_mean: float
    cosine_min: float
    max_abs_error: float


@dataclass(frozen=True)
class Fidelity:
    """The report.

    Attributes:
        calibration: What the ranges come from.
        calibration_samples, heldout_samples: How many inputs served which purpose.
        heldout: Where the held-out inputs come from.
        method: How ranges were chosen, a name of :data:`seatool.quantize.METHODS`.
        outputs: In the order of the graph.
        layers: Worst first.
        hints: Sentences for the user.
    """

    calibration: str
    calibration_samples: int
    heldout: str
    heldout_samples: int
    method: str
    outputs: tuple[OutputFidelity, ...]
    layers: tuple[LayerFidelity, ...]
    hints: tuple[str, ...]

    @property
    def cosine_mean(self) -> float:
        """Of the worst output."""
        return min(output.cosine_mean for output in self.outputs)

    @property
    def cosine_min(self) -> float:
        """Of the worst output on its worst input."""
        return min(output.cosine_min for output in self.outputs)

    @property
    def max_abs_error(self) -> float:
        return max(output.max_abs_error for output in self.outputs)

    def to_json(self) -> dict[str, Any]:
        """As a JSON object; an infinite ``sqnr_db`` becomes null."""
        layers = [vars(layer) | {"sqnr_db": _finite(layer.sqnr_db)} for layer in self.layers]
        return {
            **vars(self),
            "cosine_mean": self.cosine_mean,
            "cosine_min": self.cosine_min,
            "max_abs_error": self.max_abs_error,
            "outputs": [dict(vars(output)) for output in self.outputs],
            "layers": layers,
            "hints": list(self.hints),
        }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


@dataclass
class Comparison:
    """Running sums over float values and their int8 counterparts.

    ``clipped``: values beyond the representable range are meant to saturate; the clipped value is the exact one.
    """

    quant: Quantization
    clipped: bool = False
    signal: float = 0.0
    noise: float = 0.0
    worst: float = 0.0
    beyond: int = 0
    count: int = 0
    low: float = 0.0
    high: float = 0.0

    def add(self, real: Array, quantized: Array) -> None:
        """Count ``real`` and ``quantized`` (one shape, not empty); stand-ins for infinity do not count."""
        low, high = representable(self.quant)
        finite = np.abs(real) < SENTINEL
        exact = real[finite].astype(np.float64)
        if self.clipped:
            exact = np.clip(exact, low, high)
        error = dequantize_values(quantized, self.quant)[finite] - exact
        margin = self.quant.scale[0] / 2
        self.signal += float(np.vdot(exact, exact))
        self.noise += float(np.vdot(error, error))
        self.worst = max(self.worst, float(np.abs(error).max(initial=0.0)))
        self.beyond += int(np.count_nonzero((exact < low - margin) | (exact > high + margin)))
        self.count += exact.size
        self.low = min(self.low, float(exact.min(initial=0.0)))
        self.high = max(self.high, float(exact.max(initial=0.0)))

    def layer(self, tensor: str, name: str, operator: str) -> LayerFidelity:
        """The figures of layer ``name``, which wrote ``tensor``."""
        saturated = self.beyond / max(self.count, 1)
        return LayerFidelity(name, operator, tensor, self.sqnr_db, self.worst, saturated, self.low, self.high)

    @property
    def sqnr_db(self) -> float:
        if self.noise == 0.0:
            return math.inf
        return 10.0 * math.log10(max(self.signal, np.finfo(np.float64).tiny) / self.noise)


def cosine(a: Array, b: Array) -> float:
    """Cosine between two arrays of one shape; 1 for two zero vectors, 0 if only one is zero.

    >>> cosine(np.array([1.0, 0.0]), np.array([2.0, 0.0]))
    1.0
    """
    x, y = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    product = float(np.linalg.norm(x) * np.linalg.norm(y))
    if product == 0.0:
        return float(not x.any() and not y.any())
    return min(1.0, float(x @ y) / product)


@dataclass(frozen=True)
class Measured:
    """The figures of one comparison: layers worst first, outputs in the order of the graph."""

    layers: tuple[LayerFidelity, ...]
    outputs: tuple[OutputFidelity, ...]


_AS_IT_IS = Quantization.per_tensor(1.0, 0)
"""Of outputs that were never real numbers: indices, truth values."""


def _is_float(graph: Graph, name: str) -> bool:
    return graph.tensors[name].dtype is DType.FLOAT32


def measure(real: Graph, int8: Graph, samples: Sequence[tuple[Array, ...]], step: Callable[[], None]) -> Measured:
    """Run the float graph and the int8 graph made from it on ``samples`` (inputs of the float graph) and compare.

    ``step`` is called after every sample.
    """
    layers = dict.fromkeys(real.inputs, ("input", "QUANTIZE"))
    layers |= {op.outputs[0]: (op.name, op.kind) for op in real.ops if _is_float(real, op.outputs[0])}
    quants = {
        name: quantization(int8.tensors[name]) if _is_float(real, name) else _AS_IT_IS
        for name in {*layers, *real.outputs}
    }
    comparisons = {name: Comparison(quants[name], is_selected(real, name)) for name in quants}
    cosines: dict[str, list[float]] = {name: [] for name in real.outputs}
    run_real, run_int8 = Executor(real), Executor(int8)
    for sample in samples:
        codes = [quantize_values(x, quants[name], DType.INT8) for name, x in zip(real.inputs, sample, strict=True)]
        expected, got = run_real(sample, quants), run_int8(codes, quants)
        for name, comparison in comparisons.items():
            comparison.add(expected[name], got[name])
        for name, values in cosines.items():
            values.append(cosine(expected[name], dequantize_values(got[name], quants[name])))
        step()
    ranked = sorted(layers, key=lambda name: comparisons[name].sqnr_db)
    return Measured(
        tuple(comparisons[name].layer(name, *layers[name]) for name in ranked),
        tuple(
            OutputFidelity(name, float(np.mean(values)), min(values), comparisons[name].worst)
            for name, values in cosines.items()
        ),
    )
