"""Generated urban sounds: engines, hammers, saws, sirens, voices, music, dogs, weather, and mixtures of them.

They stand in for recordings where none are at hand: built-in calibration, tests, the demo. They cover the spectra and
dynamics of a street (tonal and noisy, steady and impulsive, quiet and loud) and are no substitute for recordings when
accuracy counts. Everything follows from the seed; a clip does not depend on how many are made.

The classes bear the names of SONYC-UST's coarse taxonomy (https://doi.org/10.5281/zenodo.2590742).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Rng = np.random.Generator
Source = Callable[[Rng, int, int], Float64]
Response = Callable[[Float64], npt.NDArray[Any]]
"""A gain for every frequency in Hz."""


def clips(count: int, seed: int = 0, sample_rate: int = 8000, seconds: float = 1.0) -> list[Float32]:
    """``count`` mixtures of ``seconds``, float32 in [-1, 1], classes in turn. Equal seeds give equal clips."""
    return labelled_clips(count, seed, sample_rate, seconds)[0]


def labelled_clips(
    count: int, seed: int = 0, sample_rate: int = 8000, seconds: float = 1.0
) -> tuple[list[Float32], npt.NDArray[np.int64]]:
    """Like :func:`clips`, with each clip's main sound as an index into :data:`SOUNDS`."""
    labels = np.arange(count) % len(SOUNDS)
    names = list(SOUNDS)
    samples = round(sample_rate * seconds)
    sounds = [
        mixture(np.random.default_rng([seed, index]), names[label], samples, sample_rate)
        for index, label in enumerate(labels)
    ]
    return sounds, labels


def mixture(rng: Rng, name: str, samples: int, rate: int) -> Float32:
    """One sound of class ``name`` over background, sometimes with a second one, at a random level.

    Background lies 3 to 70 dB below the main sound, a second sound (one clip in three) 6 to 20 dB below; the peak lies
    between -40 and -1 dB of full scale; a spectral tilt of -12 to 3 dB per octave stands for distance and
    microphone.
    """
    sound = SOUNDS[name](rng, samples, rate)
    if name != "background":
        sound = sound + _relative(background(rng, samples, rate), sound, -rng.uniform(3, 70))
    if rng.random() < 1 / 3:
        other = SOUNDS[list(SOUNDS)[rng.integers(len(SOUNDS))]]
        sound = sound + _relative(other(rng, samples, rate), sound, -rng.uniform(6, 20))
    tilt = rng.uniform(-12, 3)
    sound = _shape(sound, rate, lambda f: (np.maximum(f, 50) / 1000) ** (tilt / 6.02))
    return (_peak(sound) * _gain(rng.uniform(-40, -1))).astype(np.float32)


def street(seed: int = 0, sample_rate: int = 16000, seconds: float = 4.0) -> Float32:
    """A short scene: a truck passes, a dog barks, a siren comes near, over traffic and wind. Peak -3 dB."""
    rng = np.random.default_rng([seed, 0x57])
    samples = round(sample_rate * seconds)
    time = np.arange(samples) / samples

    def passing(centre: float, width: float) -> Float64:
        return np.asarray(np.exp(-(((time - centre) / width) ** 2)), np.float64)

    scene = _gain(-26) * background(rng, samples, sample_rate)
    scene += _gain(-4) * passing(0.3, 0.25) * engine(rng, samples, sample_rate)
    scene += _gain(-6) * passing(0.55, 0.08) * dog(rng, samples, sample_rate)
    scene += _gain(-3) * passing(1.0, 0.35) * wail(rng, samples, sample_rate)
    return (_peak(scene) * _gain(-3)).astype(np.float32)


def engine(rng: Rng, samples: int, rate: int) -> Float64:
    """Drone: harmonics of a slowly drifting firing rate, each beating, over exhaust noise in the same rhythm."""
    pitch = rng.uniform(25, 90) * (1 + 0.1 * _drift(rng, samples, rate, 1.0))
    count = int(rng.integers(12, 40))
    strengths = rng.uniform(0.2, 1, count) / np.arange(1, count + 1) ** rng.uniform(0.5, 1.3)
    phase = _phase(pitch, rate)
    throb = 1 + rng.uniform(0.1, 0.6) * np.sin(phase / rng.choice([2, 3, 4]))
    exhaust = _noise(rng, samples, rate, lambda f: 1 / (1 + (f / rng.uniform(200, 900)) ** 2))
    drone = _peak(_harmonics(rng, pitch, strengths, rate))
    return _peak(throb * (drone + rng.uniform(0.05, 0.5) * exhaust * (1 + np.sin(phase))))


