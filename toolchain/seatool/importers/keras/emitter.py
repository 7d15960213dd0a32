"""Collects the float operators that the layers become."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from seatool.importers.keras.config import Layer
from seatool.importers.names import layer_names, model_name
from seatool.ir import DType, Graph, Op, Tensor
from seatool.kernels import operators

_LARGEST_TENSOR = 1 << 29

_FUNCTIONS = {"relu": "RELU", "relu6": "RELU6", "sigmoid": "LOGISTIC", "tanh": "TANH", "softmax": "SOFTMAX"}
ACTIVATIONS = frozenset({"linear", *_FUNCTIONS})
"""Activation functions, by Keras' names, that :meth:`Emitter.activation` takes."""


class Emitter:
    """A graph under construction. Tensors are named after the layer that ends in them."""

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self._ops: list[tuple[str, str, tuple[str, ...], str, dict[str, Any]]] = []

    def shape(self, tensor: str) -> tuple[int, ...]:
        return self.tensors[tensor].shape

    def input(self, layer: Layer, name: str, shape: tuple[int, ...]) -> str:
        return self._tensor(layer, name, shape)

    def constant(self, layer: Layer, role: str, values: npt.ArrayLike, dtype: DType = DType.FLOAT32) -> str:
        """A constant called "<layer>/<role>"; used again if it exists (a layer that is used twice)."""
        name = f"{layer.name}/{role}"
        if name not in self.tensors:
            data = np.ascontiguousarray(values, dtype.numpy)
            self.tensors[name] = Tensor(name, data.shape, dtype, data=data)
        return name

    def add(self, layer: Layer, kind: str, inputs: tuple[str, ...], shape: tuple[int, ...], **fields: Any) -> str:
        """An operator and its output tensor. ``fields``: the TFLite options that differ from their defaults."""
        name = layer.name if layer.name not in self.tensors else f"{layer.name}/{kind.lower()}"
        output = self._tensor(layer, name, shape)
        self._ops.append((layer.name, kind, inputs, output, fields))
        return output

    def activation(self, layer: Layer, function: str, tensor: str) -> str:
        """Keras' activation ``function`` of ``tensor``."""
        if function == "linear":
            return tensor
        fields = {"beta": 1.0} if function == "softmax" else {}
        return self.add(layer, _FUNCTIONS[function], (tensor,), self.shape(tensor), **fields)

    def reshape(self, layer: Layer, tensor: str, shape: tuple[int, ...]) -> str:
        if math.prod(shape) != math.prod(self.shape(tensor)):
            layer.fail(f"cannot reshape {list(self.shape(tensor))} to {list(shape)}")
        target = self.constant(layer, f"shape_{'x'.join(map(str, shape))}", shape, DType.INT32)
        return self.add(layer, "RESHAPE", (tensor, target), shape, new_shape=shape)

    def graph(self, file: str, inputs: list[str], outputs: list[str], frontend: Any) -> Graph:
        """The finished graph."""
        names = layer_names([(layer,) for layer, *_ in self._ops], [kind for _, kind, *_ in self._ops])
        ops = []
        for number, (layer, kind, op_inputs, output, fields) in enumerate(self._ops):
            family = operators()[kind]
            assert family.tflite is not None
            defaults = {field.name: field.default for field in family.tflite.fields}
            attributes = family.parse(defaults | fields)
            ops.append(Op(names[number], kind, op_inputs, (output,), attributes, source=f"#{number} {layer}"))
        return Graph(model_name(file), self.tensors, tuple(ops), tuple(inputs), tuple(outputs), frontend)

    def _tensor(self, layer: Layer, name: str, shape: tuple[int, ...]) -> str:
        if any(d < 1 for d in shape) or math.prod(shape) > _LARGEST_TENSOR:
            layer.fail(f"its output would have shape {list(shape)}")
        unique, number = name, 1
        while unique in self.tensors:
            number += 1
            unique = f"{name}_{number}"
        self.tensors[unique] = Tensor(unique, shape, DType.FLOAT32)
        return unique
