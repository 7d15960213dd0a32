"""The SEA students' sizes, to name one that would fit where a larger one does not."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from seatool.ir import Graph
from seatool.students import FILTERS

_REQUANTIZATION_BYTES = 9
"""Bias, multiplier and shift of an output channel."""


@dataclass(frozen=True)
class Student:
    """One architecture: its number in the paper and the filters of its four blocks."""

    number: int
    filters: tuple[int, int, int, int]

    @property
    def title(self) -> str:
        return f"Student {self.number}"

    @property
    def embedding(self) -> int:
        """Length of the embedding."""
        return self.filters[-1]

    @property
    def convolutions(self) -> tuple[int, ...]:
        """Output channels of the eight convolutions.

        >>> Student(3, (32, 64, 128, 64)).convolutions
        (32, 32, 64, 64, 128, 128, 64, 64)
        """
        return tuple(count for count in self.filters for _ in range(2))

    @property
    def constant_bytes(self) -> int:
        """int8 weights and what requantization needs.

        >>> Student(3, (32, 64, 128, 64)).constant_bytes
        401760
        """
        weights = sum(9 * before * after for before, after in pairwise((1, *self.convolutions)))
        return weights + _REQUANTIZATION_BYTES * sum(self.convolutions)


def students() -> tuple[Student, ...]:
    """All students, the largest first."""
    return tuple(Student(number, filters) for number, filters in enumerate(FILTERS.values()))


def student_of(graph: Graph) -> Student | None:
    """The student whose convolutions ``graph`` has; None if it is no student."""
    channels = tuple(graph.tensors[op.outputs[0]].shape[-1] for op in graph.ops if op.kind == "CONV_2D")
    return next((student for student in students() if student.convolutions == channels), None)
