"""Measures of agreement, on cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from seatool.sea import evaluation

RNG = np.random.default_rng(2)
TARGET = RNG.normal(size=(400, 6))


def test_r_squared() -> None:
    assert evaluation.r_squared(TARGET, TARGET) == 1
    mean = np.broadcast_to(TARGET.mean(axis=0), TARGET.shape)
    assert evaluation.r_squared(TARGET, mean) == pytest.approx(0)
    noisy = TARGET + 0.5 * RNG.normal(size=TARGET.shape)
    assert evaluation.r_squared(TARGET, noisy) == pytest.approx(0.75, abs=0.05)


def test_mean_cosine() -> None:
    assert evaluation.mean_cosine(TARGET, 3 * TARGET) == pytest.approx(1)
    assert evaluation.mean_cosine(TARGET, -TARGET) == pytest.approx(-1)
    assert evaluation.mean_cosine(TARGET, np.zeros_like(TARGET)) == 0


def test_probe_reads_what_is_linear_and_not_what_is_not() -> None:
    labels = (TARGET[:, 0] + TARGET[:, 1] > 0).astype(np.int64)
    assert evaluation.probe_accuracy(TARGET[:200], labels[:200], TARGET[200:], labels[200:]) > 0.9
    hidden = (TARGET[:, 0] * TARGET[:, 1] > 0).astype(np.int64)
    assert evaluation.probe_accuracy(TARGET[:200], hidden[:200], TARGET[200:], hidden[200:]) < 0.65
