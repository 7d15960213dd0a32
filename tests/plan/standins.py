"""Operators that only have sizes, and boards that only have memory: planning needs no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from seatool.boards.board import Board, Core, Region
from seatool.ir import Array, Attributes, DType, Graph, Op, Tensor
from seatool.kernels import Admission, Call, Constant, Cost, Operator, Resident, Variant, variant


@dataclass(frozen=True)
class Sizes(Attributes):
    """What a stand-in needs. ``in_place``: indices of inputs that its output may overwrite; ``shared``: of its fast
    kernel.
    """

    scratch: int = 0
    weights: int = 0
    in_place: tuple[int, ...] = ()
    seed: int = 0
    shared: tuple[tuple[str, int], ...] = ()


class StandIn(Operator):
    """Computes nothing."""

    kind = "STAND_IN"
    attributes_type = Sizes
    variants = []  # noqa: RUF012 - the registry's way

    def problems(self) -> Iterator[str]:
        if self.output.dtype is not DType.INT8:
            yield f"{self.output.name} is {self.output.dtype.value}"

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        raise NotImplementedError

    def macs(self) -> int:
        return self.output.elements


class StandInView(StandIn):
    """Renames its input's bytes."""

    kind = "STAND_IN_VIEW"
    is_view = True


class _Kernel(Variant):
    header, cycles_per_instruction = "nn.h", 1.0

    def constants(self, op: StandIn) -> tuple[Constant, ...]:
        rng = np.random.default_rng(op.attributes.seed)
        weights = rng.integers(-128, 128, op.attributes.weights).astype(np.int8)
        return (Constant("weights", weights),) if op.attributes.weights else ()

    def call(self, op: StandIn) -> Call:
        raise NotImplementedError

    def inplace(self, op: StandIn) -> tuple[int, ...]:
        return tuple(op.attributes.in_place)


@variant(StandIn)
class Fast(_Kernel):
    """Needs scratch."""

    name = "fast"

    def cost(self, op: StandIn) -> Cost:
        return Cost(op.output.elements, op.attributes.scratch, 100, op.attributes.shared)


class Keeping(Fast):
    """Keeps so many bytes that are filled at start."""

    def __init__(self, resident: int) -> None:
        self.bytes = resident

    def resident(self, op: StandIn) -> Resident | None:
        return Resident(self.bytes, Call("fill", "fill_args"), 0, 10) if self.bytes else None


@variant(StandIn)
class Frugal(_Kernel):
    """Needs none, and takes ten times as long."""

    name = "frugal"

    def cost(self, op: StandIn) -> Cost:
        return Cost(10 * op.output.elements, 0, 50)


@variant(StandIn)
class Never(_Kernel):
    """Admits nothing."""

    name = "never"

    def admits(self, op: StandIn) -> Admission:
        return Admission(False, "it is Sunday")

    def cost(self, op: StandIn) -> Cost:
        return Cost(1)


def layer(name: str, inputs: Sequence[str], outputs: Sequence[str], **sizes: object) -> Op:
    """A stand-in."""
    return Op(name, "STAND_IN", tuple(inputs), tuple(outputs), Sizes(**sizes))  # type: ignore[arg-type]


def view(name: str, before: str, after: str) -> Op:
    """A stand-in that is a view."""
    return Op(name, "STAND_IN_VIEW", (before,), (after,), Sizes())


def graph(sizes: dict[str, int], ops: Sequence[Op], inputs: Sequence[str], outputs: Sequence[str]) -> Graph:
    """A graph of int8 vectors with the given bytes."""
    tensors = {name: Tensor(name, (size,), DType.INT8) for name, size in sizes.items()}
    return Graph("net", tensors, tuple(ops), tuple(inputs), tuple(outputs))


def chain(sizes: Sequence[int], **sizes_of_all: object) -> Graph:
    """t0 -> l1 -> t1 -> l2 -> t2 ..., with the given bytes per tensor."""
    ops = [layer(f"l{i}", [f"t{i - 1}"], [f"t{i}"], **sizes_of_all) for i in range(1, len(sizes))]
    return graph({f"t{i}": size for i, size in enumerate(sizes)}, ops, ["t0"], [f"t{len(sizes) - 1}"])


def student(filters: Sequence[int]) -> Graph:
    """An SEA student behind its front end, with the real sizes: two convolutions and a pooling per block."""
    sizes, ops, weights = {"x": 64 * 50}, [], 1
    before, (height, width) = "x", (64, 50)
    for block, count in enumerate(filters):
        for number in range(2):
            name = f"block{block}_conv{number}"
            sizes[name] = height * width * count
            ops.append(layer(name, [before], [name], weights=9 * weights * count, seed=len(ops)))
            before, weights = name, count
        last = block == len(filters) - 1
        height, width = (1, 1) if last else (height // 2, width // 2)
        sizes[f"pool{block}"] = height * width * count
        ops.append(layer(f"pool{block}", [before], [f"pool{block}"]))
        before = f"pool{block}"
    return graph(sizes, ops, ["x"], [before])


def board(*ram: int, flash: int = 2 << 20, stack: int = 1024) -> Board:
    """A board with the given RAM regions, the first a TCM."""
    kinds = ["tcm", *["sram"] * len(ram)]
    memory = [Region("flash", "flash", 0x0800_0000, flash, emulator_address=0)]
    for number, (size, kind) in enumerate(zip(ram, kinds, strict=False)):
        memory.append(Region(f"ram{number}", kind, 0x2000_0000 + (number << 24), size))  # type: ignore[arg-type]
    empty = MappingProxyType({})
    return Board("test", "Test", Core("cortex-m7", "fpv5-d16", 1), tuple(memory), "", "", stack, empty, empty)
