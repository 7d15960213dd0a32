"""A model file as far as it is understood: all of it, or what stands in the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from seatool.errors import InputError
from seatool.ir import Graph


@dataclass(frozen=True)
class Survey:
    """What an importer makes of a file that is not damaged.

    Attributes:
        graph: The whole network, unsupported operators included; None where only the layers' names are known.
        refusal: The error that lists everything unsupported; None where there is nothing.
        problems: By operator (by layer where there is no graph) the reasons why it is not supported.
        types: By tensor the file's name of an element type that a graph cannot hold; the graph has int8 there.
        layers: Name and kind of every layer, where there is no graph.
    """

    graph: Graph | None
    refusal: InputError | None = None
    problems: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    layers: tuple[tuple[str, str], ...] = ()

    def accepted(self) -> Graph:
        """The graph, for what comes next; the refusal is raised if there is one."""
        if self.refusal is not None:
            raise self.refusal
        assert self.graph is not None, "a graph that is not there was not refused"
        return self.graph
