"""Reading sound files and cutting them into the model's windows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from seatool import audio
from seatool.audio import LogMel
from seatool.errors import InputError
from seatool.ir import Array

SOUND = 0.9 * np.sin(np.arange(2400) / 7)
STEREO = np.stack([SOUND, 0.5 * SOUND], axis=1)


def write(path: Path, sound: Array, rate: int = 16000, subtype: str = "PCM_16") -> Path:
    soundfile.write(path, sound, rate, subtype, format="WAV")
    return path


def edgel3_windows(sound: Array, hop: int, center: bool) -> list[Array]:
    """The framing of edgel3's core.py, one window at a time."""
    if center:
        sound = np.concatenate([np.zeros(4000), sound])
    windows = [np.zeros(8000)]
    windows[0][: len(sound)] = sound[:8000]
    start = hop
    while start + 8000 - hop < len(sound):
        part = sound[start : start + 8000]
        windows.append(np.concatenate([part, np.zeros(8000 - len(part))]))
        start += hop
    return windows


@pytest.mark.parametrize(
    ("subtype", "tolerance"),
    [
        ("PCM_U8", 1 / 128),
        ("PCM_16", 1 / 32768),
        ("PCM_24", 2**-23),
        ("PCM_32", 2**-30),
        ("FLOAT", 1e-7),
        ("DOUBLE", 0),
    ],
)
def test_reads_every_sample_format(tmp_path: Path, subtype: str, tolerance: float) -> None:
    sound, rate = audio.read_wav(write(tmp_path / "x.wav", STEREO, subtype=subtype))
    assert rate == 16000
    assert sound.dtype == np.float64
    np.testing.assert_allclose(sound, STEREO, atol=tolerance)


def test_mono_has_one_channel(tmp_path: Path) -> None:
    assert audio.read_wav(write(tmp_path / "x.wav", SOUND))[0].shape == (2400, 1)


def test_the_name_does_not_matter(tmp_path: Path) -> None:
    assert len(audio.read_wav(str(write(tmp_path / "x.raw", SOUND)))[0]) == 2400


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a sound file"),
        (b"RIFF", "not a sound file"),
        (b"hello, this is text\n" * 20, "not a sound file"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "not a sound file"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        audio.read_wav(path)
    assert str(path) in caught.value.message


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.wav", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            audio.read_wav(path)


def test_empty_sound_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="empty"):
        audio.read_wav(write(tmp_path / "x.wav", np.zeros(0)))


def test_cut_off_sound_is_refused_but_not_a_pipes(tmp_path: Path) -> None:
    path = write(tmp_path / "x.wav", SOUND)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(
        InputError, match=r"x\.wav: the sound file is cut off: .* 4,800 bytes of sound, 4,700 are there"
    ):
        audio.read_wav(path)
    path.write_bytes(whole.replace(b"data\xc0\x12\0\0", b"data\xff\xff\xff\xff"))
    assert path.read_bytes() != whole
    assert len(audio.read_wav(path)[0]) == len(SOUND)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    with pytest.raises(InputError, match="not finite"):
        audio.read_wav(write(tmp_path / "x.wav", np.append(SOUND, value), subtype="FLOAT"))


@pytest.mark.parametrize("rate", [999, 1_000_001])
def test_absurd_sample_rates_are_refused(tmp_path: Path, rate: int) -> None:
    with pytest.raises(InputError, match="sample rate"):
        audio.read_wav(write(tmp_path / "x.wav", SOUND, rate))


def test_pcm_rounds_and_saturates() -> None:
    values = np.array([0, 0.5, 1.5, -0.5, 2.5, 32766.6, 32767.4, 40000, -32768, -40000]) / 32768
    np.testing.assert_array_equal(audio.to_int16(values), [0, 0, 2, 0, 2, 32767, 32767, 32767, -32768, -32768])


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("length", [1, 7999, 8000, 8001, 12000, 20001])
@pytest.mark.parametrize("hop_size", [0.1, 0.37, 1.0])
def test_windows_are_edgel3s(length: int, hop_size: float, center: bool) -> None:
    sound = np.random.default_rng(1).uniform(-1, 1, length)
    windows, timestamps = audio.frames(sound, 8000, LogMel.from_parameters(), hop_size, center)
    expected = edgel3_windows(sound, int(hop_size * 8000), center)
    np.testing.assert_array_equal(windows, audio.to_int16(np.stack(expected)))
    assert windows.dtype == np.int16
    np.testing.assert_array_equal(timestamps, np.arange(len(expected)) * hop_size)


def test_channels_are_averaged_before_resampling() -> None:
    front_end = LogMel.from_parameters()
    windows, _ = audio.frames(STEREO, 48000, front_end)
    expected = audio.resample(0.75 * SOUND, 48000, 8000)
    np.testing.assert_array_equal(windows[0][4000:4400], audio.to_int16(expected))
    assert not windows[0][:4000].any()


@pytest.mark.parametrize("hop_size", [0.0, -0.1, 1e-5, float("nan"), float("inf")])
def test_impossible_hops_are_refused(hop_size: float) -> None:
    with pytest.raises(InputError, match="hop"):
        audio.frames(SOUND, 8000, LogMel.from_parameters(), hop_size)


def test_too_short_recordings_are_refused() -> None:
    with pytest.raises(InputError, match="shorter"):
        audio.frames(np.zeros(5), 48000, LogMel.from_parameters())
