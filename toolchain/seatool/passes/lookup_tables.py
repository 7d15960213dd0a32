"""Merge chains of elementwise int8 operators (MUL and ADD of a batch normalisation, ...) into tables of 256 bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from seatool.ir import Graph, Op
from seatool.kernels import operators
from seatool.passes.tables import INPUTS, Table, table
from seatool.passes.uses import Uses


@dataclass
class _Chain:
    ops: list[Op]
    source: str
    table: Table


def lookup_tables(graph: Graph, say: Callable[[str], None]) -> Graph:
    """Replace chains of two and more functions of one value by LOOKUP_TABLE; lone ones have kernels as good.

    The table is composed of the operators' own results, so it is exact.
    """
    uses = Uses(graph)
    open_chains: dict[str, _Chain] = {}
    merged: dict[str, _Chain] = {}
    for op in graph.ops:
        function = table(op, graph)
        if function is None:
            continue
        source, values = function
        chain = open_chains.pop(source, None) if uses.is_private(source) else None
        if chain is None:
            chain = _Chain([], source, INPUTS)
        chain.ops.append(op)
        chain.table = values[chain.table.astype(np.intp) + 128]
        open_chains[op.outputs[0]] = chain
        merged[op.name] = chain
    taken = {op.name for op in graph.ops}
    ops = []
    for op in graph.ops:
        found = merged.get(op.name)
        if found is None or len(found.ops) == 1:
            ops.append(op)
        elif op is found.ops[-1]:
            ops.append(_lookup(found, taken))
            say(f"merged {', '.join(member.kind for member in found.ops)} into one table ({ops[-1].name})")
    return graph.with_(ops=ops)


def _lookup(chain: _Chain, taken: set[str]) -> Op:
    first, last = chain.ops[0], chain.ops[-1]
    taken.difference_update(op.name for op in chain.ops)
    shared = _common_words([op.name for op in chain.ops])
    name = shared if shared and shared not in taken else last.name
    taken.add(name)
    attributes = operators()["LOOKUP_TABLE"].parse({"table": tuple(chain.table.tolist())})
    return Op(name, "LOOKUP_TABLE", (chain.source,), last.outputs, attributes, source=first.source)


def _common_words(names: list[str]) -> str:
    """The words that all names begin with.

    >>> _common_words(["norm_1_mul", "norm_1_add"])
    'norm_1'
    """
    words = []
    for column in zip(*(name.split("_") for name in names), strict=False):
        if len(set(column)) > 1:
            break
        words.append(column[0])
    return "_".join(words)
