"""Random graphs run in the planned memory: every operator finds its inputs intact, every output survives."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from seatool.errors import BudgetError
from seatool.ir import Array, DType, Graph, Op, Quantization, Tensor
from seatool.kernels import bind
from seatool.kernels.binary import BinaryAttributes
from seatool.kernels.joining import ConcatenationAttributes, SplitAttributes
from seatool.kernels.view import ReshapeAttributes
from seatool.plan import Buffer, PlanOptions, Program, plan
from standins import board

UNIT = Quantization.per_tensor(0.05, -3)
AXIS = Tensor("axis", (1,), DType.INT32, None, np.array([1], np.int32))


class Growing:
    """A graph under construction, of int8 tensors (1, n) and (1, 1, n)."""

    def __init__(self, sizes: list[int]) -> None:
        self.tensors = [Tensor(f"x{i}", (1, size), DType.INT8, UNIT) for i, size in enumerate(sizes)]
        self.inputs = tuple(tensor.name for tensor in self.tensors)
        self.ops: list[Op] = []

    def add(self, kind: str, inputs: tuple[str, ...], shapes: list[tuple[int, ...]], attributes: object) -> None:
        number = len(self.ops)
        outputs = [Tensor(f"t{number}.{i}", shape, DType.INT8, UNIT) for i, shape in enumerate(shapes)]
        names = tuple(tensor.name for tensor in outputs)
        self.ops.append(Op(f"op{number}", kind, inputs, names, attributes, 2))  # type: ignore[arg-type]
        self.tensors += outputs

    def grow(self, kind: str, a: Tensor, b: Tensor) -> None:
        """One more operator on ``a``, and on ``b`` if it takes two."""
        size = a.elements
        if kind == "RESHAPE":
            shape = (1, size) if len(a.shape) == 3 else (1, 1, size)
            self.add("RESHAPE", (a.name,), [shape], ReshapeAttributes(shape))
        elif kind == "SPLIT" and len(a.shape) == 2 and size % 2 == 0:
            self.add("SPLIT", ("axis", a.name), [(1, size // 2)] * 2, SplitAttributes(2))
        elif kind == "CONCATENATION" and len(a.shape) == len(b.shape) == 2 and size + b.elements < 500:
            self.add(kind, (a.name, b.name), [(1, size + b.elements)], ConcatenationAttributes(1))
        else:
            other = b if b.shape == a.shape else a
            self.add("ADD", (a.name, other.name), [a.shape], BinaryAttributes())


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    growing = Growing([8 * draw(st.integers(1, 12)) for _ in range(draw(st.integers(1, 2)))])
    growing.grow("ADD", growing.tensors[0], growing.tensors[-1])
    for _ in range(draw(st.integers(0, 12))):
        kind = draw(st.sampled_from(["ADD", "ADD", "ADD", "RESHAPE", "SPLIT", "CONCATENATION"]))
        growing.grow(kind, draw(st.sampled_from(growing.tensors)), draw(st.sampled_from(growing.tensors)))
    names = [tensor.name for tensor in growing.tensors]
    outputs = dict.fromkeys([names[-1], *draw(st.lists(st.sampled_from(names), max_size=2))])
    table = {tensor.name: tensor for tensor in [AXIS, *growing.tensors]}
    return Graph("net", table, tuple(growing.ops), growing.inputs, tuple(outputs))


def evaluate(graph: Graph, inputs: dict[str, Array]) -> dict[str, Array]:
    """Every tensor, each with memory of its own."""
    values = {**inputs, "axis": np.array([1], np.int32)}
    for op in graph.ops:
        results = bind(op, graph).evaluate(*(None if name is None else values[name] for name in op.inputs))
        values.update(zip(op.outputs, results, strict=True))
    return values


class Arena:
    """The memory regions as the plan divides them."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.memory = {region: np.full(size, 0x55, np.int8) for region, size in program.blocks.items()}

    def bytes(self, buffer: Buffer) -> Array:
        return self.memory[buffer.region][buffer.offset : buffer.offset + buffer.size]

    def read(self, name: str) -> Array:
        tensor = self.program.graph.tensors[name]
        return tensor.data if tensor.data is not None else self.bytes(self.program.buffers[name]).reshape(tensor.shape)

    def write(self, name: str, value: Array) -> None:
        self.bytes(self.program.buffers[name])[:] = value.reshape(-1)

    def run(self, inputs: dict[str, Array]) -> dict[str, Array]:
        """The outputs. Scratch memory is overwritten while a step runs."""
        for name, value in inputs.items():
            self.write(name, value)
        for step in self.program.layers:
            made: dict[str, Array] = {}
            for operator in step.operators:
                names = operator.op.inputs
                values = [None if name is None else made[name] if name in made else self.read(name) for name in names]
                results = operator.evaluate(*(None if value is None else value.copy() for value in values))
                made |= zip(operator.op.outputs, results, strict=True)
            if step.scratch is not None:
                self.bytes(step.scratch)[:] = 0x2A
            for tensor in step.outputs:
                self.write(tensor.name, made[tensor.name])
        return {name: self.read(name).copy() for name in self.program.graph.outputs}


@given(graphs(), st.integers(0, 2**32 - 1), st.booleans(), st.integers(0, 400))
@settings(deadline=None, max_examples=150)
def test_planned_memory_serves_every_operator(graph: Graph, seed: int, small: bool, slack: int) -> None:
    rng = np.random.default_rng(seed)
    inputs = {name: rng.integers(-128, 128, graph.tensors[name].shape).astype(np.int8) for name in graph.inputs}
    least = plan(graph, board(64 << 10))
    boards = [board(1 << 11, 512, 64 << 10), board(1 << 11, *[least.liveness_bound // 2 + slack] * 3)]
    try:
        program = plan(graph, boards[small], PlanOptions(stack_bytes=1024))
    except BudgetError:
        assert small
        return
    expected = evaluate(graph, inputs)
    for name, value in Arena(program).run(inputs).items():
        assert np.array_equal(value, expected[name]), name
