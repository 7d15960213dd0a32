"""READ_VARIABLE and ASSIGN_VARIABLE: what a model keeps from one inference to the next, copied out and in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seatool.ir import Array, Tensor
from seatool.kernels.base import Call, Constant, Cost, Operator, Ref, Shape, TFLiteForm, Variant, operator, variant
from seatool.kernels.loops import copy_cost


class _Copy(Operator):
    """A variable is a state of the graph, and its first input; a file has a handle there, which VAR_HANDLE makes."""

    also_float = True

    def source(self) -> Tensor:
        """What is copied to the output."""
        return self.input(0)

    def problems(self) -> Iterator[str]:
        x, y = self.source(), self.output
        if (x.dtype, x.elements) != (y.dtype, y.elements):
            kinds = [f"{t.dtype.value}{list(t.shape)}" for t in (x, y)]
            yield "it copies {} to {}".format(*kinds)

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        value = inputs[-1]
        assert value is not None
        return (value.reshape(self.output.shape),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        return self.evaluate(*inputs)


@operator("READ_VARIABLE")
class ReadVariable(_Copy):
    """A variable's value. Source: TFLM read_variable.cc."""

    tflite = TFLiteForm(143, range(1, 2), 112)
    limits = "no float models"

    def output_shapes(self) -> Sequence[Shape]:
        return [self.output.shape]


@operator("ASSIGN_VARIABLE")
class AssignVariable(_Copy):
    """A variable's new value. Source: TFLM assign_variable.cc."""

    most_inputs = 2
    tflite = TFLiteForm(144, range(1, 2), 113)
    state_inputs = (0,)
    limits = "no float models"

    def source(self) -> Tensor:
        return self.input(1)


@variant(ReadVariable, AssignVariable)
class CopyBytes(Variant):
    """memcpy."""

    name, header = "bytes", "nn_copy.h"

    def cost(self, op: _Copy) -> Cost:
        return Cost(copy_cost(op.output.bytes), 0, 20)

    def constants(self, op: _Copy) -> tuple[Constant, ...]:
        data = op.source().data
        return () if data is None else (Constant("value", data),)

    def call(self, op: _Copy) -> Call:
        source = Ref("constant", "value") if op.source().is_constant else Ref("input", len(op.inputs) - 1)
        return Call("nn_copy", "nn_copy_args", {"input": source, "output": Ref("output"), "bytes": op.output.bytes})
