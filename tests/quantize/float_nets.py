"""Small float networks with every operator that quantization treats in its own way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from seatool.ir import Array, DType, Graph, Op, Tensor
from seatool.kernels import Activation, Padding, operators
from seatool.kernels.window import Axis

CLAMPS = (Activation.NONE, Activation.RELU, Activation.RELU6, Activation.RELU_N1_TO_1)


class FloatNet:
    """A float network grown layer by layer; ``now`` is the tensor that the next layer reads.

    Args:
        shape: Of the input ``x``.
        seed: Of all weights and random choices.
    """

    def __init__(self, shape: tuple[int, ...] = (1, 6, 5, 3), seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.tensors = {"x": Tensor("x", shape, DType.FLOAT32)}
        self.ops: list[Op] = []
        self.now = "x"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.tensors[self.now].shape

    def graph(self, *outputs: str) -> Graph:
        return Graph("net", self.tensors, tuple(self.ops), ("x",), outputs or (self.now,))

    def constant(self, data: Array) -> str:
        name = f"c{len(self.tensors)}"
        self.tensors[name] = Tensor(name, data.shape, DType(data.dtype.name), None, data)
        return name

    def normal(self, *shape: int, spread: float = 1.0) -> str:
        """A constant of normal numbers."""
        return self.constant((spread * self.rng.standard_normal(shape)).astype(np.float32))

    def integers(self, *values: int) -> str:
        return self.constant(np.array(values, np.int32))

    def add(
        self,
        kind: str,
        *inputs: str | None,
        shape: tuple[int, ...] | None = None,
        dtype: DType = DType.FLOAT32,
        **fields: Any,
    ) -> str:
        """Append an operator; its output ``<kind>_<n>`` has the shape of the current tensor if none is given."""
        name = f"{kind.lower()}_{len(self.ops)}"
        family = operators()[kind]
        assert family.tflite is not None
        raw = {field.name: field.default for field in family.tflite.fields} | fields
        self.ops.append(Op(name, kind, inputs, (name,), family.parse(raw), family.tflite.versions.start))
        self.tensors[name] = Tensor(name, shape or self.shape, dtype)
        self.now = name
        return name

    def clamp(self) -> int:
        return int(self.rng.choice(CLAMPS))

    def window(self, kernel: int, stride: int, padding: Padding) -> tuple[int, int]:
        """Height and width of what a square window makes of the current tensor."""
        y, x = (Axis.of(padding, size, kernel, stride) for size in self.shape[1:3])
        return y.output, x.output

    def conv_2d(self, channels: int = 4, kernel: int = 3, stride: int = 1, bias: bool = True) -> str:
        weights = self.normal(channels, kernel, kernel, self.shape[3], spread=0.3)
        return self.add(
            "CONV_2D",
            self.now,
            weights,
            self.normal(channels) if bias else None,
            shape=(1, *self.window(kernel, stride, Padding.SAME), channels),
            padding=Padding.SAME,
            stride_w=stride,
            stride_h=stride,
            fused_activation_function=self.clamp(),
        )

    def depthwise_conv_2d(self, multiplier: int = 2) -> str:
        channels = self.shape[3] * multiplier
        return self.add(
            "DEPTHWISE_CONV_2D",
            self.now,
            self.normal(1, 3, 3, channels),
            self.normal(channels),
            shape=(*self.shape[:3], channels),
            padding=Padding.SAME,
            stride_w=1,
            stride_h=1,
            depth_multiplier=multiplier,
            fused_activation_function=self.clamp(),
        )

    def pool(self, kind: str = "MAX_POOL_2D") -> str:
        return self.add(
            kind,
            self.now,
            shape=(1, *self.window(2, 2, Padding.SAME), self.shape[3]),
            padding=Padding.SAME,
            stride_w=2,
            stride_h=2,
            filter_width=2,
            filter_height=2,
            fused_activation_function=self.clamp(),
        )

    def average_pool(self) -> str:
        return self.pool("AVERAGE_POOL_2D")

    def normalize(self) -> str:
        """MUL and ADD of constants per channel, as a BatchNormalization leaves them."""
        channels = self.shape[-1]
        self.add("MUL", self.now, self.normal(channels), fused_activation_function=Activation.NONE)
        return self.add("ADD", self.now, self.normal(channels), fused_activation_function=self.clamp())

    def residual(self) -> str:
        before = self.now
        self.conv_2d(self.shape[3])
        kind = str(self.rng.choice(["ADD", "SUB", "MUL"]))
        return self.add(kind, self.now, before, fused_activation_function=self.clamp())

    def branch(self) -> str:
        """A convolution and a bounded function of the same tensor, concatenated: the latter must be requantized."""
        before = self.now
        convolved = self.conv_2d(2)
        self.now = before
        bounded = self.add("LOGISTIC", before)
        shape = (*self.shape[:3], self.shape[3] + 2)
        return self.add("CONCATENATION", convolved, bounded, shape=shape, axis=3, fused_activation_function=0)

    def pad(self) -> str:
        amounts = self.constant(np.array([[0, 0], [1, 0], [1, 0], [0, 0]], np.int32))
        shape = (1, self.shape[1] + 1, self.shape[2] + 1, self.shape[3])
        if self.rng.random() < 0.5:
            return self.add("PAD", self.now, amounts, shape=shape)
        value = self.constant(np.array(self.rng.choice([-np.inf, 2.5]), np.float32))
        self.add("PADV2", self.now, amounts, value, shape=shape)
        return self.pool()

    def transpose(self) -> str:
        shape = tuple(self.shape[i] for i in (0, 2, 1, 3))
        return self.add("TRANSPOSE", self.now, self.integers(0, 2, 1, 3), shape=shape)

    def relu(self) -> str:
        return self.add(str(self.rng.choice(["RELU", "RELU6"])), self.now)

    def mean(self) -> str:
        return self.add("MEAN", self.now, self.integers(1, 2), shape=(1, 1, 1, self.shape[3]), keep_dims=True)

    def fully_connected(self, units: int = 5) -> str:
        weights = self.normal(units, self.tensors[self.now].elements, spread=0.3)
        bias = self.normal(units)
        return self.add(
            "FULLY_CONNECTED", self.now, weights, bias, shape=(1, units), fused_activation_function=self.clamp()
        )

    def softmax(self) -> str:
        return self.add("SOFTMAX", self.now, beta=1.0)

    def tanh(self) -> str:
        return self.add("TANH", self.now)


LAYERS: tuple[Callable[[FloatNet], str], ...] = (
    FloatNet.conv_2d,
    FloatNet.depthwise_conv_2d,
    FloatNet.pool,
    FloatNet.average_pool,
    FloatNet.normalize,
    FloatNet.residual,
    FloatNet.branch,
    FloatNet.pad,
    FloatNet.transpose,
    FloatNet.relu,
    FloatNet.mean,
    FloatNet.tanh,
)
HEADS: tuple[Callable[[FloatNet], str], ...] = (FloatNet.fully_connected, FloatNet.softmax, FloatNet.conv_2d)


def inputs(graph: Graph, count: int, seed: int = 1) -> list[tuple[Array, ...]]:
    """Normal numbers for every input of ``graph``."""
    rng = np.random.default_rng(seed)
    shapes = [graph.tensors[name].shape for name in graph.inputs]
    return [tuple(rng.standard_normal(shape).astype(np.float32) for shape in shapes) for _ in range(count)]


def small_net(seed: int = 0) -> Graph:
    """Two convolutions, a pool and a dense layer with a softmax."""
    net = FloatNet(seed=seed)
    for layer in (FloatNet.conv_2d, FloatNet.pool, FloatNet.depthwise_conv_2d, FloatNet.fully_connected):
        layer(net)
    net.softmax()
    return net.graph()