def machinery_impact(rng: Rng, samples: int, rate: int) -> Float64:
    """Jackhammer: 8 to 30 blows a second, each a burst of noise and a few ringing modes, over a compressor's hum."""
    period = rate / rng.uniform(8, 30)
    starts = np.arange(rng.uniform(0, period), samples, period)
    starts = starts + rng.normal(0, 0.03 * period, len(starts))
    hum = _harmonics(rng, np.full(samples, rng.uniform(40, 70)), 1 / np.arange(1.0, 9), rate)
    return _peak(_blows(rng, samples, rate, starts, decay_ms=rng.uniform(5, 30)) + rng.uniform(0, 0.1) * _peak(hum))


def non_machinery_impact(rng: Rng, samples: int, rate: int) -> Float64:
    """Single blows, one or a few a second, that ring: doors, dropped things, a smith's hammer."""
    count = max(1, rng.poisson(2.5 * samples / rate))
    starts = np.sort(rng.uniform(0, 0.85 * samples, count))
    return _peak(_blows(rng, samples, rate, starts, decay_ms=rng.uniform(30, 250)))


def powered_saw(rng: Rng, samples: int, rate: int) -> Float64:
    """Saw: dense harmonics of 80 to 400 Hz whose pitch sags under load, with rasping noise."""
    load = _drift(rng, samples, rate, rng.uniform(1, 4))
    pitch = rng.uniform(80, 400) * (1 - 0.25 * np.maximum(load, 0))
    buzz = _harmonics(rng, pitch, np.arange(1.0, 40) ** -rng.uniform(0.1, 0.8), rate)
    rasp = _noise(rng, samples, rate, lambda f: f / (f + 1000)) * (1 + np.sin(_phase(pitch, rate)))
    return _peak(_peak(buzz) + rng.uniform(0.1, 0.6) * (1 + load) * rasp)


def alert_signal(rng: Rng, samples: int, rate: int) -> Float64:
    """A siren's sweep, a two-tone horn, a reversing beeper or a car horn."""
    return (wail, two_tone, beeper, horn)[rng.integers(4)](rng, samples, rate)


def wail(rng: Rng, samples: int, rate: int) -> Float64:
    """Siren between about 500 and 1500 Hz, sweeping slowly (wail) or fast (yelp)."""
    sweep = 0.5 - 0.5 * np.cos(_phase(np.full(samples, _log_uniform(rng, 0.15, 4)), rate) + rng.uniform(0, 6.28))
    pitch = rng.uniform(450, 700) * rng.uniform(1.6, 2.6) ** sweep
    return _peak(_harmonics(rng, pitch, np.array([1, 0.4, 0.3, 0.1, 0.1]), rate))


def two_tone(rng: Rng, samples: int, rate: int) -> Float64:
    """Two pitches in turn, half a second or so each."""
    second = np.sin(_phase(np.full(samples, rng.uniform(0.7, 1.5)), rate) + rng.uniform(0, 6.28)) > 0
    pitch = rng.uniform(380, 600) * np.where(second, rng.choice([1.25, 4 / 3, 1.5]), 1)
    return _peak(_harmonics(rng, pitch, 1 / np.arange(1.0, 8), rate))


