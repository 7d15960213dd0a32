"""Short names of tensors for people: converters give tensors names of hundreds of characters."""

from __future__ import annotations

from seatool.ir import Graph


def tensor_labels(graph: Graph) -> dict[str, str]:
    """A label for every activation: ``input`` or ``state`` (numbered where there are several), or the layer that makes
    it."""
    labels = dict(numbered("input", graph.inputs))
    labels.update(numbered("state", tuple(state.value for state in graph.states)))
    for op in graph.ops:
        labels.update(numbered(op.name, op.outputs, between="."))
    return labels


def numbered(label: str, names: tuple[str, ...], between: str = "") -> list[tuple[str, str]]:
    """(name, label) pairs; the labels are numbered where there are several.

    >>> numbered("split", ("a", "b"), ".")
    [('a', 'split.0'), ('b', 'split.1')]
    """
    if len(names) == 1:
        return [(names[0], label)]
    return [(name, f"{label}{between}{number}") for number, name in enumerate(names)]
