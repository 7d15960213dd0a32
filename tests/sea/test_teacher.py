"""The computed teacher: what it describes, and that the description does not depend on what it must not."""

from __future__ import annotations

import numpy as np
import pytest
from seatool.audio import synthetic
from seatool.ir import Array
from seatool.sea.teacher import COMPONENTS, Teacher, features


@pytest.fixture(scope="module")
def collection() -> Array:
    return np.stack([features(clip) for clip in synthetic.clips(180, seed=9)])


def test_features_do_not_depend_on_the_level() -> None:
    clip = synthetic.clips(1)[0].astype(np.float64)
    described = features(clip)
    assert described.shape == (224,)
    np.testing.assert_allclose(features(0.125 * clip), described, atol=1e-6)


def test_modulation_finds_the_rate_of_beats() -> None:
    time = np.arange(8000) / 8000
    noise = np.random.default_rng(0).normal(size=8000)
    ranges = {"1-2": 1.5, "4-8": 6, "16-32": 20}
    for position, rate in zip((0, 2, 4), ranges.values(), strict=True):
        beating = noise * (1.01 + np.sin(2 * np.pi * rate * time))
        levels = features(beating)[-48:].reshape(8, 6).mean(axis=0)
        assert levels.argmax() == position


def test_components_are_uncorrelated_and_halfway_to_equal_variance(collection: Array) -> None:
    embedding = Teacher.fit(collection).embed(collection)
    assert embedding.shape == (180, 2 * COMPONENTS)
    assert embedding.min() == 0
    components = embedding[:, :COMPONENTS] - embedding[:, COMPONENTS:]
    standard = (collection - collection.mean(axis=0)) / collection.std(axis=0)
    variances = np.linalg.eigvalsh(np.cov(standard.T, bias=True))[::-1][:COMPONENTS]
    np.testing.assert_allclose(components.T @ components / len(components), np.diag(np.sqrt(variances)), atol=1e-6)


def test_signs_are_fixed(collection: Array) -> None:
    axes = Teacher.fit(collection).axes
    assert (axes[np.abs(axes).argmax(axis=0), np.arange(COMPONENTS)] > 0).all()
    np.testing.assert_allclose(Teacher.fit(collection[::-1]).axes, axes, rtol=1e-4, atol=1e-6)
