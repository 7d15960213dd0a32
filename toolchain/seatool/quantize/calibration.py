"""Representative inputs: from WAV files through the model's front end, from .npy/.npz arrays, or built in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

from seatool.ir import Array

EVERY = 4
"""One clip of so many is held out."""

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

    def split(self) -> tuple[Calibration, Calibration, str]:
        """Calibration and held-out part, and in words what is held out: every fourth clip.

        With fewer than four clips it is every fourth sample; with a single sample, that one serves as both.
        """
        if len(self) == 1:
            return self, self, "the calibration data itself (a single input)"
        clips = {clip: i for i, clip in enumerate(dict.fromkeys(self.clips))}
        by_clip = len(clips) >= EVERY
        position = [clips[clip] for clip in self.clips] if by_clip else list(range(len(self)))
        held = [i for i in range(len(self)) if position[i] % EVERY == 1]
        used = [i for i in range(len(self)) if position[i] % EVERY != 1]
        unit = "clip" if by_clip else "input"
        return self._part(used), self._part(held), f"every fourth {unit} of the calibration data, kept out of it"

    def thinned(self, limit: int) -> Calibration:
        """At most ``limit`` samples, evenly spread."""
        return self._part(evenly(len(self), limit))

    def _part(self, chosen: Sequence[int]) -> Calibration:
        samples, clips = tuple(self.samples[i] for i in chosen), tuple(self.clips[i] for i in chosen)
        return Calibration(samples, clips, self.description)


def evenly(count: int, limit: int) -> list[int]:
    """At most ``limit`` indices below ``count``, evenly spread over them, each the middle of its share.

    >>> evenly(10, 3)
    [1, 5, 8]
    """
    taken = min(count, limit)
    return [(2 * i + 1) * count // (2 * taken) for i in range(taken)]
