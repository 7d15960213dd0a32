"""Make a chain of ADD of ADD_N, whose int8 form in TFLM starts with the zero point instead of 0."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from seatool.ir import Graph, Op, Tensor
from seatool.kernels.binary import BinaryAttributes
from seatool.passes.uses import unused_name


def split_sums(graph: Graph, say: Callable[[str], None]) -> Graph:
    """Add the inputs of every ADD_N one after the other (float32)."""
    tensors = dict(graph.tensors)
    names = {op.name for op in graph.ops}
    ops: list[Op] = []
    for op in graph.ops:
        if op.kind != "ADD_N" or len(op.inputs) < 2:
            ops.append(op)
            continue
        so_far = op.inputs[0]
        for number, term in enumerate(op.inputs[1:], 1):
            is_last = number == len(op.inputs) - 1
            name = op.name if is_last else unused_name(f"{op.name}_{number}", names)
            target = op.outputs[0] if is_last else _partial(graph.tensors[op.outputs[0]], number, tensors)
            ops.append(Op(name, "ADD", (so_far, term), (target,), BinaryAttributes(), 1, op.source))
            names.add(name)
            so_far = target
        say(f"split {op.name} (ADD_N) into {len(op.inputs) - 1} ADD")
    return graph.with_(tensors=tensors.values(), ops=ops)


def _partial(total: Tensor, number: int, tensors: dict[str, Tensor]) -> str:
    """A new tensor for the sum of the first inputs."""
    tensor = replace(total, name=unused_name(f"{total.name}/sum_{number}", tensors))
    tensors[tensor.name] = tensor
    return tensor.name
