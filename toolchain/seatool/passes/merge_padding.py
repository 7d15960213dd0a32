"""Let a convolution pad, where a PAD in front of it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from seatool.ir import Graph, Op
from seatool.passes.margins import CONVOLUTIONS, border, image_axes, image_shape, margins_of, with_margins
from seatool.passes.uses import Views


def merge_padding(graph: Graph, say: Callable[[str], None]) -> Graph:
    """Merge each PAD of real zeros along height and width into the convolution behind it, if nobody else reads it.

    In a float graph only where it is what TFLite calls SAME.
    """
    views = Views(graph)
    changed: dict[str, list[Op]] = {}
    for op in graph.ops:
        between, pad = views.producer(op.inputs[0]) if op.kind in CONVOLUTIONS else ([], None)
        merged = None if pad is None else _merged(op, pad, graph, views)
        if pad is not None and merged is not None:
            changed |= {gone.name: [] for gone in (pad, *between)} | {op.name: merged}
            say(f"merged {pad.name} ({pad.kind}) into {op.name}")
    ops = [new for op in graph.ops for new in changed.get(op.name, [op])]
    return graph.with_(tensors=views.tensors.values(), ops=ops)


def _merged(conv: Op, pad: Op, graph: Graph, views: Views) -> list[Op] | None:
    """``conv`` on what ``pad`` pads, and the view in front of it, if it needs one; None where it cannot pad so."""
    added, own = border(pad, graph), margins_of(conv)
    x, padded, image = (graph.tensors[str(name)] for name in (pad.inputs[0], pad.outputs[0], conv.inputs[0]))
    axes = image_axes(padded.shape, image.shape)
    if added is None or own is None or axes is None or padded.quant != image.quant:
        return None
    pairs = dict(zip(axes, added, strict=True))
    top, left = (
        (a + c, b + d) for (a, b), (c, d) in zip((pairs.get(1, (0, 0)), pairs.get(2, (0, 0))), own, strict=True)
    )
    source = replace(image, name=x.name, shape=image_shape(x.shape, axes))
    probe = replace(graph, tensors={**graph.tensors, "image": replace(source, name="image")})
    new = with_margins(replace(conv, inputs=("image", *conv.inputs[1:])), (top, left), probe)
    if new is None:
        return None
    if source.shape != x.shape:
        source = views.reshaped(x, source.shape)
    final = replace(new, inputs=(source.name, *conv.inputs[1:]))
    return [final] if source.name == x.name else [views.view(x, source, conv), final]
