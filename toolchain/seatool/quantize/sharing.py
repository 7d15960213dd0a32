"""Which activations must have the same quantization parameters.

Operators that only move or select values (RESHAPE, MAX_POOL_2D, CONCATENATION, ...) do not rescale, so their float
inputs and outputs form one class. An operator with prescribed output parameters (SOFTMAX, ...) fixes its class. Where
values under fixed parameters meet other values in one operator (a concatenation of a SOFTMAX with something else), they
are requantized first: that input is cut off from its class.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from seatool.ir import DType, Graph, Op, Quantization, Tensor
from seatool.kernels import operators
from seatool.quantize.affine import representable

SELECTING = frozenset({"MAX_POOL_2D", "MAXIMUM", "MINIMUM", "RELU6"})
"""Monotone functions that keep or bound values: clipping before them is clipping after them."""

Use = tuple[str, int]
"""An input of an operator: the operator's name and the input's index."""


@dataclass
class Sharing:
    """Classes of activations.

    ``constants`` lists the float constants that belong to the class of an operator's tensors, by class; ``cut`` holds
    the inputs that need a QUANTIZE in front, each a class member of its own operator.
    """

    fixed: dict[str, Quantization] = field(default_factory=dict)
    constants: dict[str, list[Tensor]] = field(default_factory=dict)
    cut: set[Use] = field(default_factory=set)
    _parents: dict[str, str] = field(default_factory=dict)

    def representative(self, name: str) -> str:
        """The name that stands for the whole class of tensor ``name``."""
        while (parent := self._parents.get(name, name)) != name:
            name = parent
        return name

    def union(self, names: list[str]) -> str:
        """Put ``names`` into one class; the first one's representative stays."""
        first = self.representative(names[0])
        for name in names[1:]:
            other = self.representative(name)
            if other != first:
                self._parents[other] = first
                self.constants.setdefault(first, []).extend(self.constants.pop(other, []))
        return first


def share(graph: Graph) -> Sharing:
    """The classes of the float activations of ``graph``."""
    sharing = Sharing()
    for op in graph.ops:
        rule = operators()[op.kind].quantization
        if rule.fixed_output is not None:
            for name in op.outputs:
                sharing.fixed[name] = rule.fixed_output
        elif rule.same_scale or rule.same_inputs:
            _share_operator(graph, op, sharing)
    return sharing


def _share_operator(graph: Graph, op: Op, sharing: Sharing) -> None:
    """Join the float inputs (and outputs) of ``op``, cutting off inputs whose fixed parameters suit not all of them."""
    floats = [
        (index, graph.tensors[name])
        for index, name in enumerate(op.inputs)
        if name is not None and graph.tensors[name].dtype is DType.FLOAT32
    ]
    constants = [tensor for _, tensor in floats if tensor.is_constant]
    classes = {index: sharing.representative(tensor.name) for index, tensor in floats if not tensor.is_constant}
    fixed = {index: sharing.fixed[name] for index, name in classes.items() if name in sharing.fixed}
    outputs = [name for name in op.outputs if graph.tensors[name].dtype is DType.FLOAT32]
    if operators()[op.kind].quantization.same_inputs:
        if not outputs and len(fixed) == len(classes):
            return  # a comparison of what has parameters already
        outputs = outputs if len(fixed) == len(classes) and len(set(fixed.values())) > 1 else []
    alike = len(set(fixed.values())) == 1 and len(fixed) == len(classes)
    if not (alike and all(_fits(tensor, next(iter(fixed.values()))) for tensor in constants)):
        sharing.cut.update((op.name, index) for index in fixed)
        classes = {index: name for index, name in classes.items() if index not in fixed}
    joined = sharing.union([*classes.values(), *outputs])
    if constants:
        sharing.constants.setdefault(joined, []).extend(constants)


def _fits(constant: Tensor, quant: Quantization) -> bool:
    low, high = representable(quant)
    data = constant.data
    return data is None or bool(low <= data.min() and data.max() <= high)


def is_selected(graph: Graph, name: str) -> bool:
    """Whether only :data:`SELECTING` operators read tensor ``name``.

    Then only what they let through has to be represented, and a range chosen from that alone is narrower.
    """
    return name not in graph.outputs and all(op.kind in SELECTING for op in graph.consumers(name))
