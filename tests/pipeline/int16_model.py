"""A small network on int16 activations with int8 weights: every operator with weights, sums of both kinds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from seatool.ir import DType, Graph, Op, Quantization, Tensor
from seatool.kernels import Activation, Padding
from seatool.kernels.binary import BinaryAttributes
from seatool.kernels.conv_2d import Conv2DAttributes
from seatool.kernels.depthwise_conv_2d import DepthwiseConv2DAttributes
from seatool.kernels.fully_connected import FullyConnectedAttributes
from seatool.kernels.mean import ReducerAttributes
from seatool.kernels.pool import Pool2DAttributes
from seatool.kernels.transpose_conv import TransposeConvAttributes

SCALE, WEIGHT_SCALE = 2.0**-12, 2.0**-9
_INT32 = 2


def int16_functions() -> Graph:
    """Layers without weights: max, average, sum, border, curve and mean."""

    def activation(name: str, *shape: int, scale: float = SCALE) -> Tensor:
        return Tensor(name, shape, DType.INT16, Quantization.per_tensor(scale, 0))

    def constant(name: str, values: Sequence[object]) -> Tensor:
        data = np.array(values, np.int32)
        return Tensor(name, data.shape, DType.INT32, None, data)

    tensors = [
        activation("x", 1, 10, 8, 6),
        *(activation("max", 1, 5, 4, 6), activation("average", 1, 5, 4, 6), activation("sum", 1, 5, 4, 6)),
        *(constant("amounts", [[0, 0], [1, 1], [0, 2], [0, 0]]), activation("border", 1, 7, 6, 6)),
        activation("curve", 1, 7, 6, 6, scale=2.0**-15),
        *(constant("axes", [1, 2]), activation("mean", 1, 6, scale=2.0**-15)),
    ]
    windows = Pool2DAttributes(Padding.VALID, 2, 2, 2, 2)
    ops = (
        Op("max", "MAX_POOL_2D", ("x",), ("max",), windows),
        Op("average", "AVERAGE_POOL_2D", ("x",), ("average",), windows),
        Op("sum", "ADD", ("max", "average"), ("sum",), BinaryAttributes(), 2),
        Op("border", "PAD", ("sum", "amounts"), ("border",)),
        Op("curve", "TANH", ("border",), ("curve",)),
        Op("mean", "MEAN", ("curve", "axes"), ("mean",), ReducerAttributes()),
    )
    return Graph("functions", {tensor.name: tensor for tensor in tensors}, ops, ("x",), ("mean",))


def int16_model() -> Graph:
    """Layers conv (sums in int32), depthwise, transposed, few (one pixel, no bias) and dense."""
    rng = np.random.default_rng(0)

    def activation(name: str, *shape: int) -> Tensor:
        return Tensor(name, shape, DType.INT16, Quantization.per_tensor(SCALE, 0))

    def weights(name: str, axis: int, *shape: int) -> Tensor:
        quant = Quantization((WEIGHT_SCALE,) * shape[axis], (0,) * shape[axis], axis)
        return Tensor(name, shape, DType.INT8, quant, rng.integers(-60, 61, shape).astype(np.int8))

    def bias(name: str, dtype: DType, count: int) -> Tensor:
        quant = Quantization((SCALE * WEIGHT_SCALE,) * count, (0,) * count, 0)
        return Tensor(name, (count,), dtype, quant, rng.integers(-(2**22), 2**22, count).astype(dtype.numpy))

    same = Padding.SAME
    tensors = [
        activation("x", 1, 10, 8, 3),
        *(weights("w1", 0, 8, 3, 3, 3), bias("b1", DType.INT32, 8), activation("conv", 1, 10, 8, 8)),
        *(weights("w2", 3, 1, 3, 3, 8), bias("b2", DType.INT64, 8), activation("depthwise", 1, 5, 4, 8)),
        Tensor("shape", (4,), DType.INT32, None, np.array([1, 10, 8, 6], np.int32)),
        *(weights("w3", 0, 6, 2, 2, 8), bias("b3", DType.INT64, 6), activation("transposed", 1, 10, 8, 6)),
        *(weights("w4", 0, 12, 10, 8, 6), activation("few", 1, 1, 1, 12)),
        *(weights("w5", 0, 5, 12), bias("b5", DType.INT64, 5), activation("dense", 1, 5)),
    ]
    transposed = TransposeConvAttributes(same, 2, 2)
    few = Conv2DAttributes(Padding.VALID, 1, 1, quantized_bias_type=_INT32)
    ops = (
        Op("conv", "CONV_2D", ("x", "w1", "b1"), ("conv",), Conv2DAttributes(same, 1, 1, Activation.RELU)),
        Op(
            "depthwise",
            "DEPTHWISE_CONV_2D",
            ("conv", "w2", "b2"),
            ("depthwise",),
            DepthwiseConv2DAttributes(same, 2, 2),
        ),
        Op("transposed", "TRANSPOSE_CONV", ("shape", "w3", "depthwise", "b3"), ("transposed",), transposed, 3),
        Op("few", "CONV_2D", ("transposed", "w4"), ("few",), few),
        Op("dense", "FULLY_CONNECTED", ("few", "w5", "b5"), ("dense",), FullyConnectedAttributes()),
    )
    return Graph("wide", {tensor.name: tensor for tensor in tensors}, ops, ("x",), ("dense",))
