"""Elementwise int8 operators as what they are: functions of one byte, written out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from seatool.ir import DType, Graph, Op
from seatool.kernels import bind
from seatool.kernels.lookup_table import table_of, variable_index

Table = npt.NDArray[np.int8]
"""The function's values for -128, -127, ... 127, shape (256,)."""

INPUTS: Table = np.arange(-128, 128).astype(np.int8)

_ELEMENTWISE = """
ADD SUB MUL MAXIMUM MINIMUM
RELU RELU6 RELU_N1_TO_1 RELU_0_TO_1 LOGISTIC TANH QUANTIZE ABS NEG SQUARE SQRT RSQRT EXP LOG ELU LEAKY_RELU HARD_SWISH
LOOKUP_TABLE
"""
ELEMENTWISE_KINDS = frozenset(_ELEMENTWISE.split())


def table(op: Op, graph: Graph) -> tuple[str, Table] | None:
    """The tensor whose every element ``op`` maps, and the function; None if it is no such operator.

    Exact by construction: the operator's own integer reference computes all 256 values.
    """
    if op.kind not in ELEMENTWISE_KINDS or len(op.outputs) != 1:
        return None
    operator = bind(op, graph)
    index = variable_index(operator)
    if index is None:
        return None
    x, y = operator.input(index), operator.output
    if (x.dtype, x.shape) != (y.dtype, y.shape) or y.dtype is not DType.INT8:
        return None
    return x.name, table_of(operator)
