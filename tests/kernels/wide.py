"""Operators with weights on int16 activations: strategies for their constants and inputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import rig
from hypothesis import strategies as st
from seatool.ir import Array
from weights import Scales

INT32 = 2
"""Of TFLite's TensorType."""


@st.composite
def scales(draw: st.DrawFn, channels: int) -> Scales:
    """Of all sizes that TFLM takes: factors below 128."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x, y = 2.0 ** draw(st.integers(-15, -8)), 2.0 ** draw(st.integers(-15, -8))
    low, high = draw(st.sampled_from([(-9, -6), (-9, -6), (-17, -14), (-20, -1), (-1, 6.9), (-33, -28)]))
    factors = np.exp2(rng.uniform(low, high, draw(st.sampled_from([1, channels]))))
    return Scales(x * draw(st.floats(1, 1.3)), (factors * y / x / 1.31).tolist(), y)


@st.composite
def biases(draw: st.DrawFn, channels: int) -> Array:
    """Zeros, moderate or huge values, int64 or int32."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if draw(st.booleans()):
        reach = draw(st.sampled_from([0, 1000, 2**20, 2**29, 2**31 - 1]))
        return rng.integers(-reach, reach + 1, channels).astype(np.int32)
    return wide_bias(draw, channels, rng)


def wide_bias(draw: st.DrawFn, channels: int, rng: np.random.Generator) -> Array:
    """The same, int64 only."""
    reach = draw(st.sampled_from([0, 1000, 2**20, 2**30, 2**33, 2**46]))
    return rng.integers(-reach, reach + 1, channels)


@st.composite
def int64_biases(draw: st.DrawFn, channels: int) -> Array:
    return wide_bias(draw, channels, np.random.default_rng(draw(st.integers(0, 2**32 - 1))))


@st.composite
def arrays(draw: st.DrawFn, shape: Sequence[int]) -> Array:
    """int16 values of the given shape: noise, only extremes, all low, all high, or a ramp."""
    style, seed = draw(st.sampled_from(rig.STYLES)), draw(st.integers(0, 2**32 - 1))
    rng, size = np.random.default_rng(seed), tuple(shape)
    if style == "uniform":
        return rng.integers(-32768, 32768, size).astype(np.int16)
    if style == "extremes":
        return rng.choice(np.array([-32768, -32767, -1, 0, 1, 32767], np.int16), size)
    if style == "ramp":
        return (np.arange(int(np.prod(size))) * 257 + seed).astype(np.uint16).view(np.int16).reshape(size)
    return np.full(size, -32768 if style == "low" else 32767, np.int16)
