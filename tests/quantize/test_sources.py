"""Calibration data from files: what is taken, how it is chosen, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from float_nets import FloatNet, small_net
from seatool.audio import LogMel, frames, to_int16
from seatool.errors import InputError
from seatool.ir import DType, Graph, Tensor
from seatool.quantize import Calibration, builtin_audio_calibration, load_calibration

RATE = 8000


@pytest.fixture(scope="module")
def log_mel() -> LogMel:
    return LogMel.from_parameters(bands=16, gain=0.1, offset=2.0)


@pytest.fixture
def listener(log_mel: LogMel) -> Graph:
    """A model that listens to sound."""
    net = FloatNet((1, *log_mel.shape))
    net.pool()
    graph = net.graph()
    return Graph(graph.name, graph.tensors, graph.ops, graph.inputs, graph.outputs, log_mel)


def noise(seconds: float, rate: int = RATE, channels: int = 1, seed: int = 0) -> np.ndarray:
    return 0.3 * np.random.default_rng(seed).standard_normal((round(seconds * rate), channels)).clip(-1, 1)


def assert_same(a: Calibration, b: Calibration) -> None:
    assert a.clips == b.clips
    for one, other in zip(a, b, strict=True):
        np.testing.assert_array_equal(one, other)


def test_wav_files_pass_through_the_front_end(tmp_path: Path, listener: Graph, log_mel: LogMel) -> None:
    sound = noise(2.0)
    soundfile.write(tmp_path / "a.wav", to_int16(sound), RATE)
    calibration = load_calibration(tmp_path, listener)
    windows, _ = frames(to_int16(sound[:, 0]) / 32768, RATE, log_mel, 0.5)
    assert len(calibration) == len(windows) == 4
    for (features,), window in zip(calibration, windows, strict=True):
        np.testing.assert_array_equal(features, log_mel.features(window / 32768)[None])
        assert features.dtype == np.float32
    assert calibration.clips == ("a.wav",) * 4
    assert calibration.description == f"1 WAV file of {tmp_path.name}, 4 windows"


def test_any_rate_and_any_number_of_channels(tmp_path: Path, listener: Graph) -> None:
    (tmp_path / "deeper").mkdir()
    soundfile.write(tmp_path / "deeper" / "stereo.WAV", noise(1.0, 44100, 2), 44100)
    soundfile.write(tmp_path / "slow.wav", noise(0.2, 4000), 4000)
    calibration = load_calibration(tmp_path, listener)
    assert dict.fromkeys(calibration.clips) == dict.fromkeys(["deeper/stereo.WAV", "slow.wav"])
    assert all(np.isfinite(features).all() for (features,) in calibration)


def test_a_single_file_will_do(tmp_path: Path, listener: Graph) -> None:
    soundfile.write(tmp_path / "a.wav", noise(1.0), RATE)
    assert set(load_calibration(tmp_path / "a.wav", listener).clips) == {"a.wav"}


def test_windows_are_spread_over_all_files_and_always_the_same(tmp_path: Path, listener: Graph) -> None:
    for i in range(12):
        soundfile.write(tmp_path / f"{i:02}.wav", noise(3.0, seed=i), RATE)
    calibration = load_calibration(tmp_path, listener, limit=24)
    assert len(calibration) == 24
    assert [calibration.clips.count(f"{i:02}.wav") for i in range(12)] == [2] * 12
    again = load_calibration(tmp_path, listener, limit=24)
    assert_same(calibration, again)
    few = load_calibration(tmp_path, listener, limit=3)
    assert few.clips == ("02.wav", "06.wav", "10.wav")


def test_silence_is_left_out(tmp_path: Path, listener: Graph) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(4 * RATE), RATE)
    soundfile.write(tmp_path / "b.wav", noise(1.0), RATE)
    assert set(load_calibration(tmp_path, listener).clips) == {"b.wav"}
    (tmp_path / "b.wav").unlink()
    with pytest.raises(InputError, match=r"nothing but silence in 1 WAV file$"):
        load_calibration(tmp_path, listener)


def test_built_in_sounds_are_deterministic_and_say_what_they_are(listener: Graph, log_mel: LogMel) -> None:
    first = builtin_audio_calibration(log_mel, limit=32)
    second = load_calibration(None, listener, limit=32)
    assert_same(first, second)
    assert len(first) == 32
    assert first.description.startswith("64 built-in generated sounds")
    levels = np.concatenate([features.ravel() for (features,) in first])
    assert levels.max() == pytest.approx(2.0, abs=1e-3)
    assert levels.min() < 2.0 - 0.1 * 70


def test_without_front_end_nothing_is_made_up() -> None:
    with pytest.raises(InputError, match="needs representative inputs") as caught:
        load_calibration(None, small_net())
    assert "--calibration" in str(caught.value.hint)


SHAPE = (1, 6, 5, 3)


@pytest.mark.parametrize(("shape", "count"), [(SHAPE, 1), ((7, *SHAPE), 7), ((7, *SHAPE[1:]), 7)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_arrays_hold_one_input_or_several(tmp_path: Path, shape: tuple[int, ...], count: int, dtype: type) -> None:
    values = np.arange(1, 1 + np.prod(shape)).reshape(shape).astype(dtype)
    np.save(tmp_path / "inputs.npy", values)
    calibration = load_calibration(tmp_path / "inputs.npy", small_net())
    assert [sample[0].shape for sample in calibration] == [SHAPE] * count
    np.testing.assert_array_equal(np.stack([s[0] for s in calibration]).ravel(), values.ravel().astype(np.float32))


def test_a_folder_of_arrays(tmp_path: Path) -> None:
    for i in range(3):
        np.savez(tmp_path / f"{i}.npz", anything=np.full((4, *SHAPE[1:]), i + 1.0))
    calibration = load_calibration(tmp_path, small_net(), limit=6)
    assert calibration.clips == ("0.npz", "0.npz", "1.npz", "1.npz", "2.npz", "2.npz")
    assert [sample[0].flat[0] for sample in calibration] == [1, 1, 2, 2, 3, 3]


def two_inputs() -> Graph:
    tensors = {name: Tensor(name, (1, 3), DType.FLOAT32) for name in ("a", "b")}
    net = FloatNet((1, 3))
    net.tensors = tensors
    net.now = "a"
    net.add("ADD", "a", "b", fused_activation_function=0)
    return Graph("pair", net.tensors, tuple(net.ops), ("a", "b"), (net.now,))


def test_several_model_inputs_are_found_by_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", b=np.full((5, 3), 2.0), a=np.full((5, 1, 3), 1.0))
    calibration = load_calibration(tmp_path / "x.npz", two_inputs())
    assert [(float(a.flat[0]), float(b.flat[0])) for a, b in calibration] == [(1.0, 2.0)] * 5


def test_several_model_inputs_must_be_complete(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.ones((5, 3)), c=np.ones((5, 3)))
    with pytest.raises(InputError, match=r"x.npz: holds a, c, but nothing for the model's input b"):
        load_calibration(tmp_path / "x.npz", two_inputs())
    np.savez(tmp_path / "x.npz", a=np.ones((5, 3)), b=np.ones((4, 3)))
    with pytest.raises(InputError, match=r"different numbers of examples: \[5, 4\]"):
        load_calibration(tmp_path / "x.npz", two_inputs())


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.ones((2, 6, 5, 4)), r"shape \[2, 6, 5, 4\] does not fit the model's input x \[1, 6, 5, 3\]"),
        (np.full(SHAPE, np.nan), "holds NaN or infinity"),
        (np.full(SHAPE, 1e39), "holds values beyond float32"),
        (np.ones((0, *SHAPE)), "the array is empty"),
        (np.zeros(SHAPE), "all calibration inputs are zero"),
        (np.full(SHAPE, "a"), "not numbers"),
        (np.full(SHAPE, 1j), "not numbers"),
    ],
)
def test_unusable_arrays_are_named_with_their_fault(tmp_path: Path, values: np.ndarray, reason: str) -> None:
    np.save(tmp_path / "faulty.npy", values)
    with pytest.raises(InputError, match=f"faulty.npy.*{reason}"):
        load_calibration(tmp_path / "faulty.npy", small_net())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pickled.npy", b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"),
        ("empty.npy", b""),
        ("text.npz", b"hello"),
        ("cut.npz", b"PK\x03\x04"),
    ],
)
def test_unreadable_array_files_are_named(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name}: not a readable"):
        load_calibration(tmp_path, small_net())


def test_unreadable_sounds_are_named(tmp_path: Path, listener: Graph) -> None:
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    with pytest.raises(InputError, match=r"broken\.wav"):
        load_calibration(tmp_path, listener)


def test_folders_without_anything_usable(tmp_path: Path, listener: Graph) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        load_calibration(tmp_path / "absent", listener)
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(InputError, match=r"holds no \.wav, \.npy or \.npz file") as found:
        load_calibration(tmp_path, listener)
    assert "convert other sound files" in str(found.value.hint)
    soundfile.write(tmp_path / "a.wav", noise(1.0), RATE)
    with pytest.raises(InputError, match="has no audio front end"):
        load_calibration(tmp_path, small_net())


def samples(count: int) -> tuple[tuple[np.ndarray], ...]:
    return tuple((np.full(1, i, np.float32),) for i in range(count))


def test_every_fourth_clip_is_held_out() -> None:
    clips = tuple(name for name in "abcdef" for _ in range(2))
    used, held, words = Calibration(samples(12), clips, "test").split()
    assert held.clips == ("b", "b", "f", "f")
    assert used.clips == ("a", "a", "c", "c", "d", "d", "e", "e")
    assert words.startswith("every fourth clip")


@pytest.mark.parametrize(("count", "held"), [(2, [1]), (9, [1, 5])])
def test_few_clips_are_split_by_sample(count: int, held: list[int]) -> None:
    used, kept, words = Calibration(samples(count), ("a",) * count, "test").split()
    assert [int(s[0][0]) for s in kept] == held
    assert len(used) + len(kept) == count
    assert words.startswith("every fourth input")


def test_a_single_sample_serves_as_both_and_says_so() -> None:
    used, kept, words = Calibration.of(samples(1)).split()
    assert used is kept
    assert "itself" in words
