"""Make a PAD of the padding of SPACE_TO_BATCH_ND, which TFLM computes only without."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from seatool.ir import DType, Graph, Op, Tensor
from seatool.passes.uses import unused_name


def separate_padding(graph: Graph, say: Callable[[str], None]) -> Graph:
    """Put a PAD in front of every SPACE_TO_BATCH_ND that pads (float32)."""
    tensors = dict(graph.tensors)
    names = {op.name for op in graph.ops}
    ops: list[Op] = []
    for op in graph.ops:
        if op.kind == "SPACE_TO_BATCH_ND" and _paddings(op, graph).any():
            pad, op = _separated(op, graph, tensors, unused_name(f"{op.name}_pad", names))
            names.add(pad.name)
            ops.append(pad)
            say(f"padded in front of {op.name} ({op.kind})")
        ops.append(op)
    return graph.with_(tensors=tensors.values(), ops=ops)


def _paddings(op: Op, graph: Graph) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    """One row per padded dimension; zeros where they are not constant, which is reported elsewhere."""
    data = graph.tensors[str(op.inputs[2])].data
    return np.zeros((1, 2), np.int32) if data is None else data.astype(np.int32)


def _separated(op: Op, graph: Graph, tensors: dict[str, Tensor], name: str) -> tuple[Op, Op]:
    """The PAD and ``op`` without padding; files their tensors."""
    x, inner = graph.tensors[str(op.inputs[0])], _paddings(op, graph)
    amounts = np.zeros((len(x.shape), 2), np.int32)
    amounts[1 : 1 + len(inner)] = inner
    shape = tuple(n + int(pair.sum()) for n, pair in zip(x.shape, amounts, strict=True))
    padded = Tensor(unused_name(f"{op.name}/padded", tensors), shape, x.dtype, x.quant)
    before = Tensor(unused_name(f"{op.name}/paddings", tensors), amounts.shape, DType.INT32, None, amounts)
    none = Tensor(unused_name(f"{op.name}/no_paddings", tensors), inner.shape, DType.INT32, None, np.zeros_like(inner))
    tensors.update((tensor.name, tensor) for tensor in (padded, before, none))
    pad = Op(name, "PAD", (x.name, before.name), (padded.name,), source=op.source)
    return pad, replace(op, inputs=(padded.name, op.inputs[1], none.name))