def beeper(rng: Rng, samples: int, rate: int) -> Float64:
    """Reversing alarm: a nearly pure tone switched on and off."""
    on = np.sin(_phase(np.full(samples, rng.uniform(1, 4)), rate) + rng.uniform(0, 6.28)) > rng.uniform(-0.5, 0.2)
    tone = _harmonics(rng, np.full(samples, rng.uniform(900, 3000)), np.array([1, 0.1, 0.05]), rate)
    return _peak(tone * _smooth(on.astype(float), rate // 200) + 1e-3 * tone)


def horn(rng: Rng, samples: int, rate: int) -> Float64:
    """Car horn: two rich tones a third apart."""
    pitch = np.full(samples, rng.uniform(300, 450))
    strengths = np.arange(1.0, 13) ** -0.5
    return _peak(_harmonics(rng, pitch, strengths, rate) + _harmonics(rng, 1.25 * pitch, strengths, rate))


def music(rng: Rng, samples: int, rate: int) -> Float64:
    """Chords of plucked or held tones at a steady beat, with a bass and sometimes a drum."""
    beat = round(rate * 60 / rng.uniform(80, 180))
    root, held = _log_uniform(rng, 110, 330), rng.uniform(0.5, 8)
    sound = np.zeros(samples)
    for start in range(0, samples, beat):
        length = min(beat, samples - start)
        decay = np.exp(-held * np.arange(length) / beat)
        chord = root * 2 ** (rng.choice([0, 2, 5, 7, 9]) / 12)
        for step in (-12, 0, int(rng.choice([3, 4])), 7):
            pitch = np.full(length, chord * 2 ** (step / 12))
            sound[start : start + length] += decay * _harmonics(rng, pitch, 1 / np.arange(1.0, 9) ** 1.5, rate)
    if rng.random() < 0.5:
        drums = _blows(rng, samples, rate, np.arange(0, samples, beat, dtype=float), decay_ms=40)
        sound = _peak(sound) + rng.uniform(0.2, 0.8) * drums
    return _peak(sound)


def human_voice(rng: Rng, samples: int, rate: int) -> Float64:
    """Speech-like: glottal harmonics through formants that change with every syllable, and some hiss between."""
    pitch = rng.uniform(90, 260) * (1 + 0.25 * _drift(rng, samples, rate, 3.0))
    voice = _harmonics(rng, pitch, 1 / np.arange(1.0, 41), rate)
    hiss = _noise(rng, samples, rate, lambda f: (f > 2000) + 0.0)
    sound = np.zeros(samples)
    position = -int(rng.uniform(0, 0.2) * rate)
    while position < samples:
        length = int(rng.uniform(0.12, 0.3) * rate)
        start, end = max(position, 0), min(position + length, samples)
        if end > start:
            formants = rng.uniform(250, 850), rng.uniform(850, 2300), rng.uniform(2300, 3500)
            vowel = _shape(voice[start:end], rate, partial(_formants, peaks=formants))
            sound[start:end] += rng.uniform(0.3, 1) * np.hanning(end - start) * vowel
        position += int(length * rng.uniform(0.8, 1.5))
    return _peak(_peak(sound) + rng.uniform(0.02, 0.2) * hiss * np.maximum(_drift(rng, samples, rate, 6.0), 0))


def dog(rng: Rng, samples: int, rate: int) -> Float64:
    """Barks: bursts of a fifth of a second whose pitch rises and falls, rough with noise, two or three a second."""
    sound = np.zeros(samples)
    base, position = _log_uniform(rng, 250, 800), rng.uniform(0, 0.3) * rate
    while position < samples - 1:
        length = min(int(rng.uniform(0.1, 0.25) * rate), samples - int(position))
        shape = np.sin(np.pi * np.linspace(0, 1, length)) ** 0.7
        tone = _harmonics(rng, base * (0.8 + 0.5 * shape), np.array([1, 0.8, 0.7, 0.5, 0.3, 0.2]), rate)
        rough = _noise(rng, length, rate, lambda f: f / (f + 400) / (1 + (f / 2500) ** 2))
        sound[int(position) : int(position) + length] += shape * (_peak(tone) + rng.uniform(0.2, 0.8) * rough)
        position += length + rng.uniform(0.08, 0.5) * rate
    return _peak(sound)


def background(rng: Rng, samples: int, rate: int) -> Float64:
    """Rain, wind, distant traffic or plain hiss."""
    kind = rng.integers(4)
    if kind == 0:
        drops = (rng.random(samples) < rng.uniform(50, 500) / rate) * rng.exponential(1, samples)
        hiss = _noise(rng, samples, rate, lambda f: np.sqrt(f / 1000))
        return _peak(hiss + rng.uniform(0, 2) * _peak(_shape(drops, rate, lambda f: f / (f + 500))))
    if kind == 1:
        gusts = 1 + 0.8 * _drift(rng, samples, rate, 2.0)
        return _peak(gusts * _noise(rng, samples, rate, lambda f: 1 / (1 + (f / rng.uniform(60, 400)) ** 1.5)))
    if kind == 2:
        return _noise(rng, samples, rate, lambda f: 1 / (1 + (f / rng.uniform(150, 600))))
    return _noise(rng, samples, rate, np.ones_like)


SOUNDS: Mapping[str, Source] = MappingProxyType(
    {
        "engine": engine,
        "machinery-impact": machinery_impact,
        "non-machinery-impact": non_machinery_impact,
        "powered-saw": powered_saw,
        "alert-signal": alert_signal,
        "music": music,
        "human-voice": human_voice,
        "dog": dog,
        "background": background,
    }
)
"""Classes by name. A source takes (random generator, samples, sample rate) and returns a peak of 1."""


def _gain(db: float) -> float:
    return float(10 ** (db / 20))


def _peak(sound: Float64) -> Float64:
    """Scaled to a peak of 1; silence stays silence."""
    peak = np.abs(sound).max(initial=0)
    return sound / peak if peak > 0 else sound


def _relative(sound: Float64, reference: Float64, db: float) -> Float64:
    """``sound`` scaled to an RMS level ``db`` above that of ``reference``."""
    rms = np.sqrt(np.mean(sound**2))
    return sound * (np.sqrt(np.mean(reference**2)) / rms * _gain(db) if rms > 0 else 0.0)


def _log_uniform(rng: Rng, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _phase(frequency: Float64, rate: int) -> Float64:
    """Phase in radians of an oscillator of the given instantaneous frequency in Hz."""
    return np.asarray(2 * np.pi * np.cumsum(frequency) / rate, np.float64)


def _harmonics(rng: Rng, pitch: Float64, strengths: Float64, rate: int) -> Float64:
    """Sum of harmonics of ``pitch`` (Hz per sample) at random phases; those that would alias are left out."""
    phase = _phase(pitch, rate)
    sound = np.zeros(len(pitch))
    for number, strength in enumerate(strengths, start=1):
        if number * pitch.max() > 0.45 * rate:
            break
        sound += strength * np.sin(number * phase + rng.uniform(0, 2 * np.pi))
    return sound


def _shape(sound: Float64, rate: int, response: Response) -> Float64:
    """``sound`` with its spectrum multiplied by ``response`` of the frequency in Hz (circular)."""
    frequency = np.asarray(np.fft.rfftfreq(len(sound), 1 / rate), np.float64)
    spectrum = np.fft.rfft(sound) * response(frequency)
    return np.asarray(np.fft.irfft(spectrum, len(sound)), np.float64)


def _noise(rng: Rng, samples: int, rate: int, response: Response) -> Float64:
    """Gaussian noise with the given spectral shape, peak 1."""
    return _peak(_shape(rng.normal(size=samples), rate, response))


def _drift(rng: Rng, samples: int, rate: int, bandwidth_hz: float) -> Float64:
    """A slow random movement within [-1, 1]."""
    length = max(samples, 2 * rate)
    return _noise(rng, length, rate, lambda f: (f > 0) * np.exp(-((f / bandwidth_hz) ** 2)))[:samples]


def _smooth(sound: Float64, width: int) -> Float64:
    kernel = np.hanning(width + 2)
    return np.asarray(np.convolve(sound, kernel / kernel.sum(), "same"), np.float64)


def _formants(frequency: Float64, peaks: tuple[float, ...]) -> Float64:
    """Resonances 90 Hz wide over a falling spectrum."""
    curve = sum(1 / (1 + ((frequency - peak) / 90) ** 2) for peak in peaks)
    return np.asarray(0.02 + curve / (1 + frequency / 1500), np.float64)


def _blows(rng: Rng, samples: int, rate: int, starts: Float64, decay_ms: float) -> Float64:
    """Impacts at ``starts`` (samples): decaying noise and four damped modes, equal but for their strength."""
    length = min(samples, round(rate * decay_ms / 1000 * 6))
    time = np.arange(length) / rate
    modes = [(_log_uniform(rng, 80, 0.42 * rate), rng.uniform(0.2, 1), rng.uniform(0.5, 2)) for _ in range(4)]
    blow = rng.uniform(0.1, 1) * rng.normal(size=length) * np.exp(-time / (decay_ms / 4000))
    for frequency, strength, speed in modes:
        blow += strength * np.sin(2 * np.pi * frequency * time) * np.exp(-time * speed / (decay_ms / 1000))
    sound = np.zeros(samples + length)
    for start in starts:
        position = int(np.clip(start, 0, samples))
        sound[position : position + length] += rng.uniform(0.5, 1) * blow
    return _peak(sound[:samples])
