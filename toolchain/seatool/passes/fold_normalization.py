"""Fold a multiplication or addition per channel (a batch normalisation) into the convolution in front of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from seatool.ir import Array, DType, Graph, Op, Tensor
from seatool.kernels import Activation, operators
from seatool.passes.uses import Uses

_CHANNEL_AXIS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0, "TRANSPOSE_CONV": 0}
"""Axis of the output channels in the weights."""


def fold_normalization(graph: Graph, say: Callable[[str], None]) -> Graph:
    """Fold MUL, ADD and SUB by a constant per channel into convolutions of every kind and FULLY_CONNECTED (float32).

    The convolution then writes the folded operator's output and takes over its activation.
    """
    return _Folding(graph, say).run()


class _Folding:
    def __init__(self, graph: Graph, say: Callable[[str], None]) -> None:
        self.graph = graph
        self.say = say
        self.uses = Uses(graph)
        self.tensors = dict(graph.tensors)
        self.ops: list[Op] = []
        self.position: dict[str, int] = {}

    def run(self) -> Graph:
        for op in self.graph.ops:
            if not self._fold(op):
                self.position.update(dict.fromkeys(op.outputs, len(self.ops)))
                self.ops.append(op)
        return self.graph.with_(tensors=self.tensors.values(), ops=self.ops)

    def _fold(self, op: Op) -> bool:
        affine = self._affine(op)
        if affine is None:
            return False
        source, gain, offset = affine
        at = self.position.get(source)
        if at is None or not self.uses.is_private(source) or not self._can_fold(self.ops[at]):
            return False
        layer = self._scaled(self.ops[at], gain, offset)
        activation = _activation(op.attributes)
        attributes: Any = layer.attributes
        self.ops[at] = replace(
            layer, outputs=op.outputs, attributes=replace(attributes, fused_activation_function=activation)
        )
        self.position[op.outputs[0]] = at
        self.say(f"folded {op.name} ({op.kind}) into {layer.name}")
        return True

    def _affine(self, op: Op) -> tuple[str, Array, Array] | None:
        """The operator as gain * tensor + offset, both float64 of shape (channels,); None if it is not that."""
        if op.kind not in ("MUL", "ADD", "SUB") or None in op.inputs:
            return None
        a, b = (self.tensors[str(name)] for name in op.inputs)
        if a.is_constant and op.kind != "SUB":
            a, b = b, a
        output = self.tensors[op.outputs[0]]
        if a.is_constant or b.data is None or a.dtype is not DType.FLOAT32 or a.shape != output.shape:
            return None
        channels = a.shape[-1]
        if b.elements not in (1, channels) or (b.elements > 1 and b.shape[-1] != channels):
            return None
        constant = np.broadcast_to(b.data.astype(np.float64).reshape(-1), (channels,))
        ones, zeros = np.ones(channels), np.zeros(channels)
        if op.kind == "MUL":
            return a.name, constant, zeros
        return a.name, ones, constant if op.kind == "ADD" else -constant

    def _can_fold(self, layer: Op) -> bool:
        if layer.kind not in _CHANNEL_AXIS or _activation(layer.attributes) is not Activation.NONE:
            return False
        weights, bias = _constants(layer)
        constants = [self.tensors[name] for name in (weights, bias) if name is not None]
        return all(t.is_constant and t.dtype is DType.FLOAT32 for t in constants)

    def _scaled(self, layer: Op, gain: Array, offset: Array) -> Op:
        """``layer`` with weights * gain and bias * gain + offset, computed in float64."""
        weights_name, bias_name = _constants(layer)
        weights = self.tensors[str(weights_name)]
        assert weights.data is not None
        along = [1] * len(weights.shape)
        along[_CHANNEL_AXIS[layer.kind]] = -1
        new_weights = self._constant(weights.name, weights.data * gain.reshape(along))
        bias = None if bias_name is None else self.tensors[bias_name].data
        old = np.zeros(len(gain)) if bias is None else bias.astype(np.float64)
        new_bias = self._constant(bias_name or f"{layer.name}/bias", old * gain + offset)
        rule = operators()[layer.kind].quantization
        inputs: list[str | None] = [*layer.inputs[: rule.bias], new_bias]
        inputs[rule.weights or 0] = new_weights
        return replace(layer, inputs=tuple(inputs))

    def _constant(self, name: str, values: npt.ArrayLike) -> str:
        """A float32 constant: ``name`` itself when one layer uses it, a new tensor when it is shared."""
        data = np.asarray(values, np.float32)
        number, unique = 1, name
        while self.uses.readers[name] > 1 and unique in self.tensors:
            number += 1
            unique = f"{name}_{number}"
        self.tensors[unique] = Tensor(unique, data.shape, DType.FLOAT32, data=data)
        return unique


def _constants(layer: Op) -> tuple[str | None, str | None]:
    """The names of its weights and of its bias, which may be absent."""
    rule = operators()[layer.kind].quantization
    assert rule.weights is not None
    assert rule.bias is not None
    return layer.inputs[rule.weights], layer.inputs[rule.bias] if len(layer.inputs) > rule.bias else None


def _activation(attributes: Any) -> Activation:
    return Activation(getattr(attributes, "fused_activation_function", Activation.NONE))
