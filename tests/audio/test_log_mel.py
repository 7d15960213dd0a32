"""The numpy front end against the formula of kapre's layers, with our tables and with those of the real model."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import h5py
import numpy as np
import pytest
import soundfile
from seatool.audio import LogMel
from seatool.audio.log_mel import FULL_SCALE, dft_kernels
from seatool.errors import InputError
from seatool.ir import Array, Quantization

SOUNDS = 12


def formula(pcm: Array, real: Array, imaginary: Array, mel: Array) -> Array:
    """Convolution with the kernels at stride 160, power, mel, root, decibels; one frame at a time, float64."""
    padded = np.concatenate([np.zeros(432), pcm, np.zeros(432)])
    image = np.empty((mel.shape[1], 50))
    for frame in range(50):
        samples = padded[160 * frame : 160 * frame + len(real)]
        re, im = (np.einsum("n,nk->k", samples, k[:, 0, 0].astype(float)) for k in (real, imaginary))
        image[:, frame] = np.sqrt(np.einsum("k,kb->b", re**2 + im**2, mel.astype(float)))
    level = 10 * np.log10(np.maximum(image, 1e-10))
    return np.maximum(level - np.max(level), -80)


def generate() -> dict[str, Array]:
    """Windows of 8000 samples with very different spectra and levels."""
    rng = np.random.default_rng(5)
    time = np.arange(8000) / 8000
    return {
        "noise": rng.uniform(-1, 1, 8000),
        "quiet noise": rng.normal(0, 1e-4, 8000),
        "tone": np.sin(2 * np.pi * 440 * time),
        "sweep": 0.5 * np.sin(2 * np.pi * (50 + 1900 * time) * time),
        "click": np.eye(1, 8000, 4000)[0],
        "half silent": np.where(time < 0.5, 0, rng.normal(0, 0.1, 8000)),
        "square": np.sign(np.sin(2 * np.pi * 100.5 * time)),
    }


GENERATED = generate()


@pytest.fixture(scope="module")
def stored(shared_data: Path) -> tuple[Array, Array, Array]:
    """Real kernels, imaginary kernels and mel matrix as the authors published them."""
    packed = shared_data / "models" / "edgel3_sea_ust_audio_emb_64.h5.gz"
    with h5py.File(io.BytesIO(gzip.decompress(packed.read_bytes()))) as file:
        group = file["model_weights/melspectrogram_1/melspectrogram_1"]
        return group["real_kernels:0"][()], group["imag_kernels:0"][()], group["Variable:0"][()]


@pytest.mark.parametrize("name", GENERATED)
def test_equals_the_formula_with_ideal_kernels(name: str) -> None:
    time, bins = np.arange(1024)[:, None], np.arange(513)
    window = np.sin(np.pi * time / 1024) ** 2
    real = (window * np.cos(2 * np.pi * time * bins / 1024))[:, None, None]
    imaginary = (window * np.sin(2 * np.pi * time * bins / 1024))[:, None, None]
    front_end = LogMel.from_parameters()
    pcm = GENERATED[name]
    expected = formula(pcm, real, imaginary, front_end.mel)
    error = np.abs(front_end.decibels(pcm) - expected)
    # The rounding of kapre's float32 kernels, which ours share, grows with the distance from the loudest value.
    assert error[expected > -40].max() < 1e-4
    assert error[expected > -60].max() < 0.02


def test_equals_the_formula_with_stored_kernels_on_generated_sounds(stored: tuple[Array, Array, Array]) -> None:
    front_end = LogMel.from_parameters()
    for name, pcm in GENERATED.items():
        assert np.abs(front_end.decibels(pcm) - formula(pcm, *stored)).max() < 1e-4, name


def test_equals_the_formula_with_stored_kernels_on_recordings(
    stored: tuple[Array, Array, Array], shared_data: Path
) -> None:
    front_end = LogMel.from_parameters()
    files = sorted((shared_data / "audio").rglob("*.wav"))[::7][:SOUNDS]
    assert files
    for path in files:
        sound = soundfile.read(path)[0][:16000:2]
        pcm = np.pad(sound, (0, 8000 - len(sound)))
        assert np.abs(front_end.decibels(pcm) - formula(pcm, *stored)).max() < 1e-4, path.name


def test_tables_are_the_stored_ones_bit_for_bit(stored: tuple[Array, Array, Array]) -> None:
    real, imaginary, mel = stored
    ours = LogMel.from_parameters()
    read = LogMel.from_kernels(real, imaginary, mel, sample_rate=8000, window_samples=8000, hop=160)
    np.testing.assert_array_equal(read.window, ours.window)
    np.testing.assert_array_equal(mel, ours.mel)
    np.testing.assert_array_equal(np.hstack([real[:, 0, 0], imaginary[:, 0, 0]]), dft_kernels(ours.window))
    assert (read.frames, read.pad_left, read.pad_right) == (50, 432, 432)


def test_mel_bands_have_area_one() -> None:
    mel = LogMel.from_parameters(n_fft=4096, window_samples=8000).mel
    area = mel[:, 8:].sum(axis=0) * 8000 / 4096
    np.testing.assert_allclose(area, 1, atol=0.02)


def test_silence_is_the_maximum_everywhere() -> None:
    assert not LogMel.from_parameters().decibels(np.zeros(8000)).any()


def test_dynamic_range_is_a_floor() -> None:
    pcm = np.concatenate([np.zeros(4000), np.sin(np.arange(4000.0))])
    level = LogMel.from_parameters().decibels(pcm)
    assert level.min() == -80
    assert level.max() == 0


def test_power_two_doubles_the_decibels() -> None:
    pcm = GENERATED["noise"]
    root, plain = LogMel.from_parameters(), LogMel.from_parameters(power=2.0)
    np.testing.assert_allclose(plain.decibels(pcm), 2 * root.decibels(pcm), atol=1e-9)


def test_features_apply_the_normalisation() -> None:
    pcm = GENERATED["sweep"]
    front_end = LogMel.from_parameters(gain=0.1, offset=2.5)
    features = front_end.features(pcm)
    assert features.shape == front_end.shape == (64, 50, 1)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features[..., 0], 0.1 * front_end.decibels(pcm) + 2.5, rtol=1e-6)


def test_quantized_rounds_half_up_and_saturates() -> None:
    front_end = LogMel.from_parameters()
    pcm = np.round(GENERATED["half silent"] * FULL_SCALE).astype(np.int16)
    level = front_end.decibels(pcm / FULL_SCALE)
    steps = front_end.quantized(pcm, Quantization.per_tensor(0.25, 127))
    assert steps.dtype == np.int8
    np.testing.assert_array_equal(steps[..., 0], np.maximum(np.floor(level * 4 + 127.5), -128))
    assert steps.max() == 127
    assert steps.min() == -128


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_fft": 1000}, "power of two"),
        ({"hop": 0}, "positive"),
        ({"pad_left": -1}, "negative"),
        ({"frames": 51}, "beyond"),
        ({"amin": 0.0}, "positive"),
        ({"window": np.ones(512, np.float32)}, "window"),
        ({"mel": np.full((513, 64), np.nan, np.float32)}, "mel"),
        ({"mel": np.ones(513, np.float32)}, "mel"),
    ],
)
def test_inconsistent_descriptions_are_refused(change: dict[str, object], message: str) -> None:
    good = LogMel.from_parameters()
    with pytest.raises(ValueError, match=message):
        LogMel(**{"window": good.window, "mel": good.mel, **change})  # type: ignore[arg-type]


@pytest.mark.parametrize("pcm", [np.zeros(7999), np.zeros((1, 8000))])
def test_other_lengths_are_refused(pcm: Array) -> None:
    with pytest.raises(ValueError, match="8000 samples"):
        LogMel.from_parameters().decibels(pcm)


def test_quantized_takes_int16_only() -> None:
    with pytest.raises(ValueError, match="int16"):
        LogMel.from_parameters().quantized(np.zeros(8000), Quantization.per_tensor(1, 0))  # type: ignore[arg-type]


def test_trained_kernels_are_refused() -> None:
    front_end = LogMel.from_parameters(n_fft=64, hop=32, bands=8)
    kernels = dft_kernels(front_end.window)
    real, imaginary = kernels[:, None, None, :33], kernels[:, None, None, 33:].copy()
    shape = {"sample_rate": 8000, "window_samples": 8000, "hop": 32}
    assert LogMel.from_kernels(real, imaginary, front_end.mel, **shape).frames == 250  # type: ignore[arg-type]
    imaginary[5, 0, 0, 7] += 0.01
    with pytest.raises(InputError, match="not a windowed Fourier transform"):
        LogMel.from_kernels(real, imaginary, front_end.mel, **shape)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="shapes"):
        LogMel.from_kernels(real[..., :5], imaginary, front_end.mel, **shape)  # type: ignore[arg-type]
