"""What each Keras layer becomes: one function per class, from a layer, its weights and its input tensors to operators.

Weight layouts: Keras keeps convolution kernels as HWIO and dense kernels as (in, out); TFLite as OHWI and (out, in).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from seatool.importers.keras.config import Layer
from seatool.importers.keras.emitter import ACTIVATIONS, Emitter
from seatool.importers.keras.hdf5 import Weights
from seatool.ir import Array, DType
from seatool.kernels import Padding
from seatool.kernels.window import Axis

Convert = Callable[[Emitter, Layer, list[str], Weights], str]

CONVERTERS: dict[str, Convert] = {}
"""The function of each class; InputLayer and the audio layers are handled by the reader."""


def converts(*kinds: str) -> Callable[[Convert], Convert]:
    def register(function: Convert) -> Convert:
        CONVERTERS.update(dict.fromkeys(kinds, function))
        return function

    return register


def limits(layer: Layer) -> Iterator[str]:
    """Why the settings of a layer of a known class are not supported; empty when they are."""
    if layer.raw("data_format", "channels_last") not in ("channels_last", None):
        yield "data_format must be channels_last"
    if layer.raw("padding", "valid") not in ("valid", "same") and layer.kind != "ZeroPadding2D":
        yield f"padding {layer.raw('padding')!r}"
    activation = layer.raw("activation", "linear")
    if activation is not None and (not isinstance(activation, str) or activation not in ACTIVATIONS):
        yield f"activation {activation!r} (supported: {', '.join(sorted(ACTIVATIONS))})"
    if layer.kind == "ReLU":
        shape = [layer.raw(key) or 0 for key in ("max_value", "negative_slope", "threshold")]
        if shape not in ([0, 0, 0], [6, 0, 0]):
            yield "only ReLU and ReLU6, without slope or threshold"
    if layer.kind == "Softmax" and layer.raw("axis", -1) not in (-1, [-1]):
        yield f"axis {layer.raw('axis')}, only the last one"


def _take(layer: Layer, weights: Weights, **shapes: tuple[int, ...]) -> Iterator[Array]:
    """The layer's weights in order, checked against the shapes that its settings and inputs imply."""
    if len(weights) != len(shapes):
        names = ", ".join(name for name, _ in weights) or "nothing"
        layer.fail(f"the file should hold {', '.join(shapes)} but has {names}")
    for (role, shape), (_, value) in zip(shapes.items(), weights, strict=True):
        if value.shape != shape:
            layer.fail(f"{role} has shape {list(value.shape)}, expected {list(shape)}")
        yield value


def _image(emit: Emitter, layer: Layer, tensor: str) -> tuple[int, int, int]:
    shape = emit.shape(tensor)
    if len(shape) != 4:
        layer.fail(f"needs an image (height, width, channels), got {list(shape[1:])}")
    return shape[1], shape[2], shape[3]


def _one(layer: Layer, inputs: list[str]) -> str:
    if len(inputs) != 1:
        layer.fail(f"takes one input, has {len(inputs)}")
    return inputs[0]


def _windows(
    layer: Layer, size: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]
) -> tuple[Padding, tuple[int, int]]:
    """Padding and output size of a sliding window."""
    padding = Padding[layer.text("padding", "valid").upper()]
    axes = [Axis.of(padding, size[i], kernel[i], stride[i], dilation[i]).output for i in (0, 1)]
    if min(axes) < 1:
        layer.fail(f"its window {list(kernel)} is larger than its input {list(size)}")
    return padding, (axes[0], axes[1])


def _convolution(
    emit: Emitter, layer: Layer, x: str, kernel: Array, bias: Array | None, depth: int | None = None, role: str = ""
) -> str:
    """A convolution with ``kernel`` in TFLite's layout; ``depth``: the depth multiplier of a depthwise one."""
    height, width, _ = _image(emit, layer, x)
    unit = role == "pointwise_"
    strides, dilation = (
        ((1, 1), (1, 1)) if unit else (layer.pair("strides", (1, 1)), layer.pair("dilation_rate", (1, 1)))
    )
    padding, size = _windows(layer, (height, width), (kernel.shape[1], kernel.shape[2]), strides, dilation)
    channels = kernel.shape[0] if depth is None else kernel.shape[3]
    fields = {} if depth is None else {"depth_multiplier": depth}
    return emit.add(
        layer,
        "CONV_2D" if depth is None else "DEPTHWISE_CONV_2D",
        (
            x,
            emit.constant(layer, f"{role}kernel", kernel),
            emit.constant(layer, f"{role}bias", np.zeros(channels) if bias is None else bias),
        ),
        (1, *size, channels),
        padding=padding,
        stride_h=strides[0],
        stride_w=strides[1],
        dilation_h_factor=dilation[0],
        dilation_w_factor=dilation[1],
        **fields,
    )


