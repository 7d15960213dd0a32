"""A small float network as a file: two convolutions with a pooling behind them, and a matrix product."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from seatool.importers import tflite
from seatool.ir import Array, DType, Graph, Op, Tensor
from seatool.kernels import Activation, Padding
from seatool.kernels.conv_2d import Conv2DAttributes
from seatool.kernels.fully_connected import FullyConnectedAttributes
from seatool.kernels.pool import Pool2DAttributes
from seatool.kernels.view import ReshapeAttributes

SHAPE = (1, 12, 8, 4)


def small_model() -> Graph:
    """Layers conv1, conv2, pool, flatten, dense; each writes the tensor of its name."""
    rng = np.random.default_rng(0)

    def constant(name: str, *shape: int) -> Tensor:
        return Tensor(name, shape, DType.FLOAT32, None, rng.normal(0, 0.2, shape).astype(np.float32))

    tensors = [
        Tensor("x", SHAPE, DType.FLOAT32),
        constant("w1", 8, 3, 3, 4),
        constant("b1", 8),
        Tensor("conv1", (1, 12, 8, 8), DType.FLOAT32),
        constant("w2", 8, 3, 3, 8),
        constant("b2", 8),
        Tensor("conv2", (1, 12, 8, 8), DType.FLOAT32),
        Tensor("pool", (1, 6, 4, 8), DType.FLOAT32),
        Tensor("shape", (2,), DType.INT32, None, np.array([1, 192], np.int32)),
        Tensor("flatten", (1, 192), DType.FLOAT32),
        constant("w5", 5, 192),
        constant("b5", 5),
        Tensor("dense", (1, 5), DType.FLOAT32),
    ]
    conv = Conv2DAttributes(Padding.SAME, 1, 1, Activation.RELU)
    ops = (
        Op("conv1", "CONV_2D", ("x", "w1", "b1"), ("conv1",), conv),
        Op("conv2", "CONV_2D", ("conv1", "w2", "b2"), ("conv2",), conv),
        Op("pool", "MAX_POOL_2D", ("conv2",), ("pool",), Pool2DAttributes(Padding.VALID, 2, 2, 2, 2)),
        Op("flatten", "RESHAPE", ("pool", "shape"), ("flatten",), ReshapeAttributes((1, 192))),
        Op("dense", "FULLY_CONNECTED", ("flatten", "w5", "b5"), ("dense",), FullyConnectedAttributes()),
    )
    return Graph("small", {tensor.name: tensor for tensor in tensors}, ops, ("x",), ("dense",))


def inputs(count: int) -> Array:
    """Random inputs along a first axis."""
    return np.random.default_rng(1).normal(0, 1, (count, *SHAPE[1:])).astype(np.float32)


def write_small_model(folder: Path) -> tuple[Path, Path]:
    """The model's file and a file of calibration data, in ``folder``."""
    model, calibration = folder / "small.tflite", folder / "calibration.npy"
    model.write_bytes(tflite.write(small_model()))
    np.save(calibration, inputs(16))
    return model, calibration
