"""Generated sounds: reproducible, well-formed, and different from class to class."""

from __future__ import annotations

import numpy as np
import pytest
from seatool.audio import LogMel, synthetic
from seatool.ir import Array


def test_equal_seeds_give_equal_clips_whatever_the_count() -> None:
    few, many = synthetic.clips(4, seed=3), synthetic.clips(11, seed=3)
    for a, b in zip(few, many[:4], strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(few[0], synthetic.clips(1, seed=4)[0])
    assert not np.array_equal(many[0], many[9])


@pytest.mark.parametrize(("sample_rate", "seconds"), [(8000, 1.0), (16000, 0.25), (44100, 2.0)])
def test_clips_are_sound(sample_rate: int, seconds: float) -> None:
    sounds, labels = synthetic.labelled_clips(18, 1, sample_rate, seconds)
    assert set(labels) == set(range(len(synthetic.SOUNDS)))
    for sound in sounds:
        assert sound.dtype == np.float32
        assert sound.shape == (round(sample_rate * seconds),)
        assert 0.009 < np.abs(sound).max() < 0.9


@pytest.mark.parametrize("name", synthetic.SOUNDS)
def test_every_source_is_normalised(name: str) -> None:
    for seed in range(8):
        sound = synthetic.SOUNDS[name](np.random.default_rng(seed), 4000, 8000)
        assert np.isfinite(sound).all()
        assert np.abs(sound).max() == pytest.approx(1)


def test_tones_do_not_alias() -> None:
    tone = synthetic.two_tone(np.random.default_rng(0), 16000, 16000)
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(16000)))
    assert spectrum[7600:].max() < 1e-3 * spectrum.max()


def test_classes_can_be_told_apart() -> None:
    """Nearest class mean of mean and deviation over time of the log-mel bands; chance is 11 %, asked is twice that."""
    front_end = LogMel.from_parameters()

    def features(seed: int) -> tuple[Array, Array]:
        sounds, labels = synthetic.labelled_clips(180, seed)
        levels = np.stack([front_end.decibels(sound) for sound in sounds])
        return np.hstack([levels.mean(axis=2), levels.std(axis=2)]), labels

    known, known_labels = features(1)
    heard, heard_labels = features(2)
    means = np.stack([known[known_labels == label].mean(axis=0) for label in range(9)])
    nearest = ((heard[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    assert (nearest == heard_labels).mean() > 0.22


def test_street_has_its_events_in_order() -> None:
    scene = synthetic.street(seconds=4.0)
    assert scene.shape == (64000,)
    assert np.abs(scene).max() == pytest.approx(10 ** (-3 / 20), rel=1e-5)
    spectra = np.abs(np.fft.rfft(scene.reshape(4, 16000), axis=1))
    siren, truck = spectra[:, 450:1800].sum(axis=1), spectra[:, 20:200].sum(axis=1)
    assert siren.argmax() == 3
    assert truck[1] > truck[3]
