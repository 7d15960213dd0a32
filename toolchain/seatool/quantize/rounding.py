"""Weights rounded for the data they meet, and biases corrected for what rounding shifts.

Rounding each weight to the nearest step makes the smallest weight error, not the smallest output error: where inputs
move together (neighbouring pixels of a spectrogram), errors of one sign add up. Here the covariance of an operator's
inputs decides which weights are rounded up and which down: coordinate descent on the mean square output error. The
remaining shift of the mean goes into the bias. Formats and scales stay as they are; only values change.

Source: the objective is that of Nagel et al. 2020 (https://arxiv.org/abs/2004.10568), the descent that of Behdin et al.
2023 (https://arxiv.org/abs/2309.01885), the bias correction that of Nagel et al. 2019 (https://arxiv.org/abs/1906.04721).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from seatool.ir import Array, DType, Graph, Op, Tensor, quantize_values
from seatool.kernels import Activation, bind, operators
from seatool.quantize.affine import WEIGHT_MAX, quantization
from seatool.quantize.execute import Executor

Float64 = npt.NDArray[np.float64]

MAX_TAPS = 2304
"""Operators with more weights per output channel keep the nearest ones: their covariance would fill the memory."""
SWEEPS = 2
BLOCK = 64
"""So many taps are settled before the gradient of all others is brought up to date, which makes it a matrix product."""
REACH = 1
"""A weight moves at most this many steps away from its nearest one, so that few samples cannot lead it astray."""


@dataclass(frozen=True)
class Moments:
    """Mean and second moment of the factors that an operator's weights are multiplied with.

    mean: [groups, taps], square: [groups, taps, taps]; one group where all output channels see the same inputs
    (convolution), one per channel where each sees its own (depthwise). ``count``: how many sets of factors were seen.
    """

    mean: Float64
    square: Float64
    count: int


def round_to_data(real: Graph, int8: Graph, samples: Sequence[tuple[Array, ...]], step: Callable[[], None]) -> Graph:
    """``int8`` with better rounded weights and corrected biases.

    Args:
        real: The float graph.
        int8: The graph converted from it, weights rounded to nearest.
        samples: A few representative inputs of the float graph; a dozen is enough.
        step: Called once per operator that has weights.
    """
    run = Executor(real)
    layers = [op for op in real.ops if operators()[op.kind].quantization.weights is not None]
    activations = [run(sample, {str(op.inputs[0]) for op in layers}) for sample in samples]
    changed: dict[str, Tensor] = {}
    for op in layers:
        if _is_refinable(op, real, int8):
            moments = measure_moments(real, op, [values[str(op.inputs[0])] for values in activations])
            refined = refine(_is_dense(op), constants(op, real), constants(op, int8), moments)
            changed |= {tensor.name: tensor for tensor in refined}
        step()
    return int8.with_(tensors=[changed.get(name, tensor) for name, tensor in int8.tensors.items()])


def constants(op: Op, graph: Graph) -> list[Tensor]:
    """Weights and, if present, bias of the operator called like ``op`` in ``graph``."""
    rule, inputs = operators()[op.kind].quantization, graph.op(op.name).inputs
    names = [inputs[i] for i in (rule.weights, rule.bias) if i is not None and i < len(inputs)]
    return [graph.tensors[name] for name in names if name is not None]


def _is_dense(op: Op) -> bool:
    """Whether output channels lie along axis 0 of the weights and all see the same inputs."""
    return not operators()[op.kind].quantization.weight_axis


def _is_refinable(op: Op, real: Graph, int8: Graph) -> bool:
    """Whether the constants serve this operator alone, are not too many, and it is no grouped or transposed
    convolution."""
    if operators()[op.kind].quantization.data:
        return False
    used = constants(op, int8)
    shape, depth = used[0].shape, real.tensors[str(op.inputs[0])].shape[-1]
    taps = used[0].elements // shape[0 if _is_dense(op) else -1]
    is_grouped = _is_dense(op) and len(shape) == 4 and shape[3] != depth
    return taps <= MAX_TAPS and not is_grouped and all(len(int8.consumers(tensor.name)) == 1 for tensor in used)


def measure_moments(graph: Graph, op: Op, inputs: Sequence[Array]) -> Moments:
    """Moments of the factors of the weights of ``op`` when its first input takes the values ``inputs``.

    An operator is linear in its weights, so evaluating it with unit weights yields the factors.
    """
    weights = constants(op, graph)[0]
    units = np.eye(weights.elements // weights.shape[0 if _is_dense(op) else -1], dtype=np.float32)
    if _is_dense(op):
        probes = [_with_weights(graph, op, units.reshape(-1, *weights.shape[1:]))]
    else:
        filters = np.repeat(units[:, :, None], weights.shape[-1], axis=2)
        probes = [_with_weights(graph, op, one.reshape(weights.shape)) for one in filters]
    totals, squares, count = np.zeros(1), np.zeros(1), 0
    for value in inputs:
        # [probes, positions, channels of a probe] -> [groups, positions, taps]
        responses = np.stack([probe(value) for probe in probes])
        factors = responses if _is_dense(op) else responses.transpose(2, 1, 0)
        totals = totals + factors.sum(axis=1, dtype=np.float64)
        squares = squares + factors.transpose(0, 2, 1) @ factors
        count += factors.shape[1]
    return Moments(totals / count, squares / count, count)


def _with_weights(graph: Graph, op: Op, weights: Array) -> Callable[[Array], Array]:
    """Float ``op`` with other weights, no bias and no activation: its input -> [positions, channels]."""
    rule = operators()[op.kind].quantization
    x = replace(graph.tensors[str(op.inputs[0])], name="input")
    output = graph.tensors[op.outputs[0]]
    channels = weights.shape[0 if _is_dense(op) else -1]
    bias = np.zeros(channels, np.float32)
    tensors = [
        x,
        Tensor("weights", weights.shape, DType.FLOAT32, None, weights),
        Tensor("bias", bias.shape, DType.FLOAT32, None, bias),
        Tensor("output", (*output.shape[:-1], channels), DType.FLOAT32),
    ]
    linear = replace(op.attributes, fused_activation_function=Activation.NONE)  # type: ignore[call-arg]
    inputs = {0: "input", rule.weights: "weights", rule.bias: "bias"}
    names = tuple(inputs.get(i) for i in range(len(op.inputs)))
    probe = Op(op.name, op.kind, names, ("output",), linear)
    operator = bind(probe, Graph("probe", {t.name: t for t in tensors}, (probe,), ("input",), ("output",)))
    arguments = [None if tensor is None else tensor.data for tensor in operator.inputs]
    return lambda value: operator.evaluate_float(value, *arguments[1:])[0].reshape(-1, channels)


def refine(is_dense: bool, real: Sequence[Tensor], int8: Sequence[Tensor], moments: Moments) -> list[Tensor]:
    """Weights and bias of one operator, rounded for ``moments``.

    Args:
        is_dense: Output channels lie along the first axis of the weights, else along the last.
        real: Float weights and bias (or weights alone).
        int8: Their quantized counterparts.
        moments: Of the factors.
    """
    exact, nearest = (_grouped(tensor.data, is_dense) for tensor in (real[0], int8[0]))
    parameters = quantization(int8[0])
    scales = np.broadcast_to(parameters.scales, real[0].shape[0 if is_dense else -1]).astype(np.float64)
    per_channel = scales.reshape(exact.shape[0], 1, exact.shape[2])
    steps = descend(exact / per_channel, nearest, _objective(moments, centred=len(real) > 1))
    refined = [replace(int8[0], data=_ungrouped(steps, int8[0].shape, is_dense).astype(np.int8))]
    if len(real) > 1 and real[1].data is not None:
        shift = moments.mean[:, None, :] @ (steps * per_channel - exact)
        corrected = real[1].data - shift.reshape(-1)
        refined.append(replace(int8[1], data=quantize_values(corrected, quantization(int8[1]), DType.INT32)))
    return refined


def descend(exact: Float64, nearest: Float64, objective: Float64) -> Float64:
    """Whole numbers close to ``exact`` that make the output error small, by cyclic coordinate descent.

    Args:
        exact: Real weights in steps, [groups, taps, channels].
        nearest: Where to start, whole numbers of the same shape.
        objective: [groups, taps, taps], positive semidefinite; the error of a channel is e' objective e.
    """
    low, high = np.maximum(nearest - REACH, -WEIGHT_MAX), np.minimum(nearest + REACH, WEIGHT_MAX)
    chosen = nearest.copy()
    gradient = objective @ (chosen - exact)
    for _ in range(SWEEPS):
        for start in range(0, exact.shape[1], BLOCK):
            block = slice(start, start + BLOCK)
            before, local = chosen[:, block].copy(), gradient[:, block].copy()
            for i, tap in enumerate(range(exact.shape[1])[block]):
                # Without curvature (a dead input) the gradient is zero as well.
                curvature = np.maximum(objective[:, tap, tap, None], np.finfo(np.float64).tiny)
                better = np.clip(np.rint(chosen[:, tap] - local[:, i] / curvature), low[:, tap], high[:, tap])
                local += objective[:, block, tap, None] * (better - chosen[:, tap])[:, None, :]
                chosen[:, tap] = better
            gradient += objective[:, :, block] @ (chosen[:, block] - before)
    return chosen


def _objective(moments: Moments, centred: bool) -> Float64:
    """The covariance (``centred``: a bias takes care of the mean) or second moment, shrunk towards its diagonal.

    The fewer samples there are per tap, the less the off-diagonal elements are believed. A small ridge keeps weights
    of inputs that never vary where they are.
    """
    mean = moments.mean
    matrix = moments.square - mean[:, :, None] * mean[:, None, :] if centred else moments.square
    taps = matrix.shape[1]
    doubt = taps / (taps + moments.count)
    diagonal: Float64 = np.einsum("gtt->gt", matrix)
    ridge = 1e-4 * diagonal.mean(axis=1, keepdims=True)
    return np.asarray((1.0 - doubt) * matrix + np.eye(taps) * (doubt * diagonal + ridge)[:, None, :])


def _grouped(weights: Array | None, is_dense: bool) -> Float64:
    """Weights as float64 [groups, taps, channels of a group]."""
    if weights is None:
        raise ValueError("weights are not constant")
    if is_dense:
        return weights.reshape(1, len(weights), -1).transpose(0, 2, 1).astype(np.float64)
    return weights.reshape(-1, weights.shape[-1]).T[:, :, None].astype(np.float64)


def _ungrouped(weights: Float64, shape: tuple[int, ...], is_dense: bool) -> Float64:
    """The inverse of :func:`_grouped`."""
    return np.reshape(weights.transpose(0, 2, 1) if is_dense else weights[:, :, 0].T, shape)