def _bias(layer: Layer, size: int) -> dict[str, tuple[int, ...]]:
    return {"bias": (size,)} if layer.flag("use_bias", True) else {}


@converts("Conv2D", "Convolution2D")
def _conv2d(emit: Emitter, layer: Layer, inputs: list[str], weights: Weights) -> str:
    x = _one(layer, inputs)
    channels, filters, groups = _image(emit, layer, x)[2], layer.integer("filters"), layer.integer("groups", 1)
    if channels % groups or filters % groups:
        layer.fail(f"{channels} channels and {filters} filters cannot be split into {groups} groups")
    shapes = {"kernel": (*layer.pair("kernel_size"), channels // groups, filters), **_bias(layer, filters)}
    kernel, *bias = _take(layer, weights, **shapes)
    y = _convolution(emit, layer, x, kernel.transpose(3, 0, 1, 2), bias[0] if bias else None)
    return emit.activation(layer, layer.text("activation", "linear"), y)


@converts("DepthwiseConv2D")
def _depthwise_conv2d(emit: Emitter, layer: Layer, inputs: list[str], weights: Weights) -> str:
    x = _one(layer, inputs)
    channels, depth = _image(emit, layer, x)[2], layer.integer("depth_multiplier", 1)
    height, width = layer.pair("kernel_size")
    shapes = {"depthwise_kernel": (height, width, channels, depth), **_bias(layer, channels * depth)}
    kernel, *bias = _take(layer, weights, **shapes)
    kernel = kernel.reshape(1, height, width, channels * depth)
    y = _convolution(emit, layer, x, kernel, bias[0] if bias else None, depth)
    return emit.activation(layer, layer.text("activation", "linear"), y)


@converts("SeparableConv2D", "SeparableConvolution2D")
def _separable_conv2d(emit: Emitter, layer: Layer, inputs: list[str], weights: Weights) -> str:
    x = _one(layer, inputs)
    channels, depth, filters = _image(emit, layer, x)[2], layer.integer("depth_multiplier", 1), layer.integer("filters")
    height, width = layer.pair("kernel_size")
    shapes = {
        "depthwise_kernel": (height, width, channels, depth),
        "pointwise_kernel": (1, 1, channels * depth, filters),
        **_bias(layer, filters),
    }
    depthwise, pointwise, *bias = _take(layer, weights, **shapes)
    kernel = depthwise.reshape(1, height, width, channels * depth)
    y = _convolution(emit, layer, x, kernel, None, depth, "depthwise_")
    y = _convolution(emit, layer, y, pointwise.transpose(3, 0, 1, 2), bias[0] if bias else None, None, "pointwise_")
    return emit.activation(layer, layer.text("activation", "linear"), y)


@converts("Dense")
def _dense(emit: Emitter, layer: Layer, inputs: list[str], weights: Weights) -> str:
    x = _one(layer, inputs)
    shape, units = emit.shape(x), layer.integer("units")
    kernel, *bias = _take(layer, weights, kernel=(shape[-1], units), **_bias(layer, units))
    offset = bias[0] if bias else np.zeros(units)
    operands = (x, emit.constant(layer, "kernel", kernel.T), emit.constant(layer, "bias", offset))
    y = emit.add(layer, "FULLY_CONNECTED", operands, (*shape[:-1], units), keep_num_dims=len(shape) > 2)
    return emit.activation(layer, layer.text("activation", "linear"), y)


@converts("BatchNormalization", "BatchNormalizationV1")
def _batch_normalization(emit: Emitter, layer: Layer, inputs: list[str], weights: Weights) -> str:
    x = _one(layer, inputs)
    gain, offset = normalization(layer, weights, emit.shape(x))
    y = emit.add(layer, "MUL", (x, emit.constant(layer, "gain", gain)), emit.shape(x))
    return emit.add(layer, "ADD", (y, emit.constant(layer, "offset", offset)), emit.shape(x))


def normalization(layer: Layer, weights: Weights, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """A BatchNormalization over the last axis of ``shape`` as gain * x + offset, float64 [channels] each."""
    axis = layer.raw("axis", -1)
    if axis not in (-1, len(shape) - 1, [-1], [len(shape) - 1]):
        layer.fail(f"axis {axis!r} is not supported, only the channels (the last axis)")
    channels = (shape[-1],)
    roles = [role for role, key in (("gamma", "scale"), ("beta", "center")) if layer.flag(key, True)]
    names = [*roles, "moving_mean", "moving_variance"]
    values = dict(zip(names, _take(layer, weights, **dict.fromkeys(names, channels)), strict=True))
    spread = values["moving_variance"].astype(np.float64) + layer.number("epsilon", 1e-3)
    if not (spread > 0).all():
        layer.fail("moving_variance is negative")
    gain = values.get("gamma", np.ones(channels)).astype(np.float64) / np.sqrt(spread)
    return gain, values.get("beta", np.zeros(channels)) - values["moving_mean"].astype(np.float64) * gain


@converts("Activation")
def _activation(emit: Emitter, layer: Layer, inputs: list[str], weights: Weights) -> str:
    return emit.activation(layer, layer.text("activation", "linear"), _one(layer, inputs))


@converts("ReLU")
def _relu(emit: Emitter, layer: Layer, inputs: list[str], weights: Weights) -> str:
    return emit.activation(layer, "relu6" if layer.raw("max_value") else "relu", _one(layer, inputs))


@converts("LeakyReLU")
def _leaky_relu(emit: Emitter, layer: Layer, inputs: list[str], weights: Weights) -> str:
    x = _one(layer, inputs)
    return emit.add(layer, "LEAKY_RELU", (x,), emit.shape(x), alpha=layer.number("alpha", 0.3))


@converts("Rescaling")
def _rescaling(emit: Emitter, layer: Layer, inputs: list[str], weights: Weights) -> str:
    x = _one(layer, inputs)
    y = emit.add(layer, "MUL", (x, emit.constant(layer, "scale", [layer.number("scale", 1)])), emit.shape(x))
    return emit.add(layer, "ADD", (y, emit.constant(layer, "offset", [layer.number("offset", 0)])), emit.shape(x))


@converts("Softmax")
def _softmax(emit: Emitter, layer: Layer, inputs: list[str], weights: Weights) -> str:
    return emit.activation(layer, "softmax", _one(layer, inputs))


def _pool(emit: Emitter, layer: Layer, kind: str, x: str, window: tuple[int, int], stride: tuple[int, int]) -> str:
    height, width, channels = _image(emit, layer, x)
    padding, size = _windows(layer, (height, width), window, stride, (1, 1))
    return emit.add(
        layer,
        kind,
        (x,),
        (1, *size, channels),
        padding=padding,
        stride_h=stride[0],
        stride_w=stride[1],
        filter_height=window[0],
        filter_width=window[1],
    )


@converts("MaxPooling2D", "MaxPool2D", "AveragePooling2D", "AvgPool2D")
def _pooling(emit: Emitter, layer: Layer, inputs: list[str], weights: Weights) -> str:
    window = layer.pair("pool_size", (2, 2))
    kind = "MAX_POOL_2D" if layer.kind.startswith("Max") else "AVERAGE_POOL_2D"
    return _pool(emit, layer, kind, _one(layer, inputs), window, layer.pair("strides", window))


@converts("GlobalMaxPooling2D", "GlobalMaxPool2D")
def _global_max(emit: Emitter, layer: Layer, inputs: list[str], weights: Weights) -> str:
    x = _one(layer, inputs)
    height, width, channels = _image(emit, layer, x)
    y = _pool(emit, layer, "MAX_POOL_2D", x, (height, width), (height, width))
    return y if layer.flag("keepdims", False) else emit.reshape(layer, y, (1, channels))


@converts("GlobalAveragePooling2D", "GlobalAvgPool2D")
def _global_average(emit: Emitter, layer: Layer, inputs: list[str], weights: Weights) -> str:
    x = _one(layer, inputs)
    channels, keep = _image(emit, layer, x)[2], layer.flag("keepdims", False)
    axes = emit.constant(layer, "axes", (1, 2), DType.INT32)
    return emit.add(layer, "MEAN", (x, axes), (1, 1, 1, channels) if keep else (1, channels), keep_dims=keep)


@converts("ZeroPadding2D")
def _zero_padding(emit: Emitter, layer: Layer, inputs: list[str], weights: Weights) -> str:
    x = _one(layer, inputs)
    height, width, channels = _image(emit, layer, x)
    raw = layer.raw("padding", 1)
    sides = raw if isinstance(raw, list) else [raw, raw]
    pairs = [side if isinstance(side, list) else [side, side] for side in sides]
    if np.shape(pairs) != (2, 2) or any(type(v) is not int or not 0 <= v < 1 << 20 for pair in pairs for v in pair):
        layer.fail(f"padding is {raw!r}, expected ((top, bottom), (left, right))")
    (top, bottom), (left, right) = pairs
    amounts = emit.constant(layer, "padding", [[0, 0], [top, bottom], [left, right], [0, 0]], DType.INT32)
    return emit.add(layer, "PAD", (x, amounts), (1, height + top + bottom, width + left + right, channels))


@converts("Flatten")
def _flatten(emit: Emitter, layer: Layer, inputs: list[str], weights: Weights) -> str:
    x = _one(layer, inputs)
    return emit.reshape(layer, x, (1, math.prod(emit.shape(x))))


@converts("Reshape")
def _reshape(emit: Emitter, layer: Layer, inputs: list[str], weights: Weights) -> str:
    x = _one(layer, inputs)
    target = layer.integers("target_shape")
    known = math.prod(d for d in target if d != -1)
    if target.count(-1) > 1 or known < 1:
        layer.fail(f"target_shape {list(target)} is not possible")
    rest = math.prod(emit.shape(x)) // known
    return emit.reshape(layer, x, (1, *(rest if d == -1 else d for d in target)))


@converts("Permute")
def _permute(emit: Emitter, layer: Layer, inputs: list[str], weights: Weights) -> str:
    x = _one(layer, inputs)
    shape, dims = emit.shape(x), (0, *layer.integers("dims"))
    if sorted(dims) != list(range(len(shape))):
        layer.fail(f"dims {list(dims[1:])} is no permutation of the axes of {list(shape[1:])}")
    order = emit.constant(layer, "order", dims, DType.INT32)
    return emit.add(layer, "TRANSPOSE", (x, order), tuple(shape[d] for d in dims))


@converts("Dropout", "SpatialDropout2D", "AlphaDropout", "GaussianDropout", "GaussianNoise", "ActivityRegularization")
def _nothing(emit: Emitter, layer: Layer, inputs: list[str], weights: Weights) -> str:
    """Layers that act during training only."""
    return _one(layer, inputs)


_ELEMENTWISE = {"Add": "ADD", "Subtract": "SUB", "Multiply": "MUL", "Maximum": "MAXIMUM", "Minimum": "MINIMUM"}


@converts(*_ELEMENTWISE)
def _elementwise(emit: Emitter, layer: Layer, inputs: list[str], weights: Weights) -> str:
    if len(inputs) < 2 or (layer.kind == "Subtract" and len(inputs) > 2):
        layer.fail(f"cannot take {len(inputs)} inputs")
    result = inputs[0]
    for other in inputs[1:]:
        try:
            shape = np.broadcast_shapes(emit.shape(result), emit.shape(other))
        except ValueError:
            layer.fail(f"shapes {list(emit.shape(result))} and {list(emit.shape(other))} do not go together")
        result = emit.add(layer, _ELEMENTWISE[layer.kind], (result, other), shape)
    return result


@converts("Concatenate")
def _concatenate(emit: Emitter, layer: Layer, inputs: list[str], weights: Weights) -> str:
    shapes = [emit.shape(x) for x in inputs]
    rank, axis = len(shapes[0]) if shapes else 0, layer.raw("axis", -1)
    if type(axis) is not int or not -rank <= axis < rank or axis % rank == 0:
        layer.fail(f"axis {axis!r} is not supported")
    axis %= rank
    if len({(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}) != 1:
        layer.fail(f"shapes {[list(shape) for shape in shapes]} do not go together")
    total = sum(shape[axis] for shape in shapes)
    return emit.add(
        layer, "CONCATENATION", tuple(inputs), (*shapes[0][:axis], total, *shapes[0][axis + 1 :]), axis=axis
    )
