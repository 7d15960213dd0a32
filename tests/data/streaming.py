"""Int8 models with resource variables, as converters write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from raw_model import RawModel, RawOp, RawTensor
from seatool.ir import Array

SCALE = {"scale": (0.5,), "zero_point": (-3,)}


class Builder:
    """A subgraph under construction; tensors are known by their names."""

    def __init__(self) -> None:
        self.model = RawModel([], [], (), ())
        self._index: dict[str, int] = {}

    def tensor(self, name: str, shape: Sequence[int], **fields: object) -> str:
        """An int8 tensor, or what ``fields`` say."""
        self._index[name] = len(self.model.tensors)
        self.model.tensors.append(RawTensor(name, shape, **{**SCALE, **fields}))  # type: ignore[arg-type]
        return name

    def constant(self, name: str, data: Array, buffers: list[bytes], **fields: object) -> str:
        """A constant, its data in ``buffers``."""
        buffers.append(data.tobytes())
        return self.tensor(name, data.shape, type=data.dtype.name.upper(), buffer=len(buffers) - 1, **fields)

    def op(self, kind: str, inputs: Sequence[str], outputs: Sequence[str], options: int = 0, **more: object) -> None:
        places = [tuple(self._index[name] for name in names) for names in (inputs, outputs)]
        self.model.ops.append(RawOp(kind, *places, options=options, **more))  # type: ignore[arg-type]

    def handle(self, variable: str, name: str = "") -> str:
        """A VAR_HANDLE; the tensor is called ``name``, or <variable>/handle."""
        made = self.tensor(name or f"{variable}/handle", (), type="RESOURCE", scale=(), zero_point=())
        self.op("VAR_HANDLE", (), (made,), 111, fields={0: ("string", ""), 1: ("string", variable)})
        return made

    def read(self, handle: str, name: str, shape: Sequence[int], **fields: object) -> str:
        self.op("READ_VARIABLE", (handle,), (self.tensor(name, shape, **fields),), 112)
        return name

    def assign(self, handle: str, value: str) -> None:
        self.op("ASSIGN_VARIABLE", (handle, value), (), 113)

    def add(self, first: str, second: str, name: str, shape: Sequence[int]) -> str:
        """The sum, as a tensor of ``shape``."""
        self.op("ADD", (first, second), (self.tensor(name, shape),), 11, version=2, fields={0: ("int8", 0)})
        return name

    def done(self, inputs: Sequence[str], outputs: Sequence[str], **changes: object) -> RawModel:
        for name, value in changes.items():
            setattr(self.model, name, value)
        self.model.inputs = tuple(self._index[name] for name in inputs)
        self.model.outputs = tuple(self._index[name] for name in outputs)
        return self.model


def initialiser(values: Mapping[str, Array], buffers: list[bytes]) -> RawModel:
    """A subgraph that assigns constants to variables."""
    b = Builder()
    for variable, value in values.items():
        b.assign(b.handle(variable), b.constant(f"{variable}/first", value, buffers))
    return b.done((), ())


def call_once(b: Builder, subgraph: int = 1) -> None:
    b.op("CALL_ONCE", (), (), 103, fields={0: ("int32", subgraph)})


def ring(first: Array | None = None) -> RawModel:
    """The last three of the inputs, (1, 4) each, as a variable; the output is their sum with what left it.

    ``first``: what the variable begins as, (1, 3, 4).
    """
    b, buffers = Builder(), [b""]
    if first is not None:
        call_once(b)
    b.tensor("x", (1, 1, 4))
    handle = b.handle("ring")
    before = b.read(handle, "before", (1, 3, 4))
    cuts = [
        b.constant(n, np.array(v, np.int32), buffers) for n, v in (("b", [0, 1, 0]), ("e", [1, 3, 4]), ("s", [1] * 3))
    ]
    kept = b.tensor("kept", (1, 2, 4))
    b.op("STRIDED_SLICE", (before, *cuts), (kept,), 32, fields=dict.fromkeys(range(5), ("int32", 0)))
    after = b.tensor("after", (1, 3, 4))
    b.op("CONCATENATION", (kept, "x"), (after,), 10, fields={0: ("int32", 1), 1: ("int8", 0)})
    b.assign(handle, after)
    b.add(before, after, "y", (1, 3, 4))  # reads what the variable was, when it is not that any more
    others = [] if first is None else [initialiser({"ring": first}, buffers)]
    return b.done(("x",), ("y",), buffers=buffers, others=others)


def swap(first: Mapping[str, Array]) -> RawModel:
    """Two variables that change places, one of them after the input has been added, which is read again."""
    b, buffers = Builder(), [b""]
    call_once(b)
    b.tensor("x", (2, 4))
    left, right = b.handle("left"), b.handle("right")
    a, c = b.read(left, "a", (2, 4)), b.read(right, "c", (2, 4))
    b.assign(left, c)
    b.assign(right, b.add(a, "x", "sum", (2, 4)))
    b.assign(right, b.add(b.read(right, "fresh", (2, 4)), a, "again", (2, 4)))
    b.add(b.read(left, "l", (2, 4)), b.read(right, "r", (2, 4)), "y", (2, 4))
    return b.done(("x",), ("y", "fresh"), buffers=buffers, others=[initialiser(first, buffers)])


def delay(first: Array) -> RawModel:
    """The last input, kept in float32 as converters do, and a variable that is only read."""
    b, buffers = Builder(), [b""]
    call_once(b)
    real = {"type": "FLOAT32", "scale": (), "zero_point": ()}
    b.tensor("x", (1, 6))
    memory, bias = b.handle("memory"), b.handle("bias")
    before = b.read(memory, "before", (1, 6), **real)
    bounds = {"begin": [0, 2], "size": [1, 4]}
    ends = [b.constant(name, np.array(values, np.int32), buffers) for name, values in bounds.items()]
    part = b.tensor("part", (1, 4), **real)
    b.op("SLICE", (before, *ends), (part,), 48)
    whole = b.tensor("whole", (1, 10), **real)
    b.op("CONCATENATION", (before, part), (whole,), 10, fields={0: ("int32", 1), 1: ("int8", 0)})
    stored = b.tensor("stored", (1, 10))
    b.op("QUANTIZE", (whole,), (stored,))
    real_x = b.tensor("real", (1, 6), **real)
    b.op("DEQUANTIZE", ("x",), (real_x,))
    b.assign(memory, real_x)
    b.add(stored, b.read(bias, "offset", (1, 10)), "y", (1, 10))
    values = {"memory": first, "bias": np.arange(-5, 5, dtype=np.int8).reshape(1, 10)}
    return b.done(("x",), ("y",), buffers=buffers, others=[initialiser(values, buffers)])
