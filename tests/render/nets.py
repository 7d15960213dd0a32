"""Small quantized networks for rendering: every kind of edge that generated code has to get right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from seatool.ir import Array, DType, Graph, Op, Quantization, State, Tensor
from seatool.kernels import Activation, Padding
from seatool.kernels.binary import BinaryAttributes
from seatool.kernels.conv_2d import Conv2DAttributes
from seatool.kernels.depthwise_conv_2d import DepthwiseConv2DAttributes
from seatool.kernels.fully_connected import FullyConnectedAttributes
from seatool.kernels.joining import ConcatenationAttributes, SplitAttributes
from seatool.kernels.lstm import LstmAttributes
from seatool.kernels.pool import Pool2DAttributes
from seatool.kernels.softmax import SoftmaxAttributes
from seatool.kernels.svdf import SvdfAttributes
from seatool.kernels.view import ReshapeAttributes


def act(name: str, shape: tuple[int, ...], scale: float = 0.05, zero_point: int = -4) -> Tensor:
    """An int8 activation."""
    return Tensor(name, shape, DType.INT8, Quantization.per_tensor(scale, zero_point))


def pool(name: str, before: str, after: str, size: int = 2, kind: str = "MAX_POOL_2D") -> Op:
    """A pooling with square windows."""
    return Op(name, kind, (before,), (after,), Pool2DAttributes(Padding.SAME, size, size, size, size), 2)


def binary(kind: str, name: str, inputs: tuple[str, str], after: str) -> Op:
    """ADD, SUB or MUL."""
    return Op(name, kind, inputs, (after,), BinaryAttributes(), 2)


def table(*tensors: Tensor) -> dict[str, Tensor]:
    """Tensors by name."""
    return {tensor.name: tensor for tensor in tensors}


def residual() -> Graph:
    """Two inputs and two outputs, a constant operand, results in place; names that C would not take."""
    rng = np.random.default_rng(1)
    factor = rng.integers(-128, 128, (1, 1, 1, 6)).astype(np.int8)
    quant = Quantization.per_tensor(0.01, 3)
    tensors = table(
        act('serving/x:0 */ "q"', (1, 8, 6, 6)),
        act("y??/", (1, 8, 6, 6), 0.02, 7),
        Tensor("factor", (1, 1, 1, 6), DType.INT8, quant, factor),
        act("sum", (1, 8, 6, 6), 0.07, 1),
        act("scaled", (1, 8, 6, 6), 0.06, -2),
        act("small", (1, 4, 3, 6), 0.06, -2),
        act("mean", (1, 2, 2, 6), 0.06, -2),
    )
    x, y = list(tensors)[:2]
    ops = (
        binary("ADD", "int", (x, y), "sum"),
        binary("MUL", "while", ("sum", "factor"), "scaled"),
        pool("run", "scaled", "small"),
        pool("input", "small", "mean", kind="AVERAGE_POOL_2D"),
    )
    return Graph("net", tensors, ops, (x, y), ("small", "mean"))


def constant(name: str, data: Array, scale: float | tuple[float, ...] | None = None, axis: int | None = None) -> Tensor:
    """A constant; quantized with zero point 0 where there is a scale."""
    quant = None
    if scale is not None:
        scales = scale if isinstance(scale, tuple) else (scale,)
        quant = Quantization(tuple(float(np.float32(s)) for s in scales), (0,) * len(scales), axis)
    return Tensor(name, data.shape, DType(data.dtype.name), quant, data)


def _weights(rng: np.random.Generator, name: str, shape: tuple[int, ...], axis: int) -> Tensor:
    scales = tuple(rng.uniform(0.002, 0.01, shape[axis]))
    return constant(name, rng.integers(-127, 128, shape).astype(np.int8), scales, axis)


def _bias(rng: np.random.Generator, name: str, count: int, scale: float | None = None) -> Tensor:
    return constant(name, rng.integers(-2000, 2000, count).astype(np.int32), scale)


def _classifier_tensors() -> dict[str, Tensor]:
    rng = np.random.default_rng(2)
    return table(
        Tensor("picture", (1, 9, 11, 3), DType.FLOAT32),
        act("pixels", (1, 9, 11, 3), 0.02, 5),
        _weights(rng, "w1", (8, 3, 3, 3), 0),
        _bias(rng, "b1", 8),
        act("edges", (1, 9, 11, 8), 0.04, -128),
        _weights(rng, "w2", (1, 3, 3, 8), 3),
        _bias(rng, "b2", 8),
        act("deep", (1, 5, 6, 8), 0.05, -3),
        constant("axis", np.array([3], np.int32)),
        act("left", (1, 5, 6, 4), 0.05, -3),
        act("right", (1, 5, 6, 4), 0.05, -3),
        act("sum", (1, 5, 6, 4), 0.06, 2),
        act("both", (1, 5, 6, 8), 0.06, 2),
        act("curved", (1, 5, 6, 8), 1 / 256, -128),
        act("pooled", (1, 3, 3, 8), 1 / 256, -128),
        constant("shape", np.array([1, 72], np.int32)),
        act("flat", (1, 72), 1 / 256, -128),
        _weights(rng, "w3", (5, 72), 0),
        _bias(rng, "b3", 5),
        act("logits", (1, 5), 0.02, 1),
        act("odds", (1, 5), 1 / 256, -128),
        Tensor("probabilities", (1, 5), DType.FLOAT32),
    )


def classifier() -> Graph:
    """Float in, float out: every family of operators on the way from a picture to probabilities."""
    conv = Conv2DAttributes(Padding.SAME, 1, 1, Activation.RELU)
    ops = (
        Op("quantize", "QUANTIZE", ("picture",), ("pixels",)),
        Op("conv", "CONV_2D", ("pixels", "w1", "b1"), ("edges",), conv, 3),
        Op(
            "deep",
            "DEPTHWISE_CONV_2D",
            ("edges", "w2", "b2"),
            ("deep",),
            DepthwiseConv2DAttributes(Padding.SAME, 2, 2),
            3,
        ),
        Op("split", "SPLIT", ("axis", "deep"), ("left", "right"), SplitAttributes(2), 2),
        binary("ADD", "add", ("left", "right"), "sum"),
        Op("both", "CONCATENATION", ("sum", "sum"), ("both",), ConcatenationAttributes(3), 2),
        Op("curve", "LOGISTIC", ("both",), ("curved",)),
        pool("pool", "curved", "pooled"),
        Op("flatten", "RESHAPE", ("pooled", "shape"), ("flat",), ReshapeAttributes((1, 72))),
        Op("dense", "FULLY_CONNECTED", ("flat", "w3", "b3"), ("logits",), FullyConnectedAttributes(), 4),
        Op("softmax", "SOFTMAX", ("logits",), ("odds",), SoftmaxAttributes(1.0), 2),
        Op("dequantize", "DEQUANTIZE", ("odds",), ("probabilities",), version=2),
    )
    return Graph("classifier", _classifier_tensors(), ops, ("picture",), ("probabilities", "flat"))


def pointwise() -> Graph:
    """A 1x1 convolution of one pixel, as behind a global average."""
    rng = np.random.default_rng(3)
    tensors = table(
        act("x", (1, 1, 1, 24)), _weights(rng, "w", (5, 1, 1, 24), 0), _bias(rng, "b", 5), act("y", (1, 1, 1, 5))
    )
    ops = (Op("conv", "CONV_2D", ("x", "w", "b"), ("y",), Conv2DAttributes(Padding.VALID, 1, 1), 3),)
    return Graph("head", tensors, ops, ("x",), ("y",))


def filters() -> Graph:
    """Two layers that remember their last inputs, in two types, behind and before what remembers nothing."""
    rng = np.random.default_rng(5)
    quant = Quantization.per_tensor(0.02, 0)
    tensors = table(
        act("sound", (1, 20)),
        act("more", (1, 20), 0.05, 3),
        act("sum", (1, 20), 0.07, 1),
        constant("w1", rng.integers(-127, 128, (12, 20)).astype(np.int8), 0.005),
        constant("t1", rng.integers(-999, 1000, (12, 5)).astype(np.int16), 0.0005),
        _bias(rng, "b1", 6, 0.02 * 0.0005),
        Tensor("heard", (1, 60), DType.INT16, quant),
        Tensor("heard/next", (1, 60), DType.INT16, quant),
        act("middle", (1, 6), 0.3, -7),
        constant("w2", rng.integers(-127, 128, (9, 6)).astype(np.int8), 0.005),
        constant("t2", rng.integers(-127, 128, (9, 3)).astype(np.int8), 0.01),
        _bias(rng, "b2", 9, 0.04 * 0.01),
        act("recalled", (1, 27), 0.04, 0),
        act("recalled/next", (1, 27), 0.04, 0),
        act("y", (1, 9), 0.02, 0),
    )
    ops = (
        binary("ADD", "add", ("sound", "more"), "sum"),
        Op("first", "SVDF", ("sum", "w1", "t1", "b1", "heard"), ("middle", "heard/next"), SvdfAttributes(2), 3),
        Op("second", "SVDF", ("middle", "w2", "t2", "b2", "recalled"), ("y", "recalled/next"), SvdfAttributes(1), 4),
    )
    states = (
        State("heard", "heard/next", np.zeros((1, 60), np.int16)),
        State("recalled", "recalled/next", np.zeros((1, 27), np.int8)),
    )
    return Graph("filters", tensors, ops, ("sound", "more"), ("y",), states=states)


def recurrent() -> Graph:
    """A layer of six LSTM units over three steps, which keeps two states, and a function of what they show."""
    rng = np.random.default_rng(6)
    gates = [_weights(rng, f"w{i}", (6, 5), 0) for i in range(4)] + [
        _weights(rng, f"r{i}", (6, 6), 0) for i in range(4)
    ]
    gates = [replace(t, quant=Quantization.per_tensor(0.01, 0)) for t in gates]
    biases = [_bias(rng, f"b{i}", 6) for i in range(4)]
    cells = Quantization.per_tensor(2.0**-11, 0)
    shown = [act(name, shape, 1 / 128, 0) for name, shape in (("h", (1, 6)), ("h/next", (1, 6)), ("shown", (1, 3, 6)))]
    kept = [Tensor(name, (1, 6), DType.INT16, cells) for name in ("c", "c/next")]
    tensors = table(act("x", (1, 3, 5)), *gates, *biases, *shown, *kept, act("y", (1, 3, 6), 1 / 256, -128))
    names = [tensor.name for tensor in (*gates, *biases)]
    inputs = ("x", *names[:8], None, None, None, *names[8:], None, None, "h", "c", None, None, None, None)
    attributes = LstmAttributes(cell_clip=10.0)
    ops = (
        Op("lstm", "UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, ("shown", "h/next", "c/next"), attributes),
        Op("curve", "LOGISTIC", ("shown",), ("y",)),
    )
    states = (
        State("h", "h/next", np.zeros((1, 6), np.int8)),
        State("c", "c/next", np.zeros((1, 6), np.int16)),
    )
    return Graph("recurrent", tensors, ops, ("x",), ("y",), states=states)


def inputs_of(graph: Graph, count: int, seed: int = 0) -> list[tuple[Array, ...]]:
    """Random and extreme values for the inputs of ``graph``."""
    rng = np.random.default_rng(seed)
    tensors = [graph.tensors[name] for name in graph.inputs]
    return [tuple(_values(rng, tensor, number) for tensor in tensors) for number in range(count)]


def _values(rng: np.random.Generator, tensor: Tensor, number: int) -> Array:
    if tensor.dtype is DType.FLOAT32:
        return rng.normal(0, 10**number, tensor.shape).astype(np.float32)
    low, high = {1: (127, 128), 2: (-128, -127)}.get(number, (-128, 128))
    return rng.integers(low, high, tensor.shape).astype(np.int8)
