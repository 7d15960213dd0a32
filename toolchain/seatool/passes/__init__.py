"""Small rewrites from graph to graph, one file each.

``prepare`` simplifies a float graph before quantization: results stay equal up to float32 rounding. ``optimize``
simplifies an int8 graph: results stay equal in every bit. In both, a tensor that survives keeps its name and its value,
and what is new is a view of such a tensor (``same_bytes``).
"""

from __future__ import annotations

from collections.abc import Callable

from seatool.ir import Graph
from seatool.passes.dilate_convolutions import dilate_convolutions
from seatool.passes.drop_identities import drop_identities
from seatool.passes.float_curves import float_curves
from seatool.passes.fold_constants import fold_constants
from seatool.passes.fold_normalization import fold_normalization
from seatool.passes.fuse_activations import fuse_activations
from seatool.passes.lookup_tables import lookup_tables
from seatool.passes.make_resizes import make_resizes
from seatool.passes.merge_padding import merge_padding
from seatool.passes.replace_tiles import replace_tiles
from seatool.passes.share_variables import share_variables
from seatool.passes.split_sums import split_sums
from seatool.passes.undo_transposes import undo_transposes
from seatool.passes.undo_views import undo_views
from seatool.passes.uses import same_bytes

__all__ = ["optimize", "prepare", "same_bytes"]

Pass = Callable[[Graph, Callable[[str], None]], Graph]

_PREPARE: tuple[Pass, ...] = (
    split_sums,
    replace_tiles,
    make_resizes,
    fold_constants,
    undo_transposes,
    dilate_convolutions,
    merge_padding,
    undo_views,
    drop_identities,
    fold_normalization,
    fuse_activations,
)
_OPTIMIZE: tuple[Pass, ...] = (
    fold_constants,
    float_curves,
    undo_transposes,
    dilate_convolutions,
    merge_padding,
    undo_views,
    drop_identities,
    fuse_activations,
    lookup_tables,
    share_variables,
)
_ALWAYS = (fold_constants, float_curves)
"""What is done even where nothing is to be merged."""


def prepare(graph: Graph) -> Graph:
    """A float graph with batch normalisation and activations folded into the layers in front of them."""
    return _apply(_PREPARE, graph)[0]


def optimize(graph: Graph, merge: bool = True) -> tuple[Graph, tuple[str, ...]]:
    """An int8 graph with the same results and fewer operators, and one sentence on each rewrite.

    Without ``merge`` every operator stays that does not depend on constants only and has a kernel of its own.
    """
    return _apply(_OPTIMIZE if merge else _ALWAYS, graph)


def _apply(passes: tuple[Pass, ...], graph: Graph) -> tuple[Graph, tuple[str, ...]]:
    messages: list[str] = []
    for rewrite in passes:
        graph = rewrite(graph, messages.append)
    return graph, tuple(messages)
