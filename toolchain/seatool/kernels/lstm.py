"""UNIDIRECTIONAL_SEQUENCE_LSTM (int8 activations, int16 cells), which remembers its hidden state and its cells."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from seatool.ir import Array, Attributes, DType, Tensor
from seatool.kernels.assembly import VECTOR_4
from seatool.kernels.base import (
    Activation,
    Call,
    Constant,
    Cost,
    Field,
    Operator,
    Reading,
    Ref,
    Shape,
    TFLiteForm,
    Variant,
    operator,
    require_int8,
    variant,
)
from seatool.kernels.fixed_point import (
    Int64,
    factor_problems,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    wrap_int32,
)
from seatool.kernels.sigmoid import sigmoid, sigmoid_table, tanh, tanh_factor
from seatool.kernels.weighted import output_blocks
from seatool.rounding import ceil_div

_WEIGHTS, _RECURRENT, _BIAS = (2, 1, 3, 4), (6, 5, 7, 8), (13, 12, 14, 15)
"""Inputs by gate: forget, input, cell, output."""

_HIDDEN, _CELL = 18, 19
_VARIANTS = {"peephole weights": range(9, 12), "a projection": range(16, 18), "layer normalization": range(20, 24)}
_GATE_SCALE, _UNIT_SCALE = 2.0**-12, 2.0**-15
"""Of what enters sigmoid and tanh, and of what comes out."""

_POWERS = range(-15, 1)
_INT16 = (-(1 << 15), (1 << 15) - 1)


@dataclass(frozen=True)
class LstmAttributes(Attributes):
    """UnidirectionalSequenceLSTMOptions of the TFLite schema."""

    fused_activation_function: Activation = Activation.TANH
    cell_clip: float = 0.0
    proj_clip: float = 0.0
    time_major: bool = False
    asymmetric_quantize_inputs: bool = False
    diagonal_recurrent_tensors: bool = False


@operator("UNIDIRECTIONAL_SEQUENCE_LSTM")
class Lstm(Operator):
    """A layer of LSTM units over a sequence, without peepholes, projection and normalization.

    TFLM neither resets the states between inferences nor clips a projection. Source: TFLM lstm_eval.h.
    Inputs: x (batch, steps, inputs), or (steps, batch, inputs) if time_major; for each gate the weights
    (units, inputs), the recurrent weights (units, units) and the bias (units); hidden state and cells (batch * units).
    """

    tflite = TFLiteForm(
        44,
        range(1, 5),
        71,
        (
            Field("fused_activation_function", 0, "int8"),
            Field("cell_clip", 1, "float32", 0.0),
            Field("proj_clip", 2, "float32", 0.0),
            Field("time_major", 3, "bool", False),
            Field("asymmetric_quantize_inputs", 4, "bool", False),
            Field("diagonal_recurrent_tensors", 5, "bool", False),
        ),
    )
    attributes_type = LstmAttributes
    most_inputs = 24
    state_inputs = (_HIDDEN, _CELL)
    limits = "int8 with int16 cells; no peepholes, projection or layer normalization; no float models"

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Attributes:
        fields = dict(raw)
        return LstmAttributes(Activation(fields.pop("fused_activation_function")), **fields)

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Batches, steps, inputs and units."""
        first, second, inputs = self.input(0).shape
        batches, steps = (second, first) if self.attributes.time_major else (first, second)
        return batches, steps, inputs, self.input(_RECURRENT[0]).shape[0]

    @property
    def hidden(self) -> Tensor:
        return self.input(_HIDDEN)

    @property
    def cell(self) -> Tensor:
        return self.input(_CELL)

    def output_shapes(self) -> Sequence[Shape]:
        kept = [self.hidden.shape, self.cell.shape][: len(self.outputs) - 1]
        return [(*self.input(0).shape[:2], self.sizes[3]), *kept]

    def problems(self) -> Iterator[str]:
        x, used = self.input(0), [*_WEIGHTS, *_RECURRENT, *_BIAS]
        yield from require_int8(self, x, self.output, self.hidden)
        if len(x.shape) != 3:
            yield f"{x.name} has {len(x.shape)} dimensions, not 3"
            return
        if self.cell.dtype is not DType.INT16:
            yield f"the cells are {self.cell.dtype.value}; only int16 is supported"
        for what, places in _VARIANTS.items():
            if any(self.optional(place) is not None for place in places):
                yield f"it has {what}, which is not supported"
        if self.attributes.fused_activation_function is not Activation.TANH:
            yield f"the activation is {self.attributes.fused_activation_function.name}; only TANH is supported"
        missing = [f"input {place} is missing or not constant" for place in used if not self._is_constant(place)]
        if len(self.outputs) != 3:
            missing.append("the states are not variables of their own")
        yield from missing or (*self._type_problems(), *self._shape_problems())

    def _is_constant(self, place: int) -> bool:
        tensor = self.optional(place)
        return tensor is not None and tensor.is_constant

    def _type_problems(self) -> Iterator[str]:
        weights = [self.input(place) for place in (*_WEIGHTS, *_RECURRENT)]
        for tensor in weights:
            if tensor.dtype is not DType.INT8 or tensor.quant is None or tensor.quant.axis is not None:
                yield f"{tensor.name}: only int8 weights with one scale are supported"
                return
            if tensor.zero_point:
                yield f"{tensor.name} has a zero point other than 0"
        if any(self.input(place).dtype is not DType.INT32 for place in _BIAS):
            yield "a bias is not int32"
        if self.cell.quant is None or self.cell.scale != 2.0**self.power or self.power not in _POWERS:
            yield f"the scale of the cells is no power of two from {2.0 ** _POWERS[0]:g} to 1"
            return
        yield from factor_problems(max(*self.gate_factors, self.hidden_factor))

    def _shape_problems(self) -> Iterator[str]:
        batches, _, inputs, units = self.sizes
        expected = dict.fromkeys(_WEIGHTS, (units, inputs)) | dict.fromkeys(_RECURRENT, (units, units))
        for place, shape in (expected | dict.fromkeys(_BIAS, (units,))).items():
            if self.input(place).shape != shape:
                yield f"{self.input(place).name} has shape {list(self.input(place).shape)}, not {list(shape)}"
        for state in (self.hidden, self.cell):
            if state.elements != batches * units:
                yield f"{state.name} has {state.elements} elements, not {batches * units}"
        if self.output.shape != (expected_output := self.output_shapes()[0]):
            yield f"the output's shape is {list(self.output.shape)}, not {list(expected_output)}"

    def float_problems(self) -> Iterator[str]:
        yield "float32 is not supported"

    @property
    def power(self) -> int:
        """The cells' scale is 2 to the power of this."""
        return round(math.log2(self.cell.scale))

    @property
    def gate_factors(self) -> tuple[float, ...]:
        """From the sums over inputs to each gate, and from those over the hidden state."""
        return tuple(
            x.scale * self.input(place).scale / _GATE_SCALE
            for x, places in ((self.input(0), _WEIGHTS), (self.hidden, _RECURRENT))
            for place in places
        )

    @property
    def hidden_factor(self) -> float:
        return _UNIT_SCALE * _UNIT_SCALE / self.hidden.scale

    @property
    def gates(self) -> tuple[tuple[int, int], ...]:
        """Multiplier and shift of :attr:`gate_factors`."""
        return tuple(quantize_multiplier(factor) for factor in self.gate_factors)

    @property
    def products(self) -> tuple[tuple[int, int], ...]:
        """Multiplier and shift of forget gate times cell, input gate times cell gate, output gate times tanh."""
        factors = (_UNIT_SCALE, _UNIT_SCALE * _UNIT_SCALE / self.cell.scale, self.hidden_factor)
        return tuple(quantize_multiplier(factor) for factor in factors)

    @property
    def cells(self) -> tuple[int, int]:
        """The least and the greatest value that a cell may have."""
        if self.attributes.cell_clip <= 0:
            return _INT16
        highest = int(min(self.attributes.cell_clip / self.cell.scale, _INT16[1]))
        return -highest, highest

    @cached_property
    def filters(self) -> tuple[Int64, Int64]:
        """Weights (units * 4, inputs) and recurrent weights (units * 4, units); the gates of a unit are neighbours."""

        def rows(places: tuple[int, ...]) -> Int64:
            gates = np.stack([self.constant(place) for place in places], axis=1)
            return gates.reshape(-1, gates.shape[-1]).astype(np.int64)

        return rows(_WEIGHTS), rows(_RECURRENT)

    @cached_property
    def offsets(self) -> tuple[Int64, Int64]:
        """What the zero points and the bias add to the sums of both, in their order."""
        weights, recurrent = (rows.sum(axis=1) for rows in self.filters)
        bias = np.stack([self.constant(place).astype(np.int64) for place in _BIAS], axis=1)
        return bias.ravel() - self.input(0).zero_point * weights, -self.hidden.zero_point * recurrent

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        x, hidden, cell = inputs[0], inputs[_HIDDEN], inputs[_CELL]
        assert x is not None
        assert hidden is not None
        assert cell is not None
        batches, _, _, units = self.sizes
        h, c = hidden.reshape(batches, units).astype(np.int64), cell.reshape(batches, units).astype(np.int64)
        outputs = []
        for step in x.astype(np.int64).swapaxes(0, 0 if self.attributes.time_major else 1):
            h, c = self._step(step, h, c)
            outputs.append(h)
        y = np.stack(outputs, axis=0 if self.attributes.time_major else 1)
        kept = h.reshape(hidden.shape).astype(np.int8), c.reshape(cell.shape).astype(np.int16)
        return y.astype(np.int8), *kept

    def _step(self, x: Int64, h: Int64, c: Int64) -> tuple[Int64, Int64]:
        """Hidden state and cells, (batch, units), after the input of one step, (batch, inputs)."""
        parts = []
        for values, rows, offsets, gates in zip(
            (x, h), self.filters, self.offsets, (self.gates[:4], self.gates[4:]), strict=True
        ):
            sums = wrap_int32(values @ rows.T + offsets).reshape(len(x), -1, 4)
            parts.append(np.clip(multiply_by_quantized_multiplier(sums, *np.array(gates).T), *_INT16))
        forget, update, cell, output = np.moveaxis(np.clip(parts[0] + parts[1], *_INT16), -1, 0)
        kept, added, shown = self.products
        old = multiply_by_quantized_multiplier(sigmoid(forget) * c, *kept)
        new = multiply_by_quantized_multiplier(sigmoid(update) * tanh(cell, tanh_factor(-12)), *added)
        c = np.clip(np.clip(old, *_INT16) + np.clip(new, *_INT16), *self.cells)
        y = multiply_by_quantized_multiplier(sigmoid(output) * tanh(c, tanh_factor(self.power)), *shown)
        return np.clip(y + self.hidden.zero_point, -128, 127), c

    @cached_property
    def sum_bits(self) -> int:
        """No sum reaches 2 to the power of this; 31 where one may wrap."""
        highest = 0
        for x, rows, offsets in zip((self.input(0), self.hidden), self.filters, self.offsets, strict=True):
            reach = 128 * np.abs(rows).sum(axis=1) + np.abs(offsets)
            highest = max(highest, int(reach.max()) if x.elements else 0)
        return min(31, highest.bit_length())

    def macs(self) -> int:
        batches, steps, inputs, units = self.sizes
        return batches * steps * 4 * units * (inputs + units)


