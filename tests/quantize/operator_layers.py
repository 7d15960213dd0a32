"""Layers of a :class:`float_nets.FloatNet` for the operators that it has no method for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from float_nets import FloatNet
from seatool.ir import DType

Layer = Callable[[FloatNet], str]


def unary(kind: str) -> Layer:
    return lambda net: net.add(kind, net.now)


def positive(net: FloatNet) -> str:
    """Something well above zero."""
    net.add("ABS", net.now)
    return net.add("ADD", net.now, net.constant(np.array(0.5, np.float32)), fused_activation_function=0)


def rsqrt(net: FloatNet) -> str:
    positive(net)
    return net.add("RSQRT", net.now)


def quotient(net: FloatNet) -> str:
    before = net.now
    return net.add("DIV", before, positive(net), fused_activation_function=0)


def squared_difference(net: FloatNet) -> str:
    return net.add("SQUARED_DIFFERENCE", net.now, net.normal(net.shape[-1]))


def prelu(net: FloatNet) -> str:
    return net.add("PRELU", net.now, net.normal(1, 1, net.shape[-1], spread=0.3))


def selection(net: FloatNet) -> str:
    """The first of two tensors where it is larger than the second and not below zero."""
    first = net.now
    second = net.add("SUB", net.normal(1), first, fused_activation_function=0)
    larger = net.add("GREATER", first, second, dtype=DType.BOOL)
    negative = net.add("LESS", first, net.constant(np.zeros(1, np.float32)), dtype=DType.BOOL)
    both = net.add("LOGICAL_AND", larger, net.add("LOGICAL_NOT", negative, dtype=DType.BOOL), dtype=DType.BOOL)
    return net.add("SELECT_V2", both, first, second)


def mask(net: FloatNet) -> str:
    """A tensor where it is positive, by multiplication with a truth value."""
    before = net.now
    positive = net.add("GREATER", before, net.constant(np.zeros(1, np.float32)), dtype=DType.BOOL)
    return net.add("MUL", before, net.add("CAST", positive), fused_activation_function=0)


def blocks(net: FloatNet) -> str:
    """To the batch and back; then to depth and back."""
    _, height, width, channels = net.shape
    block = net.integers(2, 5)
    edges = net.constant(np.zeros((2, 2), np.int32))
    net.add("SPACE_TO_BATCH_ND", net.now, block, edges, shape=(10, height // 2, width // 5, channels))
    net.add("BATCH_TO_SPACE_ND", net.now, block, edges, shape=(1, height, width, channels))
    net.add("REVERSE_V2", net.now, net.integers(2))
    amounts = net.constant(np.array([[0, 0], [0, 0], [1, 0], [0, 0]], np.int32))
    net.add("MIRROR_PAD", net.now, amounts, shape=(1, height, width + 1, channels), mode=0)
    net.add("SPACE_TO_DEPTH", net.now, shape=(1, height // 2, (width + 1) // 2, 4 * channels), block_size=2)
    return net.add("DEPTH_TO_SPACE", net.now, shape=(1, height, width + 1, channels), block_size=2)


def stacked(net: FloatNet) -> str:
    """Columns, some of them chosen and stacked again, one overwritten with the first."""
    _, height, _, channels = net.shape
    column = (1, height, channels)
    first = net.add("GATHER", net.now, net.constant(np.array(1, np.int32)), shape=column, axis=2)
    both = net.add("PACK", first, first, shape=(1, height, 2, channels), values_count=2, axis=2)
    zeros = net.add("ZEROS_LIKE", both)
    net.add("MAXIMUM", both, zeros)
    part = net.add("GATHER_ND", net.now, net.constant(np.array([[0, 2]], np.int32)), shape=(1, 2, channels))
    net.now = net.add("BROADCAST_TO", part, net.integers(2, 2, channels), shape=(2, 2, channels))
    part = net.add("EXPAND_DIMS", net.now, net.integers(0), shape=(1, 2, 2, channels))
    return net.add("DYNAMIC_UPDATE_SLICE", both, part, net.integers(0, 3, 0, 0), shape=(1, height, 2, channels))


def upsample(net: FloatNet) -> str:
    """Three ways to a larger image, one after the other."""
    for kind in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"):
        size = (2 * net.shape[1], 2 * net.shape[2])
        net.add(kind, net.now, net.integers(*size), shape=(1, *size, net.shape[3]), half_pixel_centers=True)
    shape = (1, 2 * net.shape[1], 2 * net.shape[2], 3)
    weights, bias = net.normal(3, 3, 3, net.shape[3], spread=0.3), net.normal(3)
    options = {"padding": 0, "stride_w": 2, "stride_h": 2, "fused_activation_function": net.clamp()}
    return net.add("TRANSPOSE_CONV", net.integers(*shape), weights, net.now, bias, shape=shape, **options)


def reductions(net: FloatNet) -> str:
    """The range of each channel, and the sum over its columns."""
    before, shape = net.now, (1, 1, 1, net.shape[3])
    high = net.add("REDUCE_MAX", before, net.integers(1, 2), shape=shape, keep_dims=True)
    low = net.add("REDUCE_MIN", before, net.integers(1, 2), shape=shape, keep_dims=True)
    net.add("SUB", high, low, shape=shape, fused_activation_function=0)
    net.add("ADD", before, net.now, shape=net.tensors[before].shape, fused_activation_function=0)
    return net.add("SUM", net.now, net.integers(2), shape=(1, net.shape[1], net.shape[3]), keep_dims=False)


def normalized(net: FloatNet) -> str:
    net.add("L2_NORMALIZATION", net.now)
    return net.add("LOG_SOFTMAX", net.now)


def attention(net: FloatNet) -> str:
    """The rows of an image weighted by how alike they are."""
    _, height, width, channels = net.shape
    shape = (1, height, width * channels)
    rows = net.add("RESHAPE", net.now, shape=shape, new_shape=shape)
    net.add("BATCH_MATMUL", rows, rows, shape=(1, height, height), adj_y=True)
    net.add("MUL", net.now, net.constant(np.array(0.1, np.float32)), fused_activation_function=0)
    net.softmax()
    return net.add("BATCH_MATMUL", net.now, rows, shape=shape)


LAYERS: dict[str, Layer] = {
    **{kind: unary(kind) for kind in ("ABS", "ELU", "HARD_SWISH")},
    "BATCH_MATMUL": attention,
    "CAST": mask,
    "DEPTH_TO_SPACE": blocks,
    "GATHER": stacked,
    "DIV": quotient,
    "LOG_SOFTMAX": normalized,
    "PRELU": prelu,
    "REDUCE_MAX": reductions,
    "RSQRT": rsqrt,
    "SELECT_V2": selection,
    "TRANSPOSE_CONV": upsample,
    "SQUARED_DIFFERENCE": squared_difference,
}
