"""Make one dilated convolution of SPACE_TO_BATCH_ND, a convolution and BATCH_TO_SPACE_ND, as converters write it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from seatool.ir import Graph, Op
from seatool.kernels.convolution import Margins
from seatool.passes.margins import CONVOLUTIONS, Pair, border, image_axes, image_shape, margins_of, with_margins
from seatool.passes.uses import Views


def dilate_convolutions(graph: Graph, say: Callable[[str], None]) -> Graph:
    """Compute on the image what is computed on the pixels of its blocks in turn, padded less what is cropped.

    A convolution of one axis, (N, H, C), stays between two views, as it was between views of blocks.
    """
    views = Views(graph)
    changed: dict[str, list[Op]] = {}
    for op in graph.ops:
        blocks = _blocks(op, graph, views) if op.kind == "BATCH_TO_SPACE_ND" else None
        for pad, margins in () if blocks is None else _margins(blocks, graph, views):
            assert blocks is not None
            dilated = _dilated(blocks, pad, margins, graph, views)
            if dilated is not None:
                gone = (*blocks.views, blocks.split, blocks.conv, *([] if pad is None else [pad]))
                changed |= {old.name: [] for old in gone} | {op.name: dilated}
                say(f"dilated {blocks.conv.name} ({blocks.conv.kind}) in place of {blocks.split.name} and {op.name}")
                break
    ops = [new for op in graph.ops for new in changed.get(op.name, [op])]
    return graph.with_(tensors=views.tensors.values(), ops=ops)


@dataclass(frozen=True)
class _Blocks:
    """The operators of a dilated convolution and the views between them; ``axes`` of its image are cut into blocks."""

    split: Op
    conv: Op
    join: Op
    views: tuple[Op, ...]
    axes: tuple[int, ...]


def _blocks(join: Op, graph: Graph, views: Views) -> _Blocks | None:
    """What ends with ``join``, if it is a convolution of blocks and nobody else reads what is between."""
    behind, conv = views.producer(join.inputs[0])
    if conv is None or conv.kind not in CONVOLUTIONS or not _is_plain(conv):
        return None
    front, split = views.producer(conv.inputs[0])
    if split is None or split.kind != "SPACE_TO_BATCH_ND":
        return None
    tensors = graph.tensors
    x, y = tensors[str(split.inputs[0])], tensors[join.outputs[0]]
    if any(tensors[op.outputs[0]].quant != x.quant for op in (split, *front)):
        return None
    if any(tensors[op.outputs[0]].quant != y.quant for op in (conv, *behind)):
        return None
    into = image_axes(tensors[split.outputs[0]].shape, tensors[str(conv.inputs[0])].shape)
    out_of = image_axes(tensors[str(join.inputs[0])].shape, tensors[conv.outputs[0]].shape)
    if into is None or into != out_of or not _same_blocks(split, join, graph):
        return None
    return _Blocks(split, conv, join, (*front, *behind), into)


def _is_plain(conv: Op) -> bool:
    attributes: Any = conv.attributes
    steps = (attributes.stride_h, attributes.stride_w, attributes.dilation_h_factor, attributes.dilation_w_factor)
    return steps == (1, 1, 1, 1) and margins_of(conv) == ((0, 0), (0, 0))


def _same_blocks(split: Op, join: Op, graph: Graph) -> bool:
    constants = [graph.tensors[str(name)].data for op in (split, join) for name in op.inputs[1:]]
    block, edges, again, crops = constants
    return (
        block is not None
        and again is not None
        and edges is not None
        and crops is not None
        and (np.array_equal(block, again))
    )


def _margins(blocks: _Blocks, graph: Graph, views: Views) -> Iterator[tuple[Op | None, Margins]]:
    """The paddings that the whole amounts to: with a PAD in front of it, and without."""
    edges, crops = (_pairs(op, graph) for op in (blocks.split, blocks.join))
    own = [(p[0] - c[0], p[1] - c[1]) for p, c in zip(edges, crops, strict=True)]
    _, pad = views.producer(blocks.split.inputs[0])
    added = None if pad is None or pad.outputs[0] != blocks.split.inputs[0] else border(pad, graph)
    for op, pairs in ((pad, added), (None, [(0, 0)] * len(own))):
        if pairs is not None:
            by_axis = {a: (p[0] + o[0], p[1] + o[1]) for a, p, o in zip(blocks.axes, pairs, own, strict=True)}
            yield op, (by_axis.get(1, (0, 0)), by_axis.get(2, (0, 0)))


def _pairs(op: Op, graph: Graph) -> list[Pair]:
    """Paddings or crops."""
    data = graph.tensors[str(op.inputs[2])].data
    assert data is not None
    return [(int(before), int(after)) for before, after in data]


def _dilated(blocks: _Blocks, pad: Op | None, margins: Margins, graph: Graph, views: Views) -> list[Op] | None:
    """The convolution, with views around it where it has one axis; None where it cannot be dilated so."""
    x = graph.tensors[str((pad or blocks.split).inputs[0])]
    y = graph.tensors[blocks.join.outputs[0]]
    source, target = (
        replace(t, name=f"{role}", shape=image_shape(t.shape, blocks.axes)) for t, role in ((x, "in"), (y, "out"))
    )
    block = graph.tensors[str(blocks.split.inputs[1])].data
    assert block is not None
    steps = dict(zip(blocks.axes, block.tolist(), strict=True))
    attributes: Any = blocks.conv.attributes
    attributes = replace(attributes, dilation_h_factor=steps.get(1, 1), dilation_w_factor=steps.get(2, 1))
    weights = blocks.conv.inputs[1:]
    probe = replace(graph, tensors={**graph.tensors, "in": source, "out": target})
    conv = with_margins(
        replace(blocks.conv, inputs=("in", *weights), outputs=("out",), attributes=attributes), margins, probe
    )
    if conv is None:
        return None
    if len(x.shape) == 4:
        return [replace(conv, inputs=(x.name, *weights), outputs=(y.name,))]
    source, target = views.reshaped(x, source.shape), views.reshaped(y, target.shape)
    conv = replace(conv, inputs=(source.name, *weights), outputs=(target.name,))
    return [views.view(x, source, conv), conv, views.view(target, y, conv)]
