"""What the figures suggest to the user, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from seatool.ir import Array, Graph
from seatool.kernels import operators
from seatool.quantize.fidelity import LayerFidelity, Measured
from seatool.quantize.observe import Observation

NARROW = 0.2
"""Held-out values this far beyond the calibrated range, as a fraction of it, are worth a hint."""
OUTLIER = 10.0
"""A channel this many times as large as the median channel is an outlier."""
POOR_COSINE = 0.99
NAMED = 3
"""How many layers a hint names."""


def hints(real: Graph, observation: Observation, measured: Measured, coarser: Mapping[str, int]) -> Iterator[str]:
    """Sentences about what could be better, most telling first.

    Args:
        real: The float graph.
        observation: What calibration saw.
        measured: Figures on the held-out inputs.
        coarser: By operator, how many channels have coarser weights because of their bias.
    """
    low = min(output.cosine_mean for output in measured.outputs)
    if low < POOR_COSINE:
        worst = measured.layers[0]
        yield (
            f"int8 loses much of this model (mean cosine {low:.4f}): look at {worst.name} ({worst.sqnr_db:.1f} dB) "
            "first, calibrate with more typical inputs, or train with quantization in mind"
        )
    narrow = {layer.name: excess for layer in measured.layers if (excess := _excess(layer, observation)) > NARROW}
    if narrow:
        yield (
            f"calibration is too narrow: held-out values exceed the calibrated range, {_ranked(narrow, _percent)}; "
            "calibrate with more varied inputs"
        )
    yield from _channel_hints(real, observation)
    for name, count in coarser.items():
        if count:
            channels = f"{count} channel" + ("s" if count > 1 else "")
            yield f"{name}: the bias of {channels} is huge beside the weights, which became coarser to make room for it"


def _excess(layer: LayerFidelity, observation: Observation) -> float:
    """How far held-out values lie outside what calibration saw, as a fraction of the calibrated range."""
    low, high = observation.observers[layer.tensor].extremes
    return max(low - layer.low, layer.high - high) / (high - low) if high > low else 0.0


def _channel_hints(real: Graph, observation: Observation) -> Iterator[str]:
    outlying_weights: dict[str, float] = {}
    outlying_values: dict[str, float] = {}
    dead: dict[str, float] = {}
    for op in real.ops:
        rule = operators()[op.kind].quantization
        if rule.weights is None:
            continue
        weights, peaks = real.tensors[str(op.inputs[rule.weights])].data, observation.peaks[op.outputs[0]]
        if weights is not None:
            axis = rule.weight_axis or 0
            outlying_weights[op.name] = _outlier(np.abs(np.moveaxis(weights, axis, 0)).reshape(weights.shape[axis], -1))
        outlying_values[op.name] = _outlier(peaks[:, None])
        dead[op.name] = float(np.count_nonzero(peaks == 0.0))
    if large := {name: ratio for name, ratio in outlying_weights.items() if ratio > OUTLIER}:
        yield f"outlier channel: one channel's weights dwarf the median channel's, {_ranked(large, _times)}"
    if large := {name: ratio for name, ratio in outlying_values.items() if ratio > OUTLIER}:
        yield (
            f"outlier channel: one channel's values dwarf the median channel's, {_ranked(large, _times)}; the others "
            "are left with few of the 256 steps"
        )
    if idle := {name: count for name, count in dead.items() if count}:
        yield f"channels that were zero on all calibration data: {_ranked(idle, _count)}"


def _outlier(channels: Array) -> float:
    """Largest magnitude per channel: the greatest over the median of those that are not zero. [channels, n]"""
    peaks = np.abs(channels).max(axis=1)
    live = peaks[peaks > 0.0]
    return float(live.max() / np.median(live)) if live.size else 0.0


def _ranked(values: Mapping[str, float], text: Callable[[float], str]) -> str:
    """The largest values with their layers, and how many more there are."""
    ranked = sorted(values.items(), key=lambda item: -item[1])
    more = f" and {len(ranked) - NAMED} more" if len(ranked) > NAMED else ""
    return ", ".join(f"{name} {text(value)}" for name, value in ranked[:NAMED]) + more


def _percent(value: float) -> str:
    return f"by {100 * value:.0f} %"


def _times(value: float) -> str:
    return f"{value:.0f}x"


def _count(value: float) -> str:
    return f"{value:.0f}"
