"""Post-training quantization: calibrate, choose ranges, convert, round, measure what was lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from seatool.errors import InputError
from seatool.ir import Graph, Quantization
from seatool.kernels import operators
from seatool.quantize.affine import activation_parameters
from seatool.quantize.calibration import Calibration, Sample
from seatool.quantize.check import compile_problems, refuse, require_quantizable
from seatool.quantize.convert import Converter
from seatool.quantize.fidelity import Fidelity, measure
from seatool.quantize.hints import hints
from seatool.quantize.observe import Observation, Observer, observe
from seatool.quantize.ranges import METHODS, Method
from seatool.quantize.rounding import round_to_data
from seatool.quantize.sharing import Sharing, is_selected, share
from seatool.threads import one_thread

ROUNDING_SAMPLES = 16
HELDOUT_SAMPLES = 64


@dataclass(frozen=True)
class Quantized:
    """The int8 graph and what it lost."""

    graph: Graph
    fidelity: Fidelity


@one_thread
def quantize(
    graph: Graph,
    calibration: Sequence[Sample],
    *,
    heldout: Sequence[Sample] | None = None,
    method: str = "l2.4",
    data_rounding: bool = True,
    advance: Callable[[int, int], None] | None = None,
) -> Quantized:
    """Quantize a float graph to int8 by the TFLite 8-bit quantization specification.

    Inputs and outputs are int8, activations asymmetric per tensor, weights symmetric in [-127, 127] per channel where
    the operator allows it, biases int32 with scale input * weight. Tensors keep their names.

    Args:
        graph: The float graph, after :func:`seatool.passes.prepare`.
        calibration: Representative inputs, each a tuple of float32 arrays with the shapes of the graph's inputs.
        heldout: Inputs for the fidelity report; without them every fourth clip of ``calibration`` is kept for it.
        method: How activation ranges are chosen: a name of :data:`METHODS`.
        data_rounding: Round weights for the calibration data instead of to nearest, and correct biases.
        advance: Told how many of how many steps are done.

    Raises:
        InputError: There is nothing to calibrate with, or something cannot be quantized (everything is named).
    """
    require_quantizable(graph)
    used, kept, source = _divide(graph, calibration, heldout)
    rounding = used.thinned(ROUNDING_SAMPLES)
    weighted = sum(operators()[op.kind].quantization.weights is not None for op in graph.ops) if data_rounding else 0
    step = _Steps(len(used) + weighted + len(kept), advance)
    sharing, observation = share(graph), observe(graph, used, step)
    converter = Converter(graph, sharing, choose_parameters(graph, sharing, observation, METHODS[method]))
    int8 = converter.convert()
    if data_rounding:
        int8 = round_to_data(graph, int8, rounding, step)
    refuse(graph, compile_problems(int8))
    measured = measure(graph, int8, kept, step)
    fidelity = Fidelity(
        calibration=used.description,
        calibration_samples=len(used),
        heldout=source,
        heldout_samples=len(kept),
        method=method,
        outputs=measured.outputs,
        layers=measured.layers,
        hints=tuple(hints(graph, observation, measured, converter.coarser)),
    )
    return Quantized(int8, fidelity)


def choose_parameters(
    graph: Graph, sharing: Sharing, observation: Observation, method: Method
) -> dict[str, Quantization]:
    """Parameters of every class of activations, by the class's representative."""
    classes: dict[str, Observer] = {}
    for name, observer in observation.observers.items():
        merged = classes.setdefault(sharing.representative(name), Observer())
        if not is_selected(graph, name):
            merged.merge(observer)
    for name, tensors in sharing.constants.items():
        for tensor in tensors:
            if tensor.data is not None:
                classes.setdefault(name, Observer()).add(tensor.data)
    chosen = {name: activation_parameters(*method(observer)) for name, observer in classes.items()}
    return chosen | sharing.fixed


def _divide(
    graph: Graph, calibration: Sequence[Sample], heldout: Sequence[Sample] | None
) -> tuple[Calibration, Calibration, str]:
    """Calibration data, held-out data, and in words where the latter comes from."""
    used = Calibration.of(calibration)
    _check(graph, used, "calibration")
    if heldout is None:
        used, kept, source = used.split()
        return used, kept.thinned(HELDOUT_SAMPLES), source
    kept = Calibration.of(heldout)
    _check(graph, kept, "held-out")
    return used, kept.thinned(HELDOUT_SAMPLES), kept.description


def _check(graph: Graph, samples: Calibration, what: str) -> None:
    """InputError when ``samples`` are none, do not fit the graph's inputs, or hold NaN or infinity."""
    if not len(samples):
        raise InputError(f"there are no {what} inputs", "give recordings or tensors with --calibration")
    shapes = [graph.tensors[name].shape for name in graph.inputs]
    for index, sample in enumerate(samples):
        if [value.shape for value in sample] != shapes or any(value.dtype != np.float32 for value in sample):
            got = ", ".join(f"{value.dtype}{list(value.shape)}" for value in sample)
            wanted = ", ".join(f"float32{list(shape)}" for shape in shapes)
            raise InputError(f"{what} input {index} is {got}; {graph.name} takes {wanted}")
        if not all(np.isfinite(value).all() for value in sample):
            raise InputError(f"{what} input {index} holds NaN or infinity")


class _Steps:
    """Counts steps for a progress display."""

    def __init__(self, total: int, advance: Callable[[int, int], None] | None) -> None:
        self._done, self._total, self._advance = 0, total, advance

    def __call__(self) -> None:
        self._done += 1
        if self._advance is not None:
            self._advance(self._done, self._total)
