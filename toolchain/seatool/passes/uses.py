"""Who produces and who reads each tensor of a graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from seatool.ir import DType, Graph, Op, Tensor
from seatool.kernels import operators


class Uses:
    """Producers and numbers of readers of a graph's tensors, gathered once."""

    def __init__(self, graph: Graph) -> None:
        self._outputs = frozenset(graph.sinks)
        self.producer: Mapping[str, Op] = {name: op for op in graph.ops for name in op.outputs}
        self.readers = Counter(name for op in graph.ops for name in op.inputs if name is not None)

    def is_private(self, tensor: str) -> bool:
        """One operator reads the tensor, once, and nobody else ever sees it."""
        return self.readers[tensor] == 1 and tensor not in self._outputs


def unused_name(name: str, taken: Collection[str]) -> str:
    """``name``, with underscores behind it while it is in ``taken``."""
    while name in taken:
        name += "_"
    return name


def renamed(op: Op, names: Mapping[str, str]) -> Op:
    """``op`` reading and writing the tensors that ``names`` maps its own to."""
    return replace(
        op,
        inputs=tuple(None if name is None else names.get(name, name) for name in op.inputs),
        outputs=tuple(names.get(name, name) for name in op.outputs),
    )


_VIEW = " (view)"


class Views:
    """Finds operators through views, and makes views of tensors. ``tensors`` and ``names`` grow by what is made."""

    def __init__(self, graph: Graph) -> None:
        self.uses = Uses(graph)
        self.tensors = dict(graph.tensors)
        self.names = {op.name for op in graph.ops}

    def producer(self, name: str | None) -> tuple[list[Op], Op | None]:
        """What produces a tensor, and the views between, last first; None where others read what is between."""
        views: list[Op] = []
        while name is not None and self.uses.is_private(name):
            op = self.uses.producer.get(name)
            if op is None or not operators()[op.kind].is_view:
                return views, op
            views.append(op)
            name = op.inputs[0]
        return views, None

    def reshaped(self, tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
        """A new tensor with the same bytes as ``tensor`` (see :func:`same_bytes`)."""
        return self.tensor(f"{tensor.name}{_VIEW}", tensor, shape)

    def tensor(self, name: str, like: Tensor, shape: tuple[int, ...]) -> Tensor:
        """A new tensor, quantized as another."""
        return self._filed(replace(like, name=name, shape=shape))

    def integers(self, name: str, values: Sequence[int]) -> Tensor:
        """A new constant."""
        data = np.array(values, np.int32)
        return self._filed(Tensor(name, data.shape, DType.INT32, None, data))

    def _filed(self, tensor: Tensor) -> Tensor:
        new = replace(tensor, name=unused_name(tensor.name, self.tensors))
        self.tensors[new.name] = new
        return new

    def name(self, wanted: str) -> str:
        """A name for a new operator."""
        name = unused_name(wanted, self.names)
        self.names.add(name)
        return name

    def view(self, source: Tensor, target: Tensor, like: Op) -> Op:
        """A RESHAPE from tensor to tensor, for the sake of the layer ``like``."""
        name = self.name(f"{like.name}_view")
        attributes = operators()["RESHAPE"].parse({"new_shape": target.shape})
        return Op(name, "RESHAPE", (source.name,), (target.name,), attributes, source=like.source)


def same_bytes(name: str) -> str:
    """The tensor that a tensor made by :meth:`Views.reshaped` has its bytes from; any other tensor itself."""
    return name.split(_VIEW)[0]
