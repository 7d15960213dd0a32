"""The shapes on which cmsis_nn.py compares kernels: common ones, odd ones and tiny ones of every operator."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from seatool.ir import Array, DType, Graph
from seatool.kernels import Activation, Padding
from seatool.kernels.batch_matmul import BatchMatmulAttributes
from seatool.kernels.conv_2d import Conv2DAttributes
from seatool.kernels.depthwise_conv_2d import DepthwiseConv2DAttributes
from seatool.kernels.fully_connected import FullyConnectedAttributes
from seatool.kernels.pool import Pool2DAttributes
from seatool.kernels.transpose_conv import TransposeConvAttributes
from test_batch_matmul import product
from test_binary import binary
from test_conv_2d import conv
from test_depthwise_conv_2d import depthwise
from test_fully_connected_int16 import dense
from test_pool import pool
from test_softmax import softmax
from test_svdf import svdf
from test_transpose_conv import transposed
from weights import Scales, weighted

SAME, RELU = Padding.SAME, Activation.RELU
ODD = (1, 2, 3, 5, 7, 9, 13, 17)
_SCALES = Scales(0.02, [0.003], 0.05)
_ZEROS = (-128, -128)
Shapes = Iterator[tuple[str, Graph]]


def shapes() -> list[tuple[str, Graph]]:
    """Every shape in words, and its graph; the operators one after the other."""
    images = [*_convolutions(), *_depthwise(), *_transposed(), *_pools()]
    int8 = [*images, *_fully_connected(), *_products(), *_elementwise(), *_rows()]
    return [*int8, *_wide_convolutions(), *_wide_depthwise(), *_wide_fully_connected()]


def _weights(*shape: int) -> Array:
    """As those of a trained layer: bell-shaped."""
    return np.clip(np.rint(np.random.default_rng(0).normal(0, 32, shape)), -127, 127).astype(np.int8)


def _bias(count: int) -> Array:
    return np.zeros(count, np.int32)


_FIRST = [(24, 24, c, n, k, k, s, 1) for c, n in ((1, 8), (2, 8), (3, 16), (1, 32)) for k in (3, 5) for s in (1, 2)]
_OTHERS = [
    *((49, 10, 1, 64, 10, 4, 2, 1), (64, 50, 1, 32, 3, 3, 1, 1), (96, 96, 3, 8, 3, 3, 2, 1)),
    *(
        (h, w, c, n, 1, 1, 1, 1)
        for h, w, c, n in ((12, 12, 16, 16), (25, 5, 64, 64), (48, 48, 8, 16), (6, 6, 128, 128))
    ),
    *((3, 3, 256, 256, 1, 1, 1, 1), (1, 1, 256, 64, 1, 1, 1, 1), (16, 16, 32, 64, 1, 1, 2, 1)),
    *((12, 11, c, c, k, k, s, 1) for k, s in ((3, 1), (3, 2), (1, 1)) for c in ODD),
    *(
        (16, 16, 32, 32, 3, 3, 1, 1),
        (8, 8, 64, 64, 3, 3, 1, 1),
        (4, 4, 128, 128, 3, 3, 1, 1),
        (2, 2, 64, 64, 3, 3, 1, 1),
    ),
    *(
        (16, 16, 16, 16, 5, 5, 1, 1),
        (16, 16, 16, 16, 5, 5, 2, 1),
        (16, 16, 16, 16, 3, 3, 1, 2),
        (10, 10, 16, 16, 7, 7, 1, 1),
    ),
    *(
        (16, 16, 16, 16, 1, 3, 1, 1),
        (16, 16, 16, 16, 3, 1, 1, 1),
        (1, 40, 16, 16, 1, 9, 1, 1),
        (40, 1, 16, 16, 9, 1, 1, 1),
    ),
]
"""Height, width, in and out channels, kernel height and width, stride, dilation."""


def _convolutions() -> Shapes:
    for height, width, channels, count, kernel_height, kernel_width, stride, dilation in _FIRST + _OTHERS:
        attributes = Conv2DAttributes(SAME, stride, stride, RELU, dilation, dilation)
        weights = _weights(count, kernel_height, kernel_width, channels)
        graph = conv((1, height, width, channels), weights, _bias(count), attributes, _SCALES, _ZEROS)
        yield _window(height, width, channels, kernel_height, kernel_width, stride, dilation) + f" to {count}", graph


def _window(
    height: int, width: int, channels: int, kernel_height: int, kernel_width: int, stride: int, dilation: int = 1
) -> str:
    window = f"{height}x{width}x{channels}, {kernel_height}x{kernel_width}"
    return window + (f" stride {stride}" if stride > 1 else "") + (f" dilation {dilation}" if dilation > 1 else "")


_DEPTHWISE = [
    *((25, 5, 64, 3, 3, 1, 1, 1), (24, 24, 32, 3, 3, 1, 1, 1), (24, 24, 32, 3, 3, 2, 1, 1), (48, 48, 8, 3, 3, 1, 1, 1)),
    *((48, 48, 8, 3, 3, 2, 1, 1), (12, 12, 64, 3, 3, 2, 1, 1), (6, 6, 128, 3, 3, 1, 1, 1), (6, 6, 128, 3, 3, 2, 1, 1)),
    *((3, 3, 256, 3, 3, 1, 1, 1), (3, 3, 256, 3, 3, 2, 1, 1), (16, 16, 16, 5, 5, 1, 1, 1), (16, 16, 16, 5, 5, 2, 1, 1)),
    *(
        (16, 16, 16, 7, 7, 1, 1, 1),
        (12, 12, 16, 3, 1, 1, 1, 1),
        (12, 12, 16, 1, 3, 1, 1, 1),
        (12, 12, 16, 2, 2, 2, 1, 1),
    ),
    *((1, 40, 16, 1, 9, 1, 1, 1), (40, 1, 16, 9, 1, 1, 1, 1), (1, 10, 64, 1, 3, 1, 1, 1), (16, 16, 8, 3, 3, 1, 2, 1)),
    *((49, 10, 1, 10, 8, 2, 1, 8), (16, 16, 4, 3, 3, 1, 1, 2), (16, 16, 1, 3, 3, 1, 1, 8)),
    *((12, 11, c, 3, 3, s, 1, 1) for s in (1, 2) for c in ODD),
]
"""Height, width, channels, kernel height and width, stride, dilation, outputs per channel."""


def _depthwise() -> Shapes:
    for height, width, channels, kernel_height, kernel_width, stride, dilation, factor in _DEPTHWISE:
        attributes = DepthwiseConv2DAttributes(SAME, stride, stride, factor, RELU, dilation, dilation)
        weights = _weights(1, kernel_height, kernel_width, channels * factor)
        shape = (1, height, width, channels)
        graph = depthwise(shape, weights, _bias(channels * factor), attributes, _SCALES, _ZEROS)
        window = _window(height, width, channels, kernel_height, kernel_width, stride, dilation)
        yield window + (f" to {channels * factor}" if factor > 1 else ""), graph


def _transposed() -> Shapes:
    for size, channels, count, kernel, stride in (
        *((8, 16, 16, 3, 2), (8, 32, 16, 3, 2), (12, 8, 4, 2, 2), (6, 64, 32, 4, 2), (5, 3, 5, 3, 1), (5, 7, 3, 3, 3)),
    ):
        attributes = TransposeConvAttributes(SAME, stride, stride)
        out = (1, size * stride, size * stride, count)
        weights = _weights(count, kernel, kernel, channels)
        graph = transposed((1, size, size, channels), out, weights, _bias(count), attributes, _SCALES, (3, -5))
        yield _window(size, size, channels, kernel, kernel, stride) + f" to {count}", graph


def _pools() -> Shapes:
    for kind in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
        for height, width, channels, kernel_height, kernel_width, stride in (
            *((24, 24, 32, 2, 2, 2), (24, 24, 3, 2, 2, 2), (12, 12, 17, 3, 3, 2), (25, 5, 64, 25, 5, 1)),
            *((8, 8, 64, 8, 8, 8), (12, 12, 1, 2, 2, 2), (24, 24, 16, 3, 3, 1), (12, 12, 6, 2, 2, 2)),
        ):
            attributes = Pool2DAttributes(Padding.VALID, stride, stride, kernel_height, kernel_width)
            graph = pool(kind, (1, height, width, channels), attributes, 0.1, 0)
            yield _window(height, width, channels, kernel_height, kernel_width, stride), graph


def _fully_connected() -> Shapes:
    sizes = [
        (64, 10),
        (640, 128),
        (128, 128),
        (128, 8),
        (8, 128),
        (256, 2),
        (784, 32),
        (17, 13),
        (7, 3),
        (33, 65),
        (1, 16),
    ]
    for depth, count, batches, scales in (
        *((depth, count, 1, count) for depth, count in sizes),
        *((64, 64, 4, 64), (256, 64, 1, 1), (1024, 1000, 1, 1000)),
    ):
        shapes, quantization = ((batches, depth), (batches, count)), Scales(0.02, [0.003] * scales, 0.05)
        attributes = FullyConnectedAttributes(RELU)
        weights = _weights(count, depth)
        graph = weighted("FULLY_CONNECTED", shapes, weights, 0, _bias(count), attributes, quantization, _ZEROS, 4)
        yield f"{batches}x{depth} to {count}" + (", one scale" if scales == 1 else ""), graph


_WIDE_SCALES = Scales(2.0**-12, [2.0**-9], 2.0**-12)
_WIDE_CONVOLUTIONS = [
    *((24, 24, 1, 8, 3, 3, 1), (24, 24, 3, 16, 3, 3, 1), (24, 24, 3, 16, 5, 5, 2), (49, 10, 1, 64, 10, 4, 2)),
    *((16, 16, 32, 32, 3, 3, 1), (8, 8, 64, 64, 3, 3, 1), (4, 4, 128, 128, 3, 3, 1), (1, 40, 16, 16, 1, 9, 1)),
    *((25, 5, 64, 64, 1, 1, 1), (48, 48, 8, 16, 1, 1, 1), (1, 1, 256, 64, 1, 1, 1), (16, 16, 32, 64, 1, 1, 2)),
    *((12, 11, c, c, k, k, 1) for k in (1, 3) for c in ODD),
]
"""Height, width, in and out channels, kernel height and width, stride."""


def _wide_convolutions() -> Shapes:
    for height, width, channels, count, kernel_height, kernel_width, stride in _WIDE_CONVOLUTIONS:
        attributes, shape = Conv2DAttributes(SAME, stride, stride, RELU), (1, height, width, channels)
        weights, bias = _weights(count, kernel_height, kernel_width, channels), np.zeros(count, np.int64)
        graph = conv(shape, weights, bias, attributes, _WIDE_SCALES, (0, 0), DType.INT16)
        yield _window(height, width, channels, kernel_height, kernel_width, stride) + f" to {count}", graph


def _wide_depthwise() -> Shapes:
    for height, width, channels, kernel_height, kernel_width, stride, dilation, factor in _DEPTHWISE:
        attributes = DepthwiseConv2DAttributes(SAME, stride, stride, factor, RELU, dilation, dilation)
        count, shape = channels * factor, (1, height, width, channels)
        weights, bias = _weights(1, kernel_height, kernel_width, count), np.zeros(count, np.int64)
        graph = depthwise(shape, weights, bias, attributes, _WIDE_SCALES, (0, 0), DType.INT16)
        window = _window(height, width, channels, kernel_height, kernel_width, stride, dilation)
        yield window + (f" to {count}" if factor > 1 else ""), graph


def _wide_fully_connected() -> Shapes:
    for batches, depth, count in (
        *((1, 64, 10), (1, 640, 128), (1, 128, 8), (1, 8, 128), (1, 256, 2), (1, 784, 32), (1, 17, 13)),
        *((1, 7, 3), (1, 33, 65), (1, 1, 16), (4, 64, 64)),
    ):
        weights, bias = _weights(count, depth), np.zeros(count, np.int64)
        graph = dense(batches, weights, bias, FullyConnectedAttributes(RELU), _WIDE_SCALES)
        yield f"{batches}x{depth} to {count}", graph


def _products() -> Shapes:
    for batches, rows, depth, columns in (
        (1, 8, 64, 16),
        (4, 16, 16, 16),
        (2, 5, 13, 7),
        (1, 1, 128, 64),
        (1, 49, 32, 49),
    ):
        sizes = [(batches, rows, depth), (batches, columns, depth), (batches, rows, columns)]
        graph = product(sizes, BatchMatmulAttributes(adj_y=True), [(0.02, 3), (0.02, 0), (0.1, -4)])
        yield f"{batches}x{rows}x{depth} by {columns}", graph


def _elementwise() -> Shapes:
    for kind in ("ADD", "MUL", "MAXIMUM"):
        quantization = [(0.1, 0)] * 3 if kind == "MAXIMUM" else [(0.1, 3), (0.07, -9), (0.2, 5)]
        for count in (1, 7, 64, 1000, 16384):
            yield str(count), binary(kind, ((count,), (count,)), quantization)


def _rows() -> Shapes:
    for rows, depth in ((1, 2), (1, 4), (1, 10), (1, 12), (1, 100), (8, 16), (49, 49)):
        yield f"{rows}x{depth}", softmax((rows, depth), 0.1, 0, 1.0)
    rng = np.random.default_rng(0)
    for inputs, units, memory, rank in ((40, 64, 8, 1), (16, 32, 10, 2), (13, 5, 3, 1), (96, 128, 8, 2)):
        time = rng.integers(-127, 128, (units * rank, memory)).astype(np.int8)
        scales = [0.05, 0.01, 0.01, 0.1, 0.2]
        yield (
            f"{inputs} to {units}, memory {memory}, rank {rank}",
            svdf(_weights(units * rank, inputs), time, _bias(units), rank, 1, scales, (3, 0, -4)),
        )
