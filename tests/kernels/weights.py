"""Operators with weights: graphs of one layer and strategies for their constants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import rig
from hypothesis import strategies as st
from seatool.ir import Array, Attributes, DType, Graph, Quantization, Tensor
from seatool.kernels import Activation

activations = st.sampled_from([Activation.NONE, Activation.RELU, Activation.RELU6, Activation.RELU_N1_TO_1])


@dataclass(frozen=True)
class Scales:
    """Of input and output, and of the weights: one, or one per output channel."""

    input: float
    weights: Sequence[float]
    output: float


@st.composite
def scales(draw: st.DrawFn, channels: int) -> Scales:
    """From tiny weights to so large ones that sums are shifted to the left."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    low, high = draw(st.sampled_from([(-9, -6), (-14, -5), (-6, -2), (-1, 4), (-22, -20)]))
    weights = np.exp2(rng.uniform(low, high, draw(st.sampled_from([1, channels]))))
    return Scales(draw(rig.scales), weights.tolist(), draw(rig.scales))


@st.composite
def biases(draw: st.DrawFn, channels: int) -> Array:
    """Zeros, moderate or huge values."""
    reach = draw(st.sampled_from([0, 1000, 2**20, 2**31 - 1]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng.integers(-reach, reach + 1, channels).astype(np.int32)


def weighted(
    kind: str,
    shapes: tuple[Sequence[int], Sequence[int]],
    weights: Array,
    channel_axis: int,
    bias: Array | None,
    attributes: Attributes,
    scales: Scales,
    zero_points: tuple[int, int],
    version: int = 3,
    dtype: DType = DType.INT8,
) -> Graph:
    """A layer; ``shapes``, ``zero_points`` and ``dtype`` of input and output. One weight scale means per tensor."""
    per_channel = tuple(float(np.float32(s)) for s in scales.weights)
    axis = channel_axis if len(per_channel) == weights.shape[channel_axis] else None
    w = Tensor("w", weights.shape, DType.INT8, Quantization(per_channel, (0,) * len(per_channel), axis), weights)
    b = None
    if bias is not None:
        products = tuple(float(np.float32(s * np.float32(scales.input))) for s in per_channel)
        quant = Quantization(products, (0,) * len(products), None if axis is None else 0)
        b = Tensor("b", bias.shape, DType(bias.dtype.name), quant, bias)
    return rig.single(
        kind,
        [rig.tensor("x", shapes[0], scales.input, zero_points[0], dtype=dtype), w, b],
        [rig.tensor("y", shapes[1], scales.output, zero_points[1], dtype=dtype)],
        attributes,
        version,
    )
