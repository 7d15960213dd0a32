"""Representative inputs: from WAV files through the model's front end, from .npy/.npz arrays, or built in."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import overload

from seatool.ir import Array

Sample = tuple[Array, ...]
"""One inference's inputs, in the order of the graph's inputs."""


@dataclass(frozen=True, eq=False)
class Calibration(Sequence[Sample]):
    """Samples that say which clip each comes from, so that no clip serves both calibration and held-out test.

    Args:
        samples: Inputs of the float graph, float32, with the tensors' shapes.
        clips: The clip (file) that each sample comes from; as long as ``samples``.
        description: For people: what this is ("76 WAV files of sounds/, 256 windows").
    """

    samples: tuple[Sample, ...]
    clips: tuple[str, ...]
    description: str

    def __post_init__(self) -> None:
        if len(self.samples) != len(self.clips):
            raise ValueError("there must be one clip name per sample")

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Calibration:
        """``samples`` as they are if they are a Calibration already, else each as a clip of its own."""
        if isinstance(samples, Calibration):
            return samples
        return cls(tuple(samples), tuple(str(i) for i in range(len(samples))), f"{len(samples)} samples")

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | Sequence[Sample]:
        return self.samples[index]

    def __len__(self) -> int:
        return len(self.samples)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything in here, hexadecimal."""
        hasher = hashlib.sha256(repr((self.description, self.clips)).encode())
        for sample in self.samples:
            for array in sample:
                hasher.update(repr((array.shape, array.dtype.str)).encode())
                hasher.update(array.tobytes())
        return hasher.hexdigest()

    def split(self, every: int = 4) -> tuple[Calibration, Calibration]:
        """Calibration and held-out part: every ``every``-th clip, from the second on, is held out.

        With a single clip every ``every``-th sample of it is held out; with a single sample it serves as both.
        """
        order = list(dict.fromkeys(self.clips))
        labels: Sequence[str | int] = self.clips if len(order) > 1 else range(len(self))
        position = {label: i for i, label in enumerate(dict.fromkeys(labels))}
        held = [position[label] % every == 1 for label in labels]
        if not any(held):
            return self, self
        return self._part(held, False), self._part(held, True)

    def _part(self, held: list[bool], wanted: bool) -> Calibration:
        chosen = [i for i, is_held in enumerate(held) if is_held is wanted]
        return Calibration(
            tuple(self.samples[i] for i in chosen), tuple(self.clips[i] for i in chosen), self.description
        )

    def thinned(self, limit: int) -> Calibration:
        """At most ``limit`` samples, evenly spread."""
        chosen = evenly(len(self), limit)
        return Calibration(
            tuple(self.samples[i] for i in chosen), tuple(self.clips[i] for i in chosen), self.description
        )


def evenly(count: int, limit: int) -> list[int]:
    """At most ``limit`` indices below ``count``, evenly spread over them, each the middle of its share.

    >>> evenly(10, 3)
    [1, 5, 8]
    """
    taken = min(count, limit)
    return [(2 * i + 1) * count // (2 * taken) for i in range(taken)]
