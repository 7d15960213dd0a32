"""The graph itself: frozen, validated on construction, printable."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from seatool.ir.tensor import Array, Tensor

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*\Z")


@dataclass(frozen=True)
class Attributes:
    """Base of the typed attributes of an operator; each operator family defines its own frozen dataclass."""


@dataclass(frozen=True)
class NoAttributes(Attributes):
    """For operators that have none."""


@dataclass(frozen=True)
class Op:
    """One operator.

    ``name`` is the short layer name, unique in the graph and a C identifier; ``kind`` is TFLite's operator name
    (``CONV_2D``). Inputs and outputs are tensor names; an absent optional input is None. ``source`` says where the
    operator stood in the user's file ("#7 block1/up"), for messages.
    """

    name: str
    kind: str
    inputs: tuple[str | None, ...]
    outputs: tuple[str, ...]
    attributes: Attributes = field(default_factory=NoAttributes)
    version: int = 1
    source: str = ""


@dataclass(frozen=True, eq=False)
class State:
    """What a network remembers: tensor ``value`` holds it when an inference begins, ``next`` when it ends.

    ``initial`` is the value before the first inference, of the tensors' shape and dtype.
    """

    value: str
    next: str
    initial: Array


@dataclass(frozen=True, eq=False)
class Graph:
    """A network in topological order.

    ``tensors`` maps names to tensors (constants included); ``frontend`` describes the audio layers in front, if the
    model has them (``seatool.audio.LogMel``); ``notes`` are the importer's sentences for the user; ``states`` is what
    the network keeps from one inference to the next; ``aliases`` are other names for inputs and outputs, for people, by
    tensor. Construction raises ValueError if a name is undefined, produced
    twice or used before it is produced, so later stages never meet a malformed graph.
    """

    name: str
    tensors: Mapping[str, Tensor]
    ops: tuple[Op, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    frontend: Any = None
    notes: tuple[str, ...] = ()
    states: tuple[State, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tensors", MappingProxyType(dict(self.tensors)))
        if not _IDENTIFIER.match(self.name):
            raise ValueError(f"graph name {self.name!r} is not a lower-case C identifier")
        for key, tensor in self.tensors.items():
            if key != tensor.name:
                raise ValueError(f"tensor {tensor.name!r} is filed under {key!r}")
        if not self.inputs or not self.outputs:
            raise ValueError("a graph needs at least one input and one output")
        self._check_order()

    def _check_order(self) -> None:
        known = {name for name, tensor in self.tensors.items() if tensor.is_constant}
        for name in self.sources:
            self._require(name, "graph input or state")
            known.add(name)
        seen: set[str] = set()
        for op in self.ops:
            if op.name in seen or not _IDENTIFIER.match(op.name):
                raise ValueError(f"operator name {op.name!r} is not a unique lower-case C identifier")
            seen.add(op.name)
            for name in filter(None, op.inputs):
                self._require(name, f"input of {op.name}")
                if name not in known:
                    raise ValueError(f"{op.name} uses tensor {name!r} before anything produces it")
            for name in op.outputs:
                self._require(name, f"output of {op.name}")
                if name in known:
                    raise ValueError(f"tensor {name!r} is produced twice (again by {op.name})")
                known.add(name)
        for name in self.sinks:
            self._require(name, "graph output or state")
            if name not in known:
                raise ValueError(f"graph output or state {name!r} is never produced")

    @property
    def sources(self) -> tuple[str, ...]:
        """Tensors that are there when an inference begins: inputs and states."""
        return (*self.inputs, *(state.value for state in self.states))

    @property
    def sinks(self) -> tuple[str, ...]:
        """Tensors that are needed when an inference has ended: outputs and states."""
        return (*self.outputs, *(state.next for state in self.states))

    def _require(self, name: str, role: str) -> None:
        if name not in self.tensors:
            raise ValueError(f"{role} {name!r} is not a tensor of the graph")

    def op(self, name: str) -> Op:
        """The operator called ``name``; KeyError if there is none."""
        for op in self.ops:
            if op.name == name:
                return op
        raise KeyError(name)

    def producer(self, tensor: str) -> Op | None:
        """The operator that writes ``tensor``; None for inputs and constants."""
        return next((op for op in self.ops if tensor in op.outputs), None)

    def consumers(self, tensor: str) -> tuple[Op, ...]:
        """The operators that read ``tensor``, in order."""
        return tuple(op for op in self.ops if tensor in op.inputs)

    def with_(
        self,
        *,
        tensors: Iterable[Tensor] | None = None,
        ops: Iterable[Op] | None = None,
        **changes: Any,
    ) -> Graph:
        """A copy with replaced parts; tensors that nothing refers to any more are dropped."""
        new_ops = self.ops if ops is None else tuple(ops)
        table = dict(self.tensors) if tensors is None else {t.name: t for t in tensors}
        inputs, outputs = changes.get("inputs", self.inputs), changes.get("outputs", self.outputs)
        states = changes.get("states", self.states)
        used = {*inputs, *outputs, *(state.value for state in states), *(state.next for state in states)}
        for op in new_ops:
            used.update(name for name in op.inputs if name is not None)
            used.update(op.outputs)
        kept = {name: tensor for name, tensor in table.items() if name in used}
        return replace(self, tensors=kept, ops=new_ops, **changes)

    def __str__(self) -> str:
        lines = [f"graph {self.name}"]
        lines += [f"  in   {self.tensors[name]}" for name in self.inputs]
        for op in self.ops:
            outs = ", ".join(str(self.tensors[name]) for name in op.outputs)
            ins = ", ".join("-" if name is None else name for name in op.inputs)
            lines.append(f"  {op.name} = {op.kind}({ins}) -> {outs}")
        lines += [f"  out  {self.tensors[name]}" for name in self.outputs]
        return "\n".join(lines)
