"""Runs a float or an integer graph in numpy, operator by operator."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from seatool.ir import Array, DType, Graph
from seatool.kernels import Operator, bind


class Executor:
    """A graph made ready to run many times; each call goes on with the states that the one before has left.

    Raises KeyError for an operator of unknown kind.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._operators = tuple(bind(op, graph) for op in graph.ops)
        self._states = {state.value: state.initial for state in graph.states}
        self._last_use = {name: step for step, op in enumerate(graph.ops) for name in op.inputs if name is not None}

    def __call__(self, inputs: Sequence[Array], keep: Collection[str] | None = None) -> dict[str, Array]:
        """Run one inference; see :func:`execute`."""
        graph = self._graph
        if len(inputs) != len(graph.inputs):
            raise ValueError(f"graph {graph.name} has {len(graph.inputs)} inputs, got {len(inputs)}")
        values: dict[str, Array] = {**self._states}
        for name, value in zip(graph.inputs, inputs, strict=True):
            tensor = graph.tensors[name]
            if value.shape != tensor.shape or value.dtype != tensor.dtype.numpy:
                raise ValueError(f"input {tensor} cannot be {value.dtype}{list(value.shape)}")
            values[name] = value
        asked = {*graph.outputs} if keep is None else {*keep}
        wanted = {*asked, *graph.sinks}
        for step, operator in enumerate(self._operators):
            values |= zip(operator.op.outputs, _run(operator, values), strict=True)
            for name in values.keys() & {*operator.op.inputs, *operator.op.outputs}:
                if name not in wanted and self._last_use.get(name, step) <= step:
                    del values[name]
        values |= {name: data for name in wanted if (data := graph.tensors[name].data) is not None}
        self._states = {state.value: values[state.next] for state in graph.states}
        return {name: value for name, value in values.items() if name in asked}


def execute(graph: Graph, inputs: Sequence[Array], keep: Collection[str] | None = None) -> dict[str, Array]:
    """Run ``graph`` once.

    Operators on float tensors compute :meth:`Operator.evaluate_float`; all others compute their integer reference,
    exactly as TFLM does.

    Args:
        graph: The network, float or quantized.
        inputs: One array per graph input, in order, with the tensor's shape and dtype.
        keep: Names of the tensors to return; None means the graph's outputs, ``graph.tensors`` means everything.

    Returns:
        The values by tensor name.

    Raises:
        ValueError: An input has another shape or dtype than its tensor, or there are too few or too many.
    """
    return Executor(graph)(inputs, keep)


def _run(operator: Operator, values: dict[str, Array]) -> tuple[Array, ...]:
    arguments = [
        None if tensor is None else values[tensor.name] if tensor.data is None else tensor.data
        for tensor in operator.inputs
    ]
    tensors = [*filter(None, operator.inputs), *operator.outputs]
    is_float = any(tensor.dtype is DType.FLOAT32 for tensor in tensors)
    if is_float and all(tensor.quant is None for tensor in tensors):
        return operator.evaluate_float(*arguments)
    return operator.evaluate(*arguments)
