"""What surrounds the image that a convolution sees: read and set, through the views around convolutions of one axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from seatool.ir import DType, Graph, Op
from seatool.kernels import Padding, bind
from seatool.kernels.convolution import Convolution, Margins
from seatool.kernels.pad import PadOperator

CONVOLUTIONS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D"})
Pair = tuple[int, int]


def image_axes(shape: Sequence[int], image: Sequence[int]) -> tuple[int, ...] | None:
    """The axes of an NHWC ``image`` that the places of a tensor of ``shape``, (N, ..., C), are: height, width or both;
    None where ``image`` is something else."""
    if len(image) != 4 or (image[0], image[3]) != (shape[0], shape[-1]):
        return None
    if len(shape) == 4:
        return (1, 2) if tuple(shape) == tuple(image) else None
    if len(shape) != 3:
        return None
    return next(((axis,) for axis in (2, 1) if (image[axis], image[3 - axis]) == (shape[1], 1)), None)


def image_shape(shape: Sequence[int], axes: tuple[int, ...]) -> tuple[int, ...]:
    """``shape``, (N, ..., C), as an NHWC image whose axes the places are."""
    places = dict(zip(axes, shape[1:-1], strict=True))
    return (shape[0], places.get(1, 1), places.get(2, 1), shape[-1])


def border(pad: Op, graph: Graph) -> tuple[Pair, ...] | None:
    """Places in front of and behind each axis between the first and the last, where ``pad`` puts real zeros there and
    nowhere else; None where it does anything else."""
    if pad.kind not in ("PAD", "PADV2"):
        return None
    operator = bind(pad, graph)
    assert isinstance(operator, PadOperator)
    x, y = operator.input(0), operator.output
    if operator.input(1).data is None or x.quant != y.quant:
        return None
    if pad.kind == "PADV2" and operator.constant(2).item() != (0 if y.quant is None else y.zero_point):
        return None
    first, *inner, last = operator.amounts()
    return tuple(inner) if first == last == (0, 0) else None


def margins_of(op: Op) -> Margins | None:
    """The margins of a convolution that are its own; None with SAME padding, which depends on the input."""
    attributes: Any = op.attributes
    if attributes.margins is not None:
        return attributes.margins  # type: ignore[no-any-return]
    return ((0, 0), (0, 0)) if attributes.padding is Padding.VALID else None


def with_margins(op: Op, margins: Margins, graph: Graph) -> Op | None:
    """The convolution ``op`` with these margins; None where that cannot be, or makes another shape than in ``graph``.

    Float convolutions are VALID or SAME, as files have them.
    """
    attributes: Any = op.attributes
    for padding in Padding:
        plain = replace(op, attributes=replace(attributes, padding=padding, margins=None))
        if _margins(plain, graph) == margins:
            return plain if _is_right(plain, graph) else None
    explicit = replace(op, attributes=replace(attributes, padding=Padding.VALID, margins=margins))
    is_float = graph.tensors[op.outputs[0]].dtype is DType.FLOAT32
    possible = not is_float and min(min(pair) for pair in margins) >= 0
    return explicit if possible and _is_right(explicit, graph) else None


def _margins(op: Op, graph: Graph) -> Margins:
    convolution = bind(op, graph)
    assert isinstance(convolution, Convolution)
    y, x = convolution.axes()
    return (y.before, y.after), (x.before, x.after)


def _is_right(op: Op, graph: Graph) -> bool:
    """Whether the windows make the output's shape and all see something of the input."""
    convolution = bind(op, graph)
    assert isinstance(convolution, Convolution)
    return not list(convolution.window_problems())
