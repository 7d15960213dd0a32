"""The model's constants as C arrays."""

from __future__ import annotations

from seatool.kernels import Constant
from seatool.render import c
from seatool.render.names import Names


def array_context(names: Names) -> list[dict[str, str]]:
    """For each stored array its comment, declaration and initialiser."""
    return [
        {
            "comment": c.comment([_describe(layer, constant)]),
            "alignment": str(constant.align),
            "declaration": f"const {c.c_type(constant.data)} {symbol}[{constant.data.size}]",
            "initializer": c.array(constant.data),
        }
        for symbol, (layer, constant) in names.arrays.items()
    ]


def _describe(layer: str, constant: Constant) -> str:
    """Layer, name, shape, meaning and size."""
    meaning = f" {constant.comment}" if constant.comment else ""
    return f"{layer} {constant.name} {c.shape(constant.data.shape)}{meaning}, {constant.data.nbytes:,} B"
