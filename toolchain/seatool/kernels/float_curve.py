"""Functions of one number that TFLM has in float32 only: in int8 models they stand between DEQUANTIZE and QUANTIZE.

There they are functions of one byte, and a pass makes them tables; so none has a kernel of its own.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from seatool.ir import Array, DType, Graph, Op
from seatool.kernels.base import Operator, TFLiteForm, operator, operators

Float = npt.NDArray[np.float64]


class FloatCurve(Operator):
    """A curve in float32, rounded correctly; C libraries miss that by a hair at most, which int8 does not show."""

    also_float = is_curve = True
    limits = "float32, from DEQUANTIZE to QUANTIZE in int8 models; becomes a table"

    def problems(self) -> Iterator[str]:
        yield from curve_problems(self)

    def evaluate(self, *inputs: Array | None) -> tuple[Array, ...]:
        (x,) = inputs
        assert x is not None
        with np.errstate(all="ignore"):  # of what is not in the domain: infinity or NaN
            return (self.curve(x.astype(np.float64)).astype(np.float32),)

    def evaluate_float(self, *inputs: Array | None) -> tuple[Array, ...]:
        return self.evaluate(*inputs)

    @abstractmethod
    def curve(self, x: Float) -> Float:
        """The curve's values."""


def curve_problems(op: Operator) -> Iterator[str]:
    """Problems of a curve in float32."""
    x, y = op.input(0), op.output
    if x.dtype is not DType.FLOAT32 or y.dtype is not DType.FLOAT32:
        yield "TFLM computes it in float32 only"
    elif x.shape != y.shape:
        yield "input and output have different shapes"


def stray(op: Op, graph: Graph) -> bool:
    """Whether a curve does not lead from DEQUANTIZE (or a constant) to QUANTIZE, by way of other curves or not."""
    before, readers = graph.producer(str(op.inputs[0])), graph.consumers(op.outputs[0])
    begins = graph.tensors[str(op.inputs[0])].is_constant or (before is not None and _leads(before, "DEQUANTIZE"))
    ends = bool(readers) and op.outputs[0] not in graph.sinks and all(_leads(reader, "QUANTIZE") for reader in readers)
    return not (begins and ends)


def _leads(op: Op, border: str) -> bool:
    return op.kind == border or (op.kind in operators() and operators()[op.kind].is_curve)


@operator("NEG")
class Neg(FloatCurve):
    """-x. Source: TFLM neg.cc."""

    tflite = TFLiteForm(59, range(1, 3), 42)

    def curve(self, x: Float) -> Float:
        return -x


@operator("EXP")
class Exp(FloatCurve):
    """e to the power of x. Source: TFLM exp.cc."""

    tflite = TFLiteForm(47, range(1, 3), 33)

    def curve(self, x: Float) -> Float:
        return np.exp(x)


@operator("LOG")
class Log(FloatCurve):
    """The natural logarithm. Source: TFLM elementwise.cc."""

    tflite = TFLiteForm(73, range(1, 3))

    def curve(self, x: Float) -> Float:
        return np.log(x)


@operator("SQRT")
class Sqrt(FloatCurve):
    """The square root. Source: TFLM elementwise.cc."""

    tflite = TFLiteForm(75, range(1, 3))

    def curve(self, x: Float) -> Float:
        return np.sqrt(x)


@operator("SQUARE")
class Square(FloatCurve):
    """x times x. Source: TFLM elementwise.cc."""

    tflite = TFLiteForm(92, range(1, 3), 66)

    def curve(self, x: Float) -> Float:
        return x * x


@operator("SIN")
class Sin(FloatCurve):
    """The sine. Source: TFLM elementwise.cc."""

    tflite = TFLiteForm(66, range(1, 3))

    def curve(self, x: Float) -> Float:
        return np.sin(x)


@operator("COS")
class Cos(FloatCurve):
    """The cosine. Source: TFLM elementwise.cc."""

    tflite = TFLiteForm(108, range(1, 3), 84)

    def curve(self, x: Float) -> Float:
        return np.cos(x)


@operator("FLOOR")
class Floor(FloatCurve):
    """The next whole number below. Source: TFLM floor.cc."""

    tflite = TFLiteForm(8, range(1, 3))

    def curve(self, x: Float) -> Float:
        return np.floor(x)


@operator("CEIL")
class Ceil(FloatCurve):
    """The next whole number above. Source: TFLM ceil.cc."""

    tflite = TFLiteForm(104, range(1, 3))

    def curve(self, x: Float) -> Float:
        return np.ceil(x)


@operator("ROUND")
class Round(FloatCurve):
    """The nearest whole number, ties to even ones. Source: TFLM round.cc and reference/round.h."""

    tflite = TFLiteForm(116, range(1, 3))

    def curve(self, x: Float) -> Float:
        return np.rint(x)
