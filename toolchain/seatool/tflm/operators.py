"""Which operators a model needs from TFLM, and how they are registered.

Source: TFLM 90b983c2, micro/micro_mutable_op_resolver.h and micro/kernels/*.h.
"""

from __future__ import annotations

from dataclasses import dataclass

from seatool.importers.tflite.records import RawModel, RawOp

_BOTH_TYPES = (
    "ADD AVERAGE_POOL_2D BATCH_MATMUL CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED MAX_POOL_2D SOFTMAX "
    "UNIDIRECTIONAL_SEQUENCE_LSTM"
)
INT8 = frozenset(f"{_BOTH_TYPES} MAXIMUM MINIMUM MUL PAD SVDF TRANSPOSE TRANSPOSE_CONV".split())
"""Operators of which TFLM can register the int8 kernel alone, which leaves the others out of the image."""

INT16 = frozenset(_BOTH_TYPES.split())
"""Operators of which TFLM can register the int16 kernel alone."""

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


def registrations(model: RawModel) -> list[Registration]:
    """What the resolver needs for ``model``, in alphabetical order; InputError for an operator that TFLM lacks."""
    by_kind: dict[str, list[RawOp]] = {}
    for op in model.ops:
        if op.is_custom:
            raise model.fail(f"operator #{op.index} {op.kind} is a custom one, which only your own TFLM may have")
        by_kind.setdefault(op.kind, []).append(op)
    return [_registration(kind, ops, model) for kind, ops in sorted(by_kind.items())]


def _registration(kind: str, ops: list[RawOp], model: RawModel) -> Registration:
    method = f"Add{_SPELLINGS.get(kind) or camel_case(kind)}"
    if kind in INT8 and all(_types(op, model) == ({"INT8"}, "INT8") for op in ops):
        return Registration(kind, method, f"tflite::Register_{kind}_INT8()")
    if kind in INT16 and all(_is_int16(*_types(op, model)) for op in ops):
        return Registration(kind, method, f"tflite::Register_{kind}_INT16()")
    return Registration(kind, method)


def _types(op: RawOp, model: RawModel) -> tuple[set[str], str]:
    """Types of the values that ``op`` computes with, and of its result; biases, indices and states are passed over."""
    tensors = [model.tensors[index] for index in (*op.inputs, *op.outputs) if index >= 0]
    values = {tensor.type.name for tensor in tensors if not tensor.is_variable} - _INDICES
    return values, model.tensors[op.outputs[0]].type.name if op.outputs else ""


def _is_int16(values: set[str], result: str) -> bool:
    """int16 activations, beside int8 weights if there are weights."""
    return result == "INT16" and values <= {"INT16", "INT8"}


def camel_case(kind: str) -> str:
    """As the resolver's methods are spelled, most of them.

    >>> camel_case("MAX_POOL_2D"), camel_case("RELU6"), camel_case("SPACE_TO_BATCH_ND")
    ('MaxPool2D', 'Relu6', 'SpaceToBatchNd')
    """
    return "".join(word if word[0].isdigit() else word.capitalize() for word in kind.split("_"))
