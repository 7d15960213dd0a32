"""Small quantized networks for rendering: every kind of edge that generated code has to get right."""

from __future__ import annotations

import numpy as np
from seatool.ir import Array, DType, Graph, Op, Quantization, Tensor
from seatool.kernels import Padding
from seatool.kernels.binary import BinaryAttributes
from seatool.kernels.pool import Pool2DAttributes


def act(name: str, shape: tuple[int, ...], scale: float = 0.05, zero_point: int = -4) -> Tensor:
    """An int8 activation."""
    return Tensor(name, shape, DType.INT8, Quantization.per_tensor(scale, zero_point))


def pool(name: str, before: str, after: str, size: int = 2, kind: str = "MAX_POOL_2D") -> Op:
    """A pooling with square windows."""
    return Op(name, kind, (before,), (after,), Pool2DAttributes(Padding.SAME, size, size, size, size), 2)


def binary(kind: str, name: str, inputs: tuple[str, str], after: str) -> Op:
    """ADD, SUB or MUL."""
    return Op(name, kind, inputs, (after,), BinaryAttributes(), 2)


def table(*tensors: Tensor) -> dict[str, Tensor]:
    """Tensors by name."""
    return {tensor.name: tensor for tensor in tensors}


def residual() -> Graph:
    """Two inputs and two outputs, a constant operand, results in place; names that C would not take."""
    rng = np.random.default_rng(1)
    factor = rng.integers(-128, 128, (1, 1, 1, 6)).astype(np.int8)
    quant = Quantization.per_tensor(0.01, 3)
    tensors = table(
        act('serving/x:0 */ "q"', (1, 8, 6, 6)),
        act("y??/", (1, 8, 6, 6), 0.02, 7),
        Tensor("factor", (1, 1, 1, 6), DType.INT8, quant, factor),
        act("sum", (1, 8, 6, 6), 0.07, 1),
        act("scaled", (1, 8, 6, 6), 0.06, -2),
        act("small", (1, 4, 3, 6), 0.06, -2),
        act("mean", (1, 2, 2, 6), 0.06, -2),
    )
    x, y = list(tensors)[:2]
    ops = (
        binary("ADD", "int", (x, y), "sum"),
        binary("MUL", "while", ("sum", "factor"), "scaled"),
        pool("run", "scaled", "small"),
        pool("input", "small", "mean", kind="AVERAGE_POOL_2D"),
    )
    return Graph("net", tensors, ops, (x, y), ("small", "mean"))


def inputs_of(graph: Graph, count: int, seed: int = 0) -> list[tuple[Array, ...]]:
    """Random and extreme values for the inputs of ``graph``."""
    rng = np.random.default_rng(seed)
    cases = []
    for number in range(count):
        low, high = [(-128, 128), (127, 128), (-128, -127)][min(number, 2) if number < 3 else 0]
        cases.append(tuple(rng.integers(low, high, graph.tensors[n].shape).astype(np.int8) for n in graph.inputs))
    return cases