@variant(Lstm)
class LstmUnits(Variant):
    """Unit by unit: the four gates at once as FULLY_CONNECTED, then the cell and the hidden state."""

    name, header = "units", "nn_lstm_s8.h"

    def cost(self, op: Lstm) -> Cost:
        batches, steps, inputs, units = op.sizes
        words = ceil_div(inputs, 4) + ceil_div(units, 4)
        return Cost(batches * (50 + steps * (60 + 8 * words + units * (270 + 23 * words))), 8 * words, 950, (VECTOR_4,))

    def reading(self, op: Lstm) -> Reading:
        return Reading(passes=op.sizes[0] * op.sizes[1])

    def constants(self, op: Lstm) -> tuple[Constant, ...]:
        offsets = [wrap_int32(values).astype(np.int32) for values in op.offsets]
        return (
            Constant("weights", output_blocks(op.filters[0]), "of forget, input, cell and output gate in turn"),
            Constant("recurrent", output_blocks(op.filters[1]), "weights of the hidden state, likewise"),
            Constant("bias", offsets[0], "includes the input's offset"),
            Constant("recurrent_bias", offsets[1], "the hidden state's offset times the sums of the weights"),
            Constant("sigmoid", sigmoid_table(), "sigmoid(i / 24)"),
        )

    def call(self, op: Lstm) -> Call:
        batches, steps, inputs, units = op.sizes
        multipliers, shifts = zip(*op.gates, strict=True)
        product_multipliers, product_shifts = zip(*op.products, strict=True)
        multiplier, right = tanh_factor(op.power)
        fields = {
            "input": Ref("input"),
            "output": Ref("output"),
            "hidden": Ref("output", 1),
            "cell": Ref("output", 2),
            "scratch": Ref("scratch"),
            **{name: Ref("constant", name) for name in ("weights", "recurrent", "bias", "recurrent_bias", "sigmoid")},
            "batches": batches,
            "steps": steps,
            "inputs": inputs,
            "units": units,
            "time_major": op.attributes.time_major,
            "sum_bits": op.sum_bits,
            "gate_multiplier": multipliers,
            "gate_shift": shifts,
            "product_multiplier": product_multipliers,
            "product_shift": product_shifts,
            "tanh_multiplier": multiplier,
            "tanh_shift": right,
            "cell_min": op.cells[0],
            "cell_max": op.cells[1],
            "output_offset": op.hidden.zero_point,
        }
        return Call("nn_lstm_s8", "nn_lstm_s8_args", fields)
