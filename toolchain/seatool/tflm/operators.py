"""Which operators a model needs from TFLM, and how they are registered.

Source: TFLM 90b983c2, micro/micro_mutable_op_resolver.h and micro/kernels/*.h.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from seatool.importers.tflite.records import RawModel, RawOp

_BOTH_TYPES = (
    "ADD AVERAGE_POOL_2D BATCH_MATMUL CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED MAX_POOL_2D SOFTMAX "
    "UNIDIRECTIONAL_SEQUENCE_LSTM"
)
INT8 = frozenset(f"{_BOTH_TYPES} MAXIMUM MINIMUM MUL PAD SVDF TRANSPOSE TRANSPOSE_CONV".split())
"""Operators of which TFLM can register the int8 kernel alone, which leaves the others out of the image."""

_SPECIAL = {"INT8": INT8, "INT16": frozenset(_BOTH_TYPES.split()), "INT8_INT16": frozenset({"SOFTMAX"})}
"""Operators with special kernels by how their registrations end: int8, int16 (weights int8), int8 to int16."""

_INDICES = frozenset({"INT32", "INT64", "BOOL"})

_SPELLINGS = {
    "BATCH_MATMUL": "BatchMatMul",
    "CUMSUM": "CumSum",
    "PADV2": "PadV2",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTM",
}


@dataclass(frozen=True)
class Registration:
    """An operator in the resolver: TFLite's name, the resolver's method, and the C++ expression passed to it ("" for
    the method's own)."""

    kind: str
    method: str
    kernel: str = ""

    @property
    def call(self) -> str:
        return f"{self.method}({self.kernel})"


def registrations(model: RawModel, further: Collection[str] = ()) -> list[Registration]:
    """What the resolver needs for ``model`` and the kinds of operators ``further``, in alphabetical order.

    Raises InputError for a custom operator.
    """
    by_kind: dict[str, list[RawOp]] = {}
    for op in model.ops:
        if op.is_custom:
            raise model.fail(f"operator #{op.index} {op.kind} is a custom one, which only your own TFLM may have")
        by_kind.setdefault(op.kind, []).append(op)
    own = {kind: _registration(kind, ops, model) for kind, ops in by_kind.items() if kind not in further}
    others = {kind: Registration(kind, _method(kind)) for kind in further}
    return [registration for _, registration in sorted({**own, **others}.items())]


def _method(kind: str) -> str:
    return f"Add{_SPELLINGS.get(kind) or camel_case(kind)}"


def _registration(kind: str, ops: list[RawOp], model: RawModel) -> Registration:
    types = {_special_type(op, model) for op in ops}
    special = types.pop() if len(types) == 1 else None
    if special is None or kind not in _SPECIAL[special]:
        return Registration(kind, _method(kind))
    return Registration(kind, _method(kind), f"tflite::Register_{kind}_{special}()")


def _special_type(op: RawOp, model: RawModel) -> str | None:
    """The type that a special kernel for ``op`` would be for, as TFLM's names end; biases and indices do not count."""
    tensors = [model.tensors[index] for index in (*op.inputs, *op.outputs) if index >= 0]
    values = [tensor.type.name for tensor in tensors if not tensor.is_variable and tensor.type.name not in _INDICES]
    if values == ["INT8", "INT16"]:
        return "INT8_INT16"
    if not values or values[0] != values[-1] or values[0] not in ("INT8", "INT16"):
        return None
    others = {"INT8", "INT16"} if op.kind == "SVDF" or values[0] == "INT16" else {"INT8"}
    return values[0] if set(values) <= others else None


def camel_case(kind: str) -> str:
    """As the resolver's methods are spelled, most of them.

    >>> camel_case("MAX_POOL_2D"), camel_case("RELU6"), camel_case("SPACE_TO_BATCH_ND")
    ('MaxPool2D', 'Relu6', 'SpaceToBatchNd')
    """
    return "".join(word if word[0].isdigit() else word.capitalize() for word in kind.split("_"))
