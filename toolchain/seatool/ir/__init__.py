"""The graph: tensors, operators and their typed attributes. Everything else depends on this; it depends on nothing."""

from seatool.ir.affine import dequantize_values, quantize_values, round_half_away
from seatool.ir.graph import Attributes, Graph, NoAttributes, Op, State
from seatool.ir.tensor import Array, DType, Quantization, Tensor

__all__ = [
    "Array",
    "Attributes",
    "DType",
    "Graph",
    "NoAttributes",
    "Op",
    "Quantization",
    "State",
    "Tensor",
    "dequantize_values",
    "quantize_values",
    "round_half_away",
]
