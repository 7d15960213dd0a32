"""Make one resize of the operators that repeat the rows and the columns of an image (UpSampling2D of Keras 3)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from seatool.ir import Graph, Op, Tensor
from seatool.kernels import bind, operators
from seatool.kernels.resize import ResizeNearestNeighbor
from seatool.passes.uses import Views

_RESIZE = "RESIZE_NEAREST_NEIGHBOR"


def make_resizes(graph: Graph, say: Callable[[str], None]) -> Graph:
    """Make RESIZE_NEAREST_NEIGHBOR of each BROADCAST_TO between views that repeats rows or columns, and one of two."""
    views = Views(graph)
    changed: dict[str, list[Op]] = {}
    images: dict[str, tuple[Op, Tensor]] = {}
    for op in graph.ops:
        behind, broadcast = views.producer(op.inputs[0]) if op.kind == "RESHAPE" else ([], None)
        if broadcast is None or broadcast.kind != "BROADCAST_TO":
            continue
        y, chain = graph.tensors[op.outputs[0]], [broadcast, *views.producer(broadcast.inputs[0])[0]]
        tensors = [graph.tensors[str(link.inputs[0])] for link in chain]
        length = next((i for i, x in enumerate(tensors, 1) if _repeats(broadcast, x, y, graph)), 0)
        if not length:
            continue
        x, gone = tensors[length - 1], [*chain[:length], *behind]
        if x.name in images and views.uses.is_private(x.name):
            earlier, x = images[x.name]
            gone.append(earlier)
        resize = _resize(broadcast, x, y, views)
        if resize is not None:
            changed |= {old.name: [] for old in gone} | {op.name: [resize]}
            images[y.name] = (op, x)
            say(f"made a resize of {broadcast.name} ({broadcast.kind})")
    ops = [new for op in graph.ops for new in changed.get(op.name, [op])]
    return graph.with_(tensors=views.tensors.values(), ops=ops)


def _repeats(broadcast: Op, x: Tensor, y: Tensor, graph: Graph) -> bool:
    """Whether ``broadcast`` makes ``y`` of ``x``, images both, by copying each row or each column in its place."""
    source, copies = graph.tensors[str(broadcast.inputs[0])].shape, graph.tensors[broadcast.outputs[0]].shape
    if len(x.shape) != 4 or len(copies) != 3 or source != (copies[0], 1, copies[2]):
        return False
    batches, height, width, channels = x.shape
    rows = (batches * height, copies[1], width * channels), (batches, height * copies[1], width, channels)
    columns = (batches * height * width, copies[1], channels), (batches, height, width * copies[1], channels)
    return (copies, y.shape) in (rows, columns)


def _resize(op: Op, x: Tensor, y: Tensor, views: Views) -> Op | None:
    """The resize of ``x`` to ``y``, called like ``op``; None where float32 rounding would take another pixel."""
    size = views.integers(f"{op.name}/size", y.shape[1:3])
    attributes = operators()[_RESIZE].parse({"align_corners": False, "half_pixel_centers": False})
    resize = Op(op.name, _RESIZE, (x.name, size.name), (y.name,), attributes, 2, op.source)
    operator = bind(resize, Graph("resize", views.tensors, (resize,), (x.name,), (y.name,)))
    assert isinstance(operator, ResizeNearestNeighbor)
    wanted = [np.arange(n) * m // n for m, n in zip(x.shape[1:3], y.shape[1:3], strict=True)]
    return resize if all(map(np.array_equal, operator.places(), wanted)) else None
