"""Make of TILE, which TFLM does not have, what it has."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from seatool.ir import Graph, Op
from seatool.kernels import bind
from seatool.kernels.tile import Tile
from seatool.passes.uses import Views


def replace_tiles(graph: Graph, say: Callable[[str], None]) -> Graph:
    """Make of every TILE a BROADCAST_TO for each axis that is repeated, between views."""
    views = Views(graph)
    ops: list[Op] = []
    for op in graph.ops:
        tile = bind(op, graph)
        if isinstance(tile, Tile):
            ops += _broadcasts(tile, views)
            say(f"made BROADCAST_TO of {op.name} (TILE)")
        else:
            ops.append(op)
    return graph.with_(tensors=views.tensors.values(), ops=ops)


def _broadcasts(tile: Tile, views: Views) -> Iterator[Op]:
    """Views of (around, 1, inside), BROADCAST_TO of (around, copies, inside), and views of the shape that makes."""
    op, here = tile.op, tile.input(0)
    repeated = [(axis, count) for axis, count in enumerate(tile.multiples()) if count > 1]
    if not repeated:
        yield views.view(here, tile.output, op)
    for axis, count in repeated:
        around, inside = math.prod(here.shape[:axis]), math.prod(here.shape[axis:])
        single = views.reshaped(here, (around, 1, inside))
        yield views.view(here, single, op)
        copies = views.tensor(f"{op.name}/copies", here, (around, count, inside))
        shape = views.integers(f"{op.name}/shape", copies.shape)
        name = views.name(f"{op.name}_{axis}")
        yield Op(name, "BROADCAST_TO", (single.name, shape.name), (copies.name,), version=2, source=op.source)
        grown = tuple(n * count if i == axis else n for i, n in enumerate(here.shape))
        here = tile.output if axis == repeated[-1][0] else views.tensor(f"{op.name}/grown", here, grown)
        yield views.view(copies, here, op)
