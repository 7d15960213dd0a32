"""Fuse a clamp (RELU, RELU6, RELU_N1_TO_1) into the operator that produces its input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from seatool.ir import DType, Graph, Op
from seatool.kernels import Activation
from seatool.kernels.fixed_point import activation_range
from seatool.passes.tables import INPUTS, table
from seatool.passes.uses import Uses

_CLAMPS = {
    "RELU": Activation.RELU,
    "RELU6": Activation.RELU6,
    "RELU_N1_TO_1": Activation.RELU_N1_TO_1,
}
_OWN_SCALE = frozenset(
    {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "ADD", "SUB", "MUL", "DIV"}
)
"""Operators whose output has a scale of its own once quantized. A pool's has its input's: with the clamp in the pool,
half of the scale's range would be lost."""
_POOLS = frozenset({"MAX_POOL_2D", "AVERAGE_POOL_2D"})


def fuse_activations(graph: Graph, say: Callable[[str], None]) -> Graph:
    """Let producers clamp, where they can and where that is the same.

    On float32 it always is the same. On int8 it is the same when the clamp does nothing but clamp (checked on all 256
    values) and its range is that of the producer's fused activation.
    """
    uses = Uses(graph)
    ops: list[Op] = []
    position: dict[str, int] = {}
    for op in graph.ops:
        source = op.inputs[0] if op.inputs else None
        at = position.get(source) if source is not None else None
        if at is not None and source is not None and uses.is_private(source) and _can_fuse(ops[at], op, graph):
            attributes: Any = ops[at].attributes
            attributes = replace(attributes, fused_activation_function=_CLAMPS[op.kind])
            ops[at] = replace(ops[at], outputs=op.outputs, attributes=attributes)
            position[op.outputs[0]] = at
            say(f"fused {op.name} ({op.kind}) into {ops[at].name}")
            continue
        position.update(dict.fromkeys(op.outputs, len(ops)))
        ops.append(op)
    return graph.with_(ops=ops)


def _can_fuse(producer: Op, clamp: Op, graph: Graph) -> bool:
    if clamp.kind not in _CLAMPS or len(producer.outputs) != 1:
        return False
    if getattr(producer.attributes, "fused_activation_function", None) is not Activation.NONE:
        return False
    x, y = graph.tensors[producer.outputs[0]], graph.tensors[clamp.outputs[0]]
    if x.dtype is DType.FLOAT32:
        return producer.kind in _OWN_SCALE
    function = table(clamp, graph)
    if producer.kind not in _OWN_SCALE | _POOLS or function is None or x.quant != y.quant:
        return False
    low, high = activation_range(_CLAMPS[clamp.kind], y)
    return bool((function[1] == INPUTS.clip(low, high)).all())
