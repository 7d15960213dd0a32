"""ADD, SUB, MUL, MAXIMUM and MINIMUM on int8, with broadcasting."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from seatool.ir import Array, Attributes
from seatool.kernels.base import (
    Activation,
    Call,
    Constant,
    Cost,
    Field,
    Operator,
    QuantizationRule,
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
    activation_range,
    clamp_float,
    factor_problems,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
)
from seatool.kernels.lookup_table import Clamp, Table
from seatool.kernels.loops import DIMS, Loop, broadcast, outer_fields


@dataclass(frozen=True)
class BinaryAttributes(Attributes):
    """AddOptions, SubOptions and MulOptions of the TFLite schema."""

    fused_activation_function: Activation = Activation.NONE


class Binary(Operator):
    """An elementwise function of two tensors; dimensions of size 1 are repeated."""

    most_inputs = 2

    def problems(self) -> Iterator[str]:
        a, b = self.input(0), self.input(1)
        yield from self.type_problems()
        try:
            (shape,) = self.output_shapes()
        except ValueError:
            yield f"the inputs' shapes {list(a.shape)} and {list(b.shape)} do not fit together"
            return
        if shape != self.output.shape:
            yield f"the output's shape is {list(self.output.shape)}, not {list(shape)}"
        elif len(self.loops()) > DIMS + 1:
            yield f"more than {DIMS + 1} loops are needed for {list(a.shape)} and {list(b.shape)}"

    def output_shapes(self) -> Sequence[Shape]:
        return [np.broadcast_shapes(self.input(0).shape, self.input(1).shape)]

    def type_problems(self) -> Iterator[str]:
        """Element types and quantization that are not supported."""
        yield from require_int8(self, self.input(0), self.input(1), self.output)

    def loops(self) -> list[Loop]:
        """The loops over the output, with the steps of both inputs."""
        return broadcast(self.output.shape, self.input(0).shape, self.input(1).shape)

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        a, b = inputs
        assert a is not None
        assert b is not None
        return (self.combine(a.astype(np.int64), b.astype(np.int64)).astype(self.output.dtype.numpy),)

    @abstractmethod
    def combine(self, a: Int64, b: Int64) -> Int64:
        """The output's stored values."""


class Arithmetic(Binary):
    """A sum or product that is rescaled to the output and clamped."""

    attributes_type = BinaryAttributes

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Attributes:
        return BinaryAttributes(Activation(raw["fused_activation_function"]))

    @property
    def activation(self) -> Activation:
        activation: Activation = self.attributes.fused_activation_function
        return activation

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        if self.activation not in (0, 1, 2, 3):
            yield f"fused activation {self.activation.name} is not supported"

    @abstractmethod
    def scales(self) -> dict[str, int]:
        """The kernel's offsets, multipliers and shifts."""

    def clamped(self, x: Int64) -> Int64:
        return np.clip(x, *activation_range(self.activation, self.output))

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        a, b = inputs
        assert a is not None
        assert b is not None
        return (clamp_float(self.activation, self.real(a, b)).astype(np.float32),)

    @abstractmethod
    def real(self, a: Array, b: Array) -> Array:
        """The result on real numbers before the clamp."""


class Sum(Arithmetic):
    """ADD and SUB. Both inputs are scaled to 2^20 steps of twice the larger input scale, then added."""

    sign: ClassVar[int]
    left_shift: ClassVar[int] = 20
    """Bits that the inputs gain before they are scaled."""

    def factors(self) -> tuple[float, float, float]:
        """Real factors of the inputs and of the sum."""
        a, b = self.input(0).scale, self.input(1).scale
        twice = 2 * max(a, b)
        return a / twice, b / twice, twice / (2**self.left_shift * self.output.scale)

    def problems(self) -> Iterator[str]:
        found = list(super().problems())
        yield from found
        if not found:
            factor = self.factors()[2]
            if not 0 < factor < 1 or quantize_multiplier(factor)[1] > 0:
                yield f"the output's scale {self.output.scale:g} is too small for those of the inputs"

    def scales(self) -> dict[str, int]:
        (m1, s1), (m2, s2), (m, s) = map(quantize_multiplier, self.factors())
        return {
            "input1_offset": -self.input(0).zero_point,
            "input1_multiplier": m1,
            "input1_shift": s1,
            "input2_offset": -self.input(1).zero_point,
            "input2_multiplier": m2,
            "input2_shift": s2,
            "input2_sign": self.sign,
            "output_offset": self.output.zero_point,
            "output_multiplier": m,
            "output_shift": s,
        }

    def combine(self, a: Int64, b: Int64) -> Int64:
        p = self.scales()
        x1 = (a + p["input1_offset"]) << self.left_shift
        x2 = (b + p["input2_offset"]) << self.left_shift
        term1 = multiply_by_quantized_multiplier(x1, p["input1_multiplier"], p["input1_shift"])
        term2 = multiply_by_quantized_multiplier(x2, p["input2_multiplier"], p["input2_shift"])
        total = multiply_by_quantized_multiplier(term1 + self.sign * term2, p["output_multiplier"], p["output_shift"])
        return self.clamped(total + p["output_offset"])

    def real(self, a: Array, b: Array) -> Array:
        return np.asarray(a + b if self.sign > 0 else a - b)


ACTIVATION_FIELD = Field("fused_activation_function", 0, "int8")


