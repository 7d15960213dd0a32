"""The planner's estimates against instructions counted on the emulated Cortex-M7, on layers of ordinary size."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import batch
import numpy as np
import pytest
import rig
from seatool.build import elf
from seatool.ir import Array, DType, Graph, Tensor
from seatool.kernels import Padding
from seatool.kernels.accumulate import CumsumAttributes
from seatool.kernels.activation import LeakyReluAttributes
from seatool.kernels.batch_matmul import BatchMatmulAttributes
from seatool.kernels.cast import CastAttributes
from seatool.kernels.conv_2d import Conv2DAttributes
from seatool.kernels.depthwise_conv_2d import DepthwiseConv2DAttributes
from seatool.kernels.fully_connected import FullyConnectedAttributes
from seatool.kernels.gather import StridedSliceAttributes
from seatool.kernels.joining import ConcatenationAttributes, SplitAttributes
from seatool.kernels.lstm import LstmAttributes
from seatool.kernels.mirror_pad import MirrorMode, MirrorPadAttributes
from seatool.kernels.pool import Pool2DAttributes
from seatool.kernels.rearrange import BlockAttributes
from seatool.kernels.resize import ResizeAttributes
from seatool.kernels.take import GatherAttributes
from seatool.kernels.transpose_conv import TransposeConvAttributes
from test_activation import unary
from test_batch_matmul import product
from test_binary import binary
from test_border import dequantize, quantize
from test_conv_2d import conv
from test_depthwise_conv_2d import depthwise
from test_fully_connected_int16 import dense
from test_int16 import converted, widened
from test_logical import compared, truths
from test_lstm import Layer, lstm
from test_mean import all_hold, arg, mean
from test_moves import moved
from test_pool import pool
from test_rearrange import chosen
from test_resize import resized
from test_rows import add_n, cumsum, l2_normalization, log_softmax
from test_softmax import int16_softmax, softmax
from test_svdf import svdf
from test_transpose_conv import transposed
from weights import Scales

SHAPE = (1, 16, 16, 16)
_LITTLE = 250
"""Bytes of code that an estimate may always be wrong by: of small kernels, the compiler unrolls some and not others."""
_ALIGNMENT = 8
"""Bytes that a function in assembly may have more or less, depending on where it begins."""

SAME_SCALE = (0.1, 0)


def layers() -> Iterator[Graph]:
    for kind in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
        yield pool(kind, (1, 32, 20, 16), Pool2DAttributes(Padding.VALID, 2, 2, 2, 2), 0.1, 0)
        yield pool(kind, (1, 16, 12, 32), Pool2DAttributes(Padding.SAME, 2, 2, 3, 3), 0.1, 0)
        yield pool(kind, (1, 25, 5, 64), Pool2DAttributes(Padding.VALID, 1, 1, 25, 5), 0.1, 0)
    for kind in ("ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "PRELU", "DIV"):
        yield binary(kind, (SHAPE, SHAPE), [(0.1, -3), (0.07, 5), (0.12, -128)])
        yield binary(kind, (SHAPE, (16,)), [(0.1, -3), (0.07, 5), (0.12, -128)])
    for kind in ("LESS", "NOT_EQUAL"):
        yield compared(kind, (SHAPE, SHAPE), SAME_SCALE, SAME_SCALE)
    values = [rig.tensor(name, SHAPE, *SAME_SCALE) for name in "xyz"]
    yield rig.single("SELECT_V2", [truths("c", SHAPE), *values[:2]], values[2:])
    yield rig.single("LOGICAL_OR", [truths("a", SHAPE), truths("b", SHAPE)], [truths("y", SHAPE)])
    yield rig.single("LOGICAL_NOT", [truths("a", SHAPE)], [truths("y", SHAPE)])
    yield unary("LOGISTIC", SHAPE, SAME_SCALE, (1 / 256, -128))
    yield unary("RELU6", SHAPE, SAME_SCALE, SAME_SCALE)
    yield from (softmax((rows, depth), 0.1, 0, 1.0) for rows, depth in ((1, 12), (16, 10), (1, 100)))
    yield quantize((1000,), 0.1, 0)
    yield dequantize((1000,), 0.1, 0)
    yield from (mean((1, 25, 5, 64), axes, True, SAME_SCALE, (0.09, 3)) for axes in ((1, 2), (3,), (2,)))
    for kind in ("SUM", "REDUCE_MAX"):
        target = (0.9, 3) if kind == "SUM" else SAME_SCALE
        yield from (mean((1, 25, 5, 64), axes, True, SAME_SCALE, target, kind) for axes in ((1, 2), (3,), (2,)))
    yield all_hold((1, 25, 5, 64), (1, 2), True)
    yield from (arg("ARG_MAX", shape, -1) for shape in ((1, 10), (1, 20, 21)))
    yield from (log_softmax((rows, depth), 0.1, 0) for rows, depth in ((1, 12), (16, 10), (1, 100)))
    yield from (l2_normalization((rows, depth), 3) for rows, depth in ((1, 64), (16, 10)))
    yield cumsum((16, 64), 1, SAME_SCALE, SAME_SCALE, CumsumAttributes())
    yield from (add_n(SHAPE, count, SAME_SCALE, (0.3, 0)) for count in (2, 5))
    scales = [(0.05, 3), (0.04, -128), (0.7, 5)]
    for shapes in ([(4, 50, 32), (4, 50, 32), (4, 50, 50)], [(1, 10, 65), (1, 33, 65), (1, 10, 33)]):
        yield product(shapes, BatchMatmulAttributes(adj_y=True), scales)
    yield product([(4, 50, 50), (4, 50, 32), (4, 50, 32)], BatchMatmulAttributes(), scales)
    for filters, inputs, memory, dtype in ((64, 40, 8, np.int16), (40, 64, 16, np.int8)):
        time, bias = np.ones((filters, memory), dtype), np.zeros(filters // 2, np.int32)
        yield svdf(np.ones((filters, inputs), np.int8), time, bias, 2, 1, [0.1] * 5, (3, 0, 0))
    for sizes in (Layer(1, 28, 28, 20), Layer(1, 1, 64, 64)):
        yield lstm(sizes, LstmAttributes(cell_clip=10.0))
    for kernel, shape in ((3, (1, 16, 16, 32)), (4, (1, 8, 8, 64)), (2, (1, 4, 5, 16))):
        weights = np.random.default_rng(0).integers(-127, 128, (16, kernel, kernel, shape[3])).astype(np.int8)
        output = (1, 2 * shape[1], 2 * shape[2], 16)
        attributes = TransposeConvAttributes(Padding.SAME, 2, 2)
        yield transposed(shape, output, weights, None, attributes, Scales(0.05, [0.003], 0.4), (3, -5))
    for kind in ("RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR"):
        yield resized(kind, (1, 8, 10, 32), (16, 20), ResizeAttributes(half_pixel_centers=True))
    yield from moves()
    yield from wide_layers()
    yield from int16_layers()


def wide_layers() -> Iterator[Graph]:
    """On int16, with the forms of rescaling that small weights and small or huge biases lead to."""
    rng, scales = np.random.default_rng(0), Scales(2.0**-12, [2.0**-9], 2.0**-12)
    for bias in (np.zeros(64, np.int64), np.zeros(64, np.int32), np.full(64, 2**40)):
        for shape, weights in [
            ((1, 16, 16, 16), (32, 3, 3, 16)),
            ((1, 25, 5, 64), (64, 1, 1, 64)),
            ((1, 1, 2, 128), (32, 1, 1, 128)),
        ]:
            values, attributes = rng.integers(-40, 41, weights).astype(np.int8), Conv2DAttributes(Padding.SAME, 1, 1)
            yield conv(shape, values, bias[: weights[0]], attributes, scales, (0, 0), DType.INT16)
        for rows, count, depth in ((1, 64, 64), (16, 10, 100)):
            values = rng.integers(-40, 41, (count, depth)).astype(np.int8)
            yield dense(rows, values, bias[:count], FullyConnectedAttributes(), scales)
        if bias.dtype == np.int64:
            yield from with_bias_of_int64(bias, scales)


def with_bias_of_int64(bias: Array, scales: Scales) -> Iterator[Graph]:
    rng = np.random.default_rng(1)
    values = rng.integers(-40, 41, (16, 3, 3, 32)).astype(np.int8)
    shapes, attributes = ((1, 16, 16, 32), (1, 32, 32, 16)), TransposeConvAttributes(Padding.SAME, 2, 2)
    yield transposed(*shapes, values, bias[:16], attributes, scales, (0, 0), DType.INT16)
    for shape, kernel, stride in [
        ((1, 25, 5, 64), (3, 3), 1),
        ((1, 24, 24, 32), (3, 3), 2),
        ((1, 50, 1, 64), (7, 1), 1),
    ]:
        channels = shape[3]
        values = rng.integers(-40, 41, (1, *kernel, channels)).astype(np.int8)
        strides = DepthwiseConv2DAttributes(Padding.SAME, stride, stride)
        yield depthwise(shape, values, bias[:channels], strides, scales, (0, 0), DType.INT16)


def int16_layers() -> Iterator[Graph]:
    """Without weights."""
    for kind in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
        yield widened(pool(kind, (1, 32, 20, 16), Pool2DAttributes(Padding.VALID, 2, 2, 2, 2), 0.1, 0))
        yield widened(pool(kind, (1, 16, 12, 32), Pool2DAttributes(Padding.SAME, 2, 2, 3, 3), 0.1, 0))
        yield widened(pool(kind, (1, 25, 5, 64), Pool2DAttributes(Padding.VALID, 1, 1, 25, 5), 0.1, 0))
    for kind in ("ADD", "MUL", "SQUARED_DIFFERENCE", "MAXIMUM"):
        yield widened(binary(kind, (SHAPE, SHAPE), [(2.0**-12, 0), (3e-4, 0), (5e-4, 0)]))
    yield from (widened(mean((1, 25, 5, 64), axes, True, (0.1, 0), (0.09, 0))) for axes in ((1, 2), (3,), (2,)))
    nearest = ResizeAttributes(half_pixel_centers=True)
    yield widened(resized("RESIZE_NEAREST_NEIGHBOR", (1, 8, 10, 32), (16, 20), nearest))
    yield widened(unary("LEAKY_RELU", SHAPE, (2.0**-12, 0), (3e-4, 0), LeakyReluAttributes(0.25)))
    yield widened(unary("ABS", SHAPE, (2.0**-12, 0), (3e-4, 0)))
    yield widened(unary("RELU", SHAPE, (2.0**-12, 0), (3e-4, 0)))
    yield widened(unary("RELU6", SHAPE, (3e-4, 0), (3e-4, 0)))
    for kind in ("LOGISTIC", "TANH"):
        yield from (widened(unary(kind, SHAPE, (scale, 0), (2.0**-15, 0))) for scale in (2.0**-12, 3e-4))
    yield from (widened(mean((1, 25, 5, 64), axes, True, (3e-4, 0), (2e-4, 0))) for axes in ((1, 2), (3,), (2,)))
    for source, target in (
        (DType.INT16, DType.INT8),
        (DType.INT16, DType.INT32),
        (DType.INT32, DType.INT16),
        (DType.FLOAT32, DType.INT16),
        (DType.INT16, DType.FLOAT32),
    ):
        yield converted(SHAPE, source, target, (2.0**-9, 3e-4))
    yield widened(moved("PAD", SHAPE, [rig.int32("p", [[0, 0], [1, 1], [1, 1], [0, 0]])], [(1, 18, 18, 16)]))
    yield widened(moved("TRANSPOSE", SHAPE, [rig.int32("p", [0, 3, 1, 2])], [SHAPE]))
    yield int16_softmax((16, 12), 1e-4, 1.0)
    yield int16_softmax((1, 1000), 1e-4, 1.0)


def moves() -> Iterator[Graph]:
    yield moved("PAD", SHAPE, [rig.int32("p", [[0, 0], [1, 1], [1, 1], [0, 0]])], [(1, 18, 18, 16)])
    yield moved("TRANSPOSE", SHAPE, [rig.int32("p", [0, 3, 1, 2])], [SHAPE])
    yield moved("TRANSPOSE", SHAPE, [rig.int32("p", [0, 2, 1, 3])], [SHAPE])
    stride = [rig.int32("b", [0] * 4), rig.int32("e", SHAPE), rig.int32("s", [1, 2, 2, 1])]
    yield moved("STRIDED_SLICE", SHAPE, stride, [(1, 8, 8, 16)], StridedSliceAttributes())
    yield moved("SPLIT", SHAPE, [rig.int32("a", 3)], [(1, 16, 16, 8)] * 2, SplitAttributes(2), 1)
    yield moved("REVERSE_V2", SHAPE, [rig.int32("a", [3])], [SHAPE])
    yield moved("BROADCAST_TO", (1, 16, 16, 1), [rig.int32("s", SHAPE)], [SHAPE])
    yield moved("SPACE_TO_DEPTH", SHAPE, [], [(1, 8, 8, 64)], BlockAttributes(2))
    block, edges = rig.int32("b", [2, 2]), rig.int32("e", [[1, 1], [0, 0]])
    yield moved("BATCH_TO_SPACE_ND", (4, 8, 8, 16), [block, edges], [(1, 14, 16, 16)])
    mirrored = [rig.int32("p", [[0, 0], [2, 2], [2, 2], [0, 0]])]
    yield moved("MIRROR_PAD", SHAPE, mirrored, [(1, 20, 20, 16)], MirrorPadAttributes(MirrorMode.REFLECT))
    where = rig.int32("i", np.arange(64) * 3)
    yield chosen("GATHER", rig.tensor("x", (256, 16), 0.5), where, (64, 16), GatherAttributes())
    yield chosen("GATHER_ND", rig.tensor("x", (256, 16), 0.5), rig.int32("i", np.arange(64)[:, None]), (64, 16))
    start = rig.int32("start", [0, 3, 0])
    part = [rig.tensor("x", (1, 64, 16), 0.5), rig.tensor("part", (1, 32, 16), 0.5), start]
    yield rig.single("DYNAMIC_UPDATE_SLICE", part, [rig.tensor("y", (1, 64, 16), 0.5)])
    yield moved("ZEROS_LIKE", SHAPE, [], [SHAPE])
    flags, numbers = truths("x", SHAPE), rig.tensor("y", SHAPE, 0.5)
    yield rig.single("CAST", [flags], [numbers], CastAttributes())
    parts = [rig.tensor(f"x{i}", (1, 16, 16, 24), 0.5, 0) for i in range(2)]
    whole = rig.tensor("y", (1, 16, 16, 48), 0.5, 0)
    yield rig.single("CONCATENATION", parts, [whole], ConcatenationAttributes(3))


def random_values(rng: np.random.Generator, tensor: Tensor) -> Array:
    if tensor.dtype is DType.FLOAT32:
        return rng.normal(0, 5, tensor.shape).astype(np.float32)
    low, high = (0, 2) if tensor.dtype is DType.BOOL else (-128, 128)
    return rng.integers(low, high, tensor.shape).astype(tensor.dtype.numpy)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed")
@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed")
def test_estimates_are_near_the_count(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    cases = []
    for graph in layers():
        inputs = [random_values(rng, graph.tensors[name]) for name in graph.inputs]
        cases += batch.cases_of(graph, inputs)
    far = []
    counts = batch.run_in_qemu(cases, tmp_path)
    sizes = elf.read(tmp_path / "cases.elf").functions
    for number, (case, counted) in enumerate(zip(cases, counts, strict=True)):
        cost, size = case.variant.cost(case.operator), sizes[f"case{number}_layer"]
        what = f"{case.operator.kind} {case.variant.name} {case.operator.output}"
        if not 0.7 < cost.instructions / counted < 1.5:
            far.append(f"{what}: {cost.instructions} instructions, counted {counted}")
        if not 0.7 * size - _LITTLE < cost.code < 2 * size + _LITTLE:
            far.append(f"{what}: {cost.code} bytes of code, measured {size}")
        for name, known in cost.shared:
            if abs(sizes.get(name, known) - known) > _ALIGNMENT:
                far.append(f"{what}: {name} has {sizes[name]} bytes")
    assert not far, "\n".join(far)
