"""CAST between int8, int32 and bool: stored numbers, without regard to scales."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from seatool.ir import Array, Attributes, DType, Quantization
from seatool.kernels.base import (
    Call,
    Code,
    Cost,
    Field,
    Operator,
    QuantizationRule,
    Ref,
    TFLiteForm,
    Variant,
    operator,
    variant,
)
from seatool.kernels.lookup_table import Clamp, Table


class _Type(Code):
    S8 = 0
    BOOL = 1
    S32 = 2

    @property
    def c_name(self) -> str:
        return f"NN_CAST_{self.name}"


_TYPES = {DType.INT8: _Type.S8, DType.BOOL: _Type.BOOL, DType.INT32: _Type.S32}


@dataclass(frozen=True)
class CastAttributes(Attributes):
    """CastOptions of the TFLite schema; the tensors' own types are what counts."""

    in_data_type: int = 0
    out_data_type: int = 0


@operator("CAST")
class Cast(Operator):
    """The same number as another type; what does not fit wraps. Source: TFLM cast.cc."""

    tflite = TFLiteForm(53, range(1, 8), 37, (Field("in_data_type", 0, "int8"), Field("out_data_type", 1, "int8")))
    attributes_type = CastAttributes
    quantization = QuantizationRule(fixed_output=Quantization.per_tensor(1.0, 0))
    limits = "int8, int32 and bool"

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Attributes:
        return CastAttributes(**raw)

    def problems(self) -> Iterator[str]:
        for tensor in (self.input(0), self.output):
            if tensor.dtype not in _TYPES:
                yield f"{tensor.name} is {tensor.dtype.value}; int8, int32 and bool are supported"
        if self.input(0).shape != self.output.shape:
            yield "input and output have different shapes"

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        (x,) = inputs
        assert x is not None
        return (x.astype(self.output.dtype.numpy),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        return self.evaluate(*inputs)


@variant(Cast)
class CastElements(Variant):
    """One element at a time."""

    name, header = "elements", "nn_cast.h"

    def cost(self, op: Cast) -> Cost:
        return Cost(op.output.elements * 4 + 20, 0, 50)

    def call(self, op: Cast) -> Call:
        fields = {
            "input": Ref("input"),
            "output": Ref("output"),
            "count": op.output.elements,
            "from": _TYPES[op.input(0).dtype],
            "to": _TYPES[op.output.dtype],
        }
        return Call("nn_cast", "nn_cast_args", fields)


variant(Cast)(Table)
variant(Cast)(Clamp)