@operator("ADD")
class Add(Sum):
    """Sum. Source: TFLM add_common.cc and integer_ops/add.h."""

    tflite = TFLiteForm(0, range(1, 6), 11, (ACTIVATION_FIELD,))
    sign = 1


@operator("SUB")
class Sub(Sum):
    """Difference. Source: TFLM sub_common.cc and reference/sub.h; TFLM of August 2026 still computed the factors in
    float, which changes a bit here and there."""

    tflite = TFLiteForm(41, range(1, 6), 28, (ACTIVATION_FIELD,))
    sign = -1


@operator("MUL")
class Mul(Arithmetic):
    """Product. Source: TFLM mul_common.cc and integer_ops/mul.h."""

    tflite = TFLiteForm(18, range(1, 8), 21, (ACTIVATION_FIELD,))

    @property
    def factor(self) -> float:
        """From the product of the stored values to the output's steps."""
        return self.input(0).scale * self.input(1).scale / self.output.scale

    def scales(self) -> dict[str, int]:
        a, b, out = self.input(0), self.input(1), self.output
        multiplier, shift = quantize_multiplier(self.factor)
        return {
            "input1_offset": -a.zero_point,
            "input2_offset": -b.zero_point,
            "output_offset": out.zero_point,
            "output_multiplier": multiplier,
            "output_shift": shift,
        }

    def problems(self) -> Iterator[str]:
        found = list(super().problems())
        yield from found or factor_problems(self.factor)

    def combine(self, a: Int64, b: Int64) -> Int64:
        p = self.scales()
        product = (a + p["input1_offset"]) * (b + p["input2_offset"])
        scaled = multiply_by_quantized_multiplier(product, p["output_multiplier"], p["output_shift"])
        return self.clamped(scaled + p["output_offset"])

    def real(self, a: Array, b: Array) -> Array:
        return np.asarray(a * b)


class Extremum(Binary):
    """The larger or smaller of two values, compared as they are stored. Source: TFLM maximum_minimum.h."""

    quantization = QuantizationRule(same_scale=True)
    largest: ClassVar[bool]

    def combine(self, a: Int64, b: Int64) -> Int64:
        return np.maximum(a, b) if self.largest else np.minimum(a, b)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        a, b = inputs
        assert a is not None
        assert b is not None
        return (np.maximum(a, b) if self.largest else np.minimum(a, b),)


@operator("MAXIMUM")
class Maximum(Extremum):
    """The larger value."""

    tflite = TFLiteForm(55, range(1, 5), 39)
    largest = True


@operator("MINIMUM")
class Minimum(Extremum):
    """The smaller value."""

    tflite = TFLiteForm(57, range(1, 5), 39)
    largest = False


class Elementwise(Variant):
    """One pass over the output; scalars and repeated dimensions are not copied."""

    function: str
    quarters: int
    """Instructions per four elements."""
    code_bytes: int

    def cost(self, op: Binary) -> Cost:
        loops = op.loops()
        turns = op.output.elements // loops[-1].count
        return Cost(op.output.elements * self.quarters // 4 + turns * 18, 0, self.code_bytes + 60 * (len(loops) - 1))

    def constants(self, op: Binary) -> tuple[Constant, ...]:
        return tuple(Constant(f"input{i + 1}", t.data) for i in (0, 1) if (t := op.input(i)).data is not None)

    def call(self, op: Binary) -> Call:
        loops = op.loops()
        run = loops[-1]
        fields: dict[str, Any] = {}
        for i in (0, 1):
            name = f"input{i + 1}"
            fields[name] = Ref("constant", name) if op.input(i).is_constant else Ref("input", i)
        fields |= {"output": Ref("output"), **outer_fields(loops, ("steps1", "steps2"))}
        fields |= {"run": run.count, "run_step1": run.steps[0], "run_step2": run.steps[1]}
        return Call(self.function, f"{self.function}_args", fields | self.parameters(op))

    @abstractmethod
    def parameters(self, op: Any) -> dict[str, Any]: ...

    def inplace(self, op: Binary) -> tuple[int, ...]:
        """The inputs that are as large as the output."""
        large = (i for i in (0, 1) if op.input(i).elements == op.output.elements)
        return tuple(i for i in large if not op.input(i).is_constant)


class Rescaled(Elementwise):
    def parameters(self, op: Arithmetic) -> dict[str, Any]:
        low, high = activation_range(op.activation, op.output)
        return op.scales() | {"output_min": low, "output_max": high}


@variant(Add, Sub)
class AddElements(Rescaled):
    """Both inputs and the sum rescaled with SMMLAR, about 14 instructions per element."""

    name, header, function = "elements", "nn_add_s8.h", "nn_add_s8"
    quarters, code_bytes = 57, 280
    cycles_per_instruction = 1.05


@variant(Mul)
class MulElements(Rescaled):
    """The product rescaled with SMMLAR, about 12 instructions per element."""

    name, header, function = "elements", "nn_mul_s8.h", "nn_mul_s8"
    quarters, code_bytes = 49, 220
    cycles_per_instruction = 1.05


@variant(Maximum, Minimum)
class ExtremumElements(Elementwise):
    """Four elements per word with SSUB8 and SEL."""

    name, header, function = "elements_x4", "nn_extremum_s8.h", "nn_extremum_s8"
    quarters, code_bytes = 8, 40

    def parameters(self, op: Extremum) -> dict[str, Any]:
        return {"largest": op.largest}


variant(Add, Sub, Mul, Maximum, Minimum)(Table)
variant(Maximum, Minimum)(Clamp)
