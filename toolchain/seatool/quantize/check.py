"""What stands in the way of quantizing a float graph; everything at once, in words for the user."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from seatool.errors import InputError
from seatool.ir import DType, Graph, Op, Tensor
from seatool.kernels import Operator, bind, operators
from seatool.quantize.affine import activation_parameters
from seatool.quantize.convert import Converter
from seatool.quantize.sharing import share


def require_quantizable(graph: Graph) -> None:
    """InputError that names every operator and tensor of the float ``graph`` that cannot become int8.

    What depends on the true ranges is left to :func:`compile_problems`.
    """
    refuse(graph, obstacles(graph))


def obstacles(graph: Graph) -> list[str]:
    """A line on everything in the float ``graph`` that cannot become int8.

    Operators are asked about a trial conversion in which all values lie in [-1, 1], so that nothing has to be
    calibrated first.
    """
    problems = [*_tensor_problems(graph), *_operator_problems(graph)]
    if not problems:
        sharing = share(graph)
        trial = activation_parameters(-1.0, 1.0)
        names = {sharing.representative(name) for name in graph.tensors}
        tame = graph.with_(tensors=[_tamed(tensor) for tensor in graph.tensors.values()])
        int8 = Converter(tame, sharing, dict.fromkeys(names, trial) | sharing.fixed).convert()
        problems = compile_problems(int8)
    return problems


def _tamed(tensor: Tensor) -> Tensor:
    """``tensor``; a float constant is clipped to [-1, 1]."""
    if tensor.data is None or tensor.dtype is not DType.FLOAT32:
        return tensor
    return replace(tensor, data=np.asarray(np.clip(tensor.data, -1.0, 1.0)))


def compile_problems(graph: Graph) -> list[str]:
    """Reasons why operators of the int8 ``graph`` cannot be compiled."""
    return [_line(op, reason) for op in graph.ops for reason in bind(op, graph).problems()]


def refuse(graph: Graph, problems: list[str]) -> None:
    """InputError if there are any ``problems``."""
    if problems:
        count = f"{len(problems)} obstacle" + ("s" if len(problems) > 1 else "")
        raise InputError(
            "\n".join([f"{graph.name} cannot be quantized to int8: {count}", *(f"  {line}" for line in problems)]),
            hint="replace these operators, or bring the model as int8 .tflite; supported operators: docs/operators.md",
        )


def _tensor_problems(graph: Graph) -> Iterator[str]:
    padding = {op.inputs[2] for op in graph.ops if op.kind == "PADV2"}
    for tensor in graph.tensors.values():
        if tensor.quant is not None:
            yield f"{tensor.name}: quantized already ({tensor.dtype.value}) while other tensors are float"
        elif not _is_usable(tensor, infinite=tensor.name in padding):
            yield f"{tensor.name}: the constant holds NaN or infinity"
    for name in (*graph.inputs, *graph.outputs):
        tensor = graph.tensors[name]
        if tensor.is_constant:
            yield f"{name}: an input or output of the model that is a constant"
        elif name in graph.inputs and tensor.dtype is not DType.FLOAT32:
            yield f"{name}: an input of the model that is {tensor.dtype.value}; only float32 can be quantized"
    for state in graph.states:
        yield f"{state.value}: a variable, which calibration does not know; only int8 models may have some"


def _is_usable(tensor: Tensor, infinite: bool) -> bool:
    """Whether a float constant holds numbers; ``infinite``: also infinity (a pad value, which saturates)."""
    if tensor.data is None or tensor.dtype is not DType.FLOAT32:
        return True
    return not np.isnan(tensor.data).any() if infinite else bool(np.isfinite(tensor.data).all())


def _operator_problems(graph: Graph) -> Iterator[str]:
    for op in graph.ops:
        family = operators()[op.kind]
        if family.evaluate_float is Operator.evaluate_float:
            yield _line(op, "has no float form")
        if op.kind == "CAST" and graph.tensors[str(op.inputs[0])].dtype is not DType.BOOL:
            yield _line(op, "only truth values become numbers that quantization keeps")
        if op.kind == "CUMSUM":
            yield _line(op, "TFLM starts its sums at the zero point instead of 0")
        for what in ("weights", "bias"):
            index = getattr(family.quantization, what)
            name = op.inputs[index] if index is not None and index < len(op.inputs) else None
            if name is not None and not graph.tensors[name].is_constant:
                yield _line(op, f"its {what} ({name}) are computed, not constant")


def _line(op: Op, reason: str) -> str:
    return f"{op.source or op.name}  {op.kind}: {reason}"
