"""A stand-in for a trained teacher: a fixed description of one second of sound, reduced to 128 numbers.

It is computed, not learned, and specified completely by this file. It says how the energy of a sound is spread over
frequency, how much each band moves, and how fast. All of it is relative to the loudest moment, like the students'
input, so that a student can in principle reproduce it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from seatool.audio import LogMel

Float64 = npt.NDArray[np.float64]

COMPONENTS = 64
"""Principal components kept; the embedding holds their positive and negative parts."""

COARSE = LogMel.from_parameters()
"""The students' own image: 64 bands, 50 frames, 128 ms long."""
FINE = LogMel.from_parameters(n_fft=256, hop=80, bands=24)
"""24 bands, 100 frames, 32 ms long: onsets and roughness."""
GROUPS = 8
MODULATION_HZ = (1, 2, 4, 8, 16, 32, 51)
"""Edges of the modulation bands; the envelope of one second has a resolution of 1 Hz."""


def features(sound: npt.ArrayLike) -> Float64:
    """The 224 raw numbers of one second at 8 kHz (full scale 1.0).

    64 means and 64 standard deviations over time of the coarse bands' levels; 24 mean absolute steps and 24 spans
    (10th to 90th percentile) of the fine bands' levels; 48 modulation levels, log10(1 + mean power) in 6 ranges of
    modulation frequency for 8 groups of fine bands. Levels are decibels below the loudest.
    """
    coarse, fine = COARSE.decibels(sound), FINE.decibels(sound)
    low, high = np.percentile(fine, [10, 90], axis=1)
    return np.concatenate(
        [
            coarse.mean(axis=1),
            coarse.std(axis=1),
            np.abs(np.diff(fine, axis=1)).mean(axis=1),
            high - low,
            _modulation(fine).ravel(),
        ]
    )


def _modulation(levels: Float64) -> Float64:
    envelopes = levels.reshape(GROUPS, -1, levels.shape[1]).mean(axis=1)
    moving = (envelopes - envelopes.mean(axis=1, keepdims=True)) * np.hanning(levels.shape[1])
    power = np.abs(np.fft.rfft(moving, axis=1)) ** 2
    ranges = pairwise(MODULATION_HZ)
    return np.stack([np.log10(1 + power[:, low:high].mean(axis=1)) for low, high in ranges], axis=1)


@dataclass(frozen=True, eq=False)
class Teacher:
    """Standardisation and principal components of the features, fitted on a collection of sounds.

    Attributes:
        mean, scale: float64 [features], of the collection.
        axes: float64 [features, COMPONENTS], scaled so that a component's variance is the root of what principal
            component analysis gives it: unscaled, the first one would be nearly all that counts (63 % of the
            variance); at equal variance, the last ones, mostly chance, would count as much as the first.
    """

    mean: Float64
    scale: Float64
    axes: Float64

    @classmethod
    def fit(cls, collection: Float64) -> Teacher:
        """Fit on features [sounds, features]."""
        mean, scale = collection.mean(axis=0), collection.std(axis=0)
        standard = (collection - mean) / scale
        variances, vectors = np.linalg.eigh(standard.T @ standard / len(standard))
        variances, vectors = variances[::-1][:COMPONENTS], vectors[:, ::-1][:, :COMPONENTS]
        # An eigenvector's sign is arbitrary: its largest entry is made positive.
        largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(COMPONENTS)]
        return cls(mean, scale, vectors * np.sign(largest) / variances**0.25)

    def embed(self, collection: Float64) -> Float64:
        """Features [sounds, features] -> embeddings [sounds, 2 * COMPONENTS], none negative.

        Students end in a ReLU, so the positive parts of the components come first and then the negative parts.
        """
        components = (collection - self.mean) / self.scale @ self.axes
        return np.maximum(np.hstack([components, -components]), 0)
