"""Resampling against resampy 0.2.2: stored outputs, and its published loop written out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from seatool.audio import resample
from seatool.ir import Array

# resampy.resample(x, rate, 8000, filter="kaiser_best") of resampy 0.2.2 for the noise below, one array per rate.
STORED = np.load(Path(__file__).parent / "resampy_0_2_2.npz")
NOISE = np.random.default_rng(8).uniform(-1, 1, 900)


def loop(sound: Array, rate: int, new_rate: int) -> Array:
    """One output sample and one tap at a time, as resampy 0.2's interpn.py describes it."""
    ratio = new_rate / rate
    sinc = 0.9475937167399596 * np.sinc(0.9475937167399596 * np.linspace(0, 64, 64 * 512 + 1))
    table = min(ratio, 1.0) * sinc * np.kaiser(128 * 512 + 1, 14.769656459379492)[64 * 512 :]
    slope = np.append(np.diff(table), 0)
    scale, step = min(1.0, ratio), int(min(1.0, ratio) * 512)
    result, time = np.zeros(int(len(sound) * ratio)), 0.0
    for t in range(len(result)):
        n = int(time)
        fraction = scale * (time - n)
        for side, start, available in ((-1, fraction, n + 1), (1, scale - fraction, len(sound) - n - 1)):
            offset = int(start * 512)
            eta = start * 512 - offset
            for i in range(min(available, (len(table) - offset) // step)):
                weight = table[offset + i * step] + eta * slope[offset + i * step]
                result[t] += weight * sound[n - i if side < 0 else n + 1 + i]
        time += 1 / ratio
    return result


@pytest.mark.parametrize("rate", sorted(STORED, key=int))
def test_equals_resampy(rate: str) -> None:
    ours = resample(NOISE, int(rate), 8000)
    assert ours.shape == STORED[rate].shape
    np.testing.assert_allclose(ours, STORED[rate], rtol=0, atol=1e-9)


@pytest.mark.parametrize("rate", [8001, 12000, 22050, 44056])
def test_equals_the_loop_at_other_rates(rate: int) -> None:
    np.testing.assert_allclose(resample(NOISE[:200], rate, 8000), loop(NOISE[:200], rate, 8000), rtol=0, atol=1e-9)


@pytest.mark.parametrize("rate", [16000, 44100, 48000, 96000])
def test_keeps_a_tone_and_removes_what_would_alias(rate: int) -> None:
    time, new_time = np.arange(rate) / rate, np.arange(8000) / 8000
    middle = slice(400, -400)
    heard = resample(np.sin(2 * np.pi * 1000 * time), rate, 8000)
    np.testing.assert_allclose(heard[middle], np.sin(2 * np.pi * 1000 * new_time)[middle], atol=0.02)
    assert np.abs(resample(np.sin(2 * np.pi * 5000 * time), rate, 8000)[middle]).max() < 1e-3


def test_equal_rates_change_nothing() -> None:
    np.testing.assert_array_equal(resample(NOISE, 8000, 8000), NOISE)


def test_one_sample_is_too_few() -> None:
    assert resample(NOISE[:5], 48000, 8000).shape == (0,)
