"""What the states of a model hold before the first inference, and what of it has to be stored."""

from __future__ import annotations

from seatool.ir import Graph, State
from seatool.kernels import Constant

INITIAL = "initial"
"""What a state's first value is called as a constant."""


def is_uniform(state: State) -> bool:
    """Whether all bytes of the first value are equal."""
    return len(set(state.initial.tobytes())) == 1


def initial_constants(graph: Graph) -> dict[str, Constant]:
    """The first values that are stored, by the state's tensor: those that are not uniform."""
    return {state.value: Constant(INITIAL, state.initial) for state in graph.states if not is_uniform(state)}
