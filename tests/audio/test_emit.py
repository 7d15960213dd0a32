"""The C front end against the numpy reference, on this machine and in the emulator."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import c_front_end
import numpy as np
import pytest
from seatool import audio
from seatool.audio import LogMel, synthetic
from seatool.audio.emit import tables
from seatool.audio.log_mel import FULL_SCALE
from seatool.ir import Array, Quantization

# The normalisation of the published 64-dimensional student, and an input range like the one its calibration finds.
SEED = LogMel.from_parameters(gain=0.0937, offset=2.444)
QUANT = Quantization.per_tensor(7.6 / 255, 46)

OTHERS = {
    "64 points": LogMel.from_parameters(n_fft=64, hop=100, window_samples=1000, bands=9, padding="valid"),
    "128 points": LogMel.from_parameters(n_fft=128, hop=64, window_samples=1000, bands=20),
    "256 points": LogMel.from_parameters(n_fft=256, hop=256, window_samples=2048, bands=12, power=2.0),
    "512 points": LogMel.from_parameters(n_fft=512, hop=33, window_samples=700, bands=150, dynamic_range_db=30.0),
    "2048 points": LogMel.from_parameters(sample_rate=48000, n_fft=2048, hop=242, window_samples=9000, bands=256),
    "4096 points": LogMel.from_parameters(n_fft=4096, hop=8000, bands=3, fmin=100.0, fmax=3000.0, gain=-0.1),
    "slanted window": replace(SEED, window=SEED.window * np.linspace(0.5, 1, SEED.n_fft, dtype=np.float32)),
}


def pcm(count: int, seed: int, log_mel: LogMel = SEED) -> list[Array]:
    seconds = log_mel.window_samples / log_mel.sample_rate
    return [audio.to_int16(clip) for clip in synthetic.clips(count, seed, log_mel.sample_rate, seconds)]


def compare(log_mel: LogMel, quant: Quantization, windows: list[Array], result: c_front_end.Result) -> float:
    """Assert parity; returns the share of outputs that differ (by one step)."""
    levels = np.stack([log_mel.decibels(window / FULL_SCALE) for window in windows])
    steps = np.stack([log_mel.quantized(window, quant)[..., 0] for window in windows])
    error = np.abs(result.decibels - levels)
    # float32 keeps 0.01 dB down to about 55 dB below the loudest value; kapre's decibels halve those of the power.
    assert error[levels > -55 * log_mel.power].max() <= 0.01
    difference = np.abs(result.output.astype(int) - steps)
    assert difference.max() <= 1
    return float((difference != 0).mean())


def test_equals_numpy_on_generated_sounds(tmp_path: Path) -> None:
    windows = pcm(45, seed=11)
    assert compare(SEED, QUANT, windows, c_front_end.run_on_host(SEED, QUANT, windows, tmp_path)) < 1e-3


def test_equals_numpy_on_recordings(tmp_path: Path, shared_data: Path) -> None:
    windows: list[Array] = []
    for path in sorted((shared_data / "audio").rglob("*.wav")):
        windows += list(audio.frames(*audio.read_wav(path), SEED, hop_size=2.0)[0][:2])
    assert windows
    assert compare(SEED, QUANT, windows, c_front_end.run_on_host(SEED, QUANT, windows, tmp_path)) < 1e-3


@pytest.mark.parametrize("name", OTHERS)
def test_equals_numpy_with_other_parameters(name: str, tmp_path: Path) -> None:
    log_mel = OTHERS[name]
    windows = pcm(9, seed=2, log_mel=log_mel)
    levels = [log_mel.features(window / FULL_SCALE) for window in windows]
    low, high = min(map(np.min, levels)), max(map(np.max, levels))
    quant = Quantization.per_tensor(float(high - low) / 255, round(-128 - 255 * float(low / (high - low))))
    compare(log_mel, quant, windows, c_front_end.run_on_host(log_mel, quant, windows, tmp_path))


def test_extreme_windows(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    click = np.zeros(8000, np.int16)
    click[4000] = 1
    late = np.zeros(8000, np.int16)
    late[7999] = -32768
    noise = rng.integers(-32768, 32768, 8000).astype(np.int16)
    square = np.where(np.sin(np.arange(8000) / 3) > 0, 32767, -32768).astype(np.int16)
    windows = [np.zeros(8000, np.int16), click, late, noise, square]
    result = c_front_end.run_on_host(SEED, QUANT, windows, tmp_path)
    compare(SEED, QUANT, windows, result)
    assert not result.decibels[0].any()
    assert result.decibels.min() == -80


def test_output_saturates(tmp_path: Path) -> None:
    windows = pcm(9, seed=4)
    narrow = Quantization.per_tensor(0.005, 0)
    result = c_front_end.run_on_host(SEED, narrow, windows, tmp_path)
    compare(SEED, narrow, windows, result)
    assert (result.output.min(), result.output.max()) == (-128, 127)


def test_half_of_a_symmetric_window_is_kept() -> None:
    slanted = tables(OTHERS["slanted window"]).window
    assert np.array_equal(slanted, OTHERS["slanted window"].window)
    assert np.array_equal(tables(SEED).window, SEED.window[:513])


def test_emitted_files_are_reproducible_and_named_after_the_model() -> None:
    files = audio.emit(SEED, QUANT, "student")
    assert files == audio.emit(SEED, QUANT, "student")
    assert {"audio/student_audio_tables.h", "audio/student_audio_tables.c", "audio/audio_log_mel.c"} < set(files)


def test_headers_are_usable_from_cpp(tmp_path: Path) -> None:
    c_front_end.write(SEED, QUANT, tmp_path)
    command = ["g++", "-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-x", "c++"]
    subprocess.run([*command, str(tmp_path / "audio" / "test_audio_tables.h")], check=True)


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed")
def test_flash_is_as_stated(tmp_path: Path) -> None:
    code = constants = 0
    for source in c_front_end.write(SEED, QUANT, tmp_path):
        command = ["arm-none-eabi-gcc", *c_front_end.WARNINGS, *c_front_end.CORTEX_M7, "-c", source, "-o", "x.o"]
        subprocess.run(command, cwd=tmp_path, check=True)
        sizes = subprocess.run(["arm-none-eabi-size", "x.o"], cwd=tmp_path, check=True, capture_output=True, text=True)
        text, data, bss = map(int, sizes.stdout.splitlines()[1].split()[:3])
        assert data == bss == 0
        if source.endswith("_tables.c"):
            constants += text
        else:
            code += text
    stated = audio.code_and_table_bytes(SEED)
    assert code == pytest.approx(stated.code, rel=0.1)
    assert constants == stated.tables


def test_scratch_is_what_the_header_says() -> None:
    header = audio.emit(SEED, QUANT, "test")["audio/test_audio_tables.h"].decode()
    assert "TEST_AUDIO_SCRATCH_FLOATS AUDIO_LOG_MEL_SCRATCH(1024, 64, 50)" in header
    assert audio.scratch_bytes(SEED) == audio.cost(SEED).scratch == 4 * (2 * 1024 + 64 * 50)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed")
def test_the_target_computes_the_hosts_bits_within_the_budget(tmp_path: Path) -> None:
    windows = pcm(4, seed=6)
    host = c_front_end.run_on_host(SEED, QUANT, windows, tmp_path)
    target = c_front_end.run_in_emulator(c_front_end.build_for_emulator(SEED, QUANT, windows, tmp_path), SEED)
    np.testing.assert_array_equal(target.decibels, host.decibels)
    np.testing.assert_array_equal(target.output, host.output)
    compare(SEED, QUANT, windows, target)
    assert max(target.instructions) < 3_000_000
    assert audio.cost(SEED).instructions == pytest.approx(np.mean(target.instructions), rel=0.1)
