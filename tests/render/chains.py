"""Chains of convolutions and poolings with random weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from nets import act, table
from nets import constant as make_constant
from seatool.ir import DType, Graph, Op, Quantization, Tensor
from seatool.kernels import Activation, Padding
from seatool.kernels.conv_2d import Conv2DAttributes
from seatool.kernels.depthwise_conv_2d import DepthwiseConv2DAttributes
from seatool.kernels.pool import Pool2DAttributes
from seatool.kernels.window import Axis


@dataclass(frozen=True)
class Layer:
    """A convolution ("conv", "depthwise") or a pooling ("max", "average") with square windows.

    ``channels`` are the outputs of a "conv"; ``kernel`` 0 takes in all of the image.
    """

    kind: str
    channels: int = 0
    kernel: int = 3
    stride: int = 1
    padding: Padding = Padding.SAME


def conv(channels: int, kernel: int = 3, stride: int = 1, padding: Padding = Padding.SAME) -> Layer:
    return Layer("conv", channels, kernel, stride, padding)


def depthwise(stride: int = 1) -> Layer:
    return Layer("depthwise", stride=stride)


HALF, ALL = Layer("max", kernel=2, stride=2, padding=Padding.VALID), Layer("max", kernel=0, padding=Padding.VALID)
CHAINS: dict[str, tuple[tuple[int, int, int], tuple[Layer, ...]]] = {
    "student": ((12, 10, 1), (conv(8), conv(8), HALF, conv(12), conv(12), ALL)),
    "ragged": ((19, 13, 5), (conv(6, padding=Padding.VALID), conv(7), HALF, conv(9, padding=Padding.VALID))),
    "shrinking": ((23, 9, 8), (conv(8), HALF, conv(4), HALF)),
    "mobile": ((21, 18, 3), (conv(8, stride=2), depthwise(), conv(12, kernel=1), depthwise(2), conv(7, kernel=1))),
    "strided": ((26, 17, 2), (conv(6, 5), Layer("average", kernel=3, stride=2), conv(5, 4, 2), Layer("max", stride=2))),
}


class Chain:
    """A graph under construction."""

    def __init__(self, shape: tuple[int, int, int], seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.tensors, self.ops = table(act("x", (1, *shape), 0.05, -7)), []
        self.last = "x"

    def add(self, layer: Layer) -> None:
        _, height, width, depth = self.tensors[self.last].shape
        number, after, quant = len(self.ops), f"t{len(self.ops)}", self.tensors[self.last].quant
        kernel = (layer.kernel, layer.kernel) if layer.kernel else (height, width)
        y, x = (Axis.of(layer.padding, n, k, layer.stride) for n, k in zip((height, width), kernel, strict=True))
        activation = Activation.RELU if number % 2 else Activation.NONE
        inputs = (self.last,)
        if layer.kind in ("conv", "depthwise"):
            of_channels = layer.kind == "depthwise"
            count = depth if of_channels else layer.channels
            inputs += self.constants(
                number, (1, *kernel, depth) if of_channels else (count, *kernel, depth), of_channels
            )
            make = DepthwiseConv2DAttributes if of_channels else Conv2DAttributes
            options = make(layer.padding, layer.stride, layer.stride, fused_activation_function=activation)
            kind, depth = "DEPTHWISE_CONV_2D" if of_channels else "CONV_2D", count
            quant = Quantization.per_tensor(float(np.float32(0.3)), -128 if number % 2 else 5)
        else:
            kind = f"{layer.kind.upper()}_POOL_2D"
            options = Pool2DAttributes(layer.padding, layer.stride, layer.stride, *kernel)
        self.ops.append(Op(f"{layer.kind}{number}", kind, inputs, (after,), options, 3 if len(inputs) > 1 else 2))
        self.tensors[after] = Tensor(after, (1, y.output, x.output, depth), DType.INT8, quant)
        self.last = after

    def constants(self, number: int, shape: tuple[int, ...], of_channels: bool) -> tuple[str, str]:
        """Random weights and bias."""
        axis = 3 if of_channels else 0
        weights, count = self.rng.integers(-40, 41, shape).astype(np.int8), shape[axis]
        scales = tuple(self.rng.uniform(0.002, 0.01, count))
        bias = self.rng.integers(-2000, 2000, count).astype(np.int32)
        self.tensors |= table(
            make_constant(f"w{number}", weights, scales, axis), Tensor(f"b{number}", (count,), DType.INT32, None, bias)
        )
        return f"w{number}", f"b{number}"


def network(name: str) -> Graph:
    """A chain of layers with random weights."""
    shape, layers = CHAINS[name]
    chain = Chain(shape, len(name))
    for layer in layers:
        chain.add(layer)
    return Graph("chain", chain.tensors, tuple(chain.ops), ("x",), (chain.last,))
