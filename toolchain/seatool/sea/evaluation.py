"""How well an embedding does: agreement with a target, and what a linear classifier can read from it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


def r_squared(target: npt.ArrayLike, estimate: npt.ArrayLike) -> float:
    """Share of the target's variance (around its mean, over all dimensions) that the estimate explains."""
    truth, guess = np.asarray(target, np.float64), np.asarray(estimate, np.float64)
    return float(1 - np.sum((truth - guess) ** 2) / np.sum((truth - truth.mean(axis=0)) ** 2))


def mean_cosine(target: npt.ArrayLike, estimate: npt.ArrayLike) -> float:
    """Mean cosine similarity of corresponding rows."""
    truth, guess = np.asarray(target, np.float64), np.asarray(estimate, np.float64)
    lengths = np.linalg.norm(truth, axis=1) * np.linalg.norm(guess, axis=1)
    return float(np.mean(np.sum(truth * guess, axis=1) / np.maximum(lengths, 1e-12)))


def probe_accuracy(
    known: npt.ArrayLike, known_labels: Labels, heard: npt.ArrayLike, heard_labels: Labels, ridge: float = 1e-2
) -> float:
    """Accuracy on ``heard`` of a linear classifier fitted on ``known``.

    Least squares on one-hot labels with standardised inputs; ``ridge`` is the penalty per sound.
    """
    first, second = np.asarray(known, np.float64), np.asarray(heard, np.float64)
    mean, scale = first.mean(axis=0), first.std(axis=0) + 1e-9
    x, y = ((values - mean) / scale for values in (first, second))
    one_hot = np.eye(known_labels.max() + 1)[known_labels]
    weights = np.linalg.solve(x.T @ x + ridge * len(x) * np.eye(x.shape[1]), x.T @ (one_hot - one_hot.mean(axis=0)))
    return float(((y @ weights + one_hot.mean(axis=0)).argmax(axis=1) == heard_labels).mean())
