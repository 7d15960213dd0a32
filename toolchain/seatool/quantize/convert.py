"""From a float graph and the parameters of its activations to the int8 graph of the TFLite 8-bit specification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from seatool.errors import InputError
from seatool.ir import DType, Graph, Op, Quantization, Tensor
from seatool.kernels import operators
from seatool.quantize.affine import (
    LEAST_MULTIPLIER,
    activation_parameters,
    bias_parameters,
    fit_bias,
    quantized_constant,
    weight_parameters,
)
from seatool.quantize.sharing import Sharing


@dataclass
class Converter:
    """Builds the int8 graph.

    Args:
        graph: The float graph, free of :func:`seatool.quantize.check.problems`.
        sharing: The classes of its activations.
        parameters: Parameters by representative of the class.

    ``coarser`` counts, by operator name, the channels whose weights became coarser to hold the bias.
    """

    graph: Graph
    sharing: Sharing
    parameters: Mapping[str, Quantization]
    coarser: dict[str, int] = field(default_factory=dict)
    _tensors: dict[str, Tensor] = field(default_factory=dict)
    _ops: list[Op] = field(default_factory=list)

    def convert(self) -> Graph:
        """The int8 graph. Activations keep their names, and so does a constant at its first use."""
        for name in self.graph.inputs:
            self._activation(name)
        for op in self.graph.ops:
            try:
                self._operator(op)
            except OverflowError as error:
                hint = "check the model's weights and the calibration data"
                raise InputError(f"layer {op.name} cannot be quantized: {error}", hint) from error
        return self.graph.with_(tensors=self._tensors.values(), ops=self._ops)

    def _operator(self, op: Op) -> None:
        rule = operators()[op.kind].quantization
        inputs = [self._input(op, index, name) for index, name in enumerate(op.inputs)]
        if rule.weights is not None:
            self._weights(op, inputs)
        for name in op.outputs:
            self._activation(name)
        self._ops.append(replace(op, inputs=tuple(inputs)))

    def _input(self, op: Op, index: int, name: str | None) -> str | None:
        rule = operators()[op.kind].quantization
        if name is None or index in (rule.weights, rule.bias):
            return name
        tensor = self.graph.tensors[name]
        if (op.name, index) in self.sharing.cut:
            return self._requantized(op, name)
        if tensor.data is None:
            return name
        if tensor.dtype is not DType.FLOAT32:
            return self._add(tensor, op)
        if rule.same_scale or rule.same_inputs:
            quant = self._shared(op)
        else:
            quant = activation_parameters(float(tensor.data.min()), float(tensor.data.max()))
        return self._add(quantized_constant(name, tensor.data, quant, DType.INT8), op)

    def _weights(self, op: Op, inputs: list[str | None]) -> None:
        """Quantize weights and bias of ``op`` and put their names into ``inputs``."""
        rule = operators()[op.kind].quantization
        weights, bias = self._constant(op, rule.weights), self._constant(op, rule.bias)
        if weights is None or weights.data is None or rule.weights is None:
            raise ValueError(f"{op.name}: weights are not constant")
        input_scale, output = self._tensors[str(inputs[rule.data])].scale, self._quantization(op.outputs[0])
        least = LEAST_MULTIPLIER * output.scale[0] / input_scale
        quant = weight_parameters(weights.data, rule.weight_axis, least)
        if bias is not None and bias.data is not None and rule.bias is not None:
            quant, self.coarser[op.name] = fit_bias(quant, bias.data, input_scale)
            bias_quant = bias_parameters(quant, input_scale)
            inputs[rule.bias] = self._add(quantized_constant(bias.name, bias.data, bias_quant, DType.INT32), op)
        inputs[rule.weights] = self._add(quantized_constant(weights.name, weights.data, quant, DType.INT8), op)

    def _constant(self, op: Op, index: int | None) -> Tensor | None:
        name = op.inputs[index] if index is not None and index < len(op.inputs) else None
        return None if name is None else self.graph.tensors[name]

    def _activation(self, name: str) -> None:
        tensor = self.graph.tensors[name]
        if tensor.dtype is DType.FLOAT32:
            tensor = replace(tensor, dtype=DType.INT8, quant=self._quantization(name))
        self._tensors[name] = tensor

    def _quantization(self, name: str) -> Quantization:
        return self.parameters[self.sharing.representative(name)]

    def _shared(self, op: Op) -> Quantization:
        """The parameters that the float inputs of ``op`` share, with its outputs unless these have their own."""
        uncut = (name for index, name in enumerate(op.inputs) if (op.name, index) not in self.sharing.cut)
        names = (*op.outputs, *uncut) if operators()[op.kind].quantization.same_scale else (*uncut, *op.outputs)
        tensors = (self.graph.tensors[name] for name in names if name is not None)
        return self._quantization(next(t.name for t in tensors if t.dtype is DType.FLOAT32 and not t.is_constant))

    def _requantized(self, op: Op, name: str) -> str:
        """Insert a QUANTIZE in front of ``op`` that brings tensor ``name`` to the parameters of its output."""
        target = replace(self._tensors[name], name=f"{name}/{op.name}", quant=self._shared(op))
        if target.name not in self._tensors:
            self._tensors[target.name] = target
            source = self.graph.producer(name)
            layer = f"{op.name}_requantize_{len(self._ops)}"
            self._ops.append(Op(layer, "QUANTIZE", (name,), (target.name,), source=source.source if source else ""))
        return target.name

    def _add(self, constant: Tensor, op: Op) -> str:
        """File ``constant``; under a name of its own when another operator uses it with other parameters."""
        known = self._tensors.get(constant.name)
        if known is not None and (known.dtype, known.quant) != (constant.dtype, constant.quant):
            constant = replace(constant, name=f"{constant.name}/{op.name}")
        self._tensors[constant.name] = constant
        return constant.name
