"""Sources of calibration data: WAV files through the model's front end, .npy/.npz tensors, or generated sounds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from seatool.arrays import SUFFIXES, as_float32, read_examples
from seatool.audio import LogMel, frames, read_wav
from seatool.audio.log_mel import FULL_SCALE
from seatool.audio.synthetic import clips
from seatool.errors import InputError
from seatool.files import shown_name
from seatool.ir import Graph
from seatool.quantize.calibration import Calibration, evenly
from seatool.rounding import ceil_div
from seatool.threads import one_thread

Int16 = npt.NDArray[np.int16]

LIMIT = 256
"""How many samples are used at most."""
HOP_SECONDS = 0.5
BUILTIN_CLIPS = 64
BUILTIN_SECONDS = 2.0

_CONVERT = "convert other sound files, for example with `ffmpeg -i sound.mp3 sound.wav`"


@one_thread
def load_calibration(path: Path | None, graph: Graph, limit: int = LIMIT) -> Calibration:
    """Representative inputs of the float ``graph``.

    Args:
        path: A WAV, .npy or .npz file or a folder of them (searched with its subfolders); None for built-in sounds.
            WAV files of any rate and number of channels pass through the model's front end in windows half a second
            apart. Arrays hold one input each, or several along a leading axis; an .npz holds one array per model input
            under its name.
        graph: Its inputs and front end say what is needed.
        limit: At most this many samples, evenly spread over files and time. The choice depends on nothing else.

    Raises:
        InputError: There is nothing usable; the message names the file and what is wrong with it.
    """
    if path is None:
        if graph.frontend is None:
            raise InputError(
                f"{graph.name} is a float model: quantizing it needs representative inputs",
                "give --calibration DIR with .npy/.npz tensors of typical inputs (a hundred are plenty)",
            )
        return builtin_audio_calibration(graph.frontend, limit)
    sounds, arrays = _files(path)
    if sounds and graph.frontend is not None:
        return _from_sounds(path, sounds, graph.frontend, limit)
    if arrays:
        return _from_arrays(path, arrays, graph, limit)
    if sounds:
        raise InputError(
            f"{path} holds WAV files, but {graph.name} has no audio front end", "give .npy or .npz tensors instead"
        )
    raise InputError(f"{path} holds no .wav, .npy or .npz file", _CONVERT)


def builtin_audio_calibration(log_mel: LogMel, limit: int = LIMIT) -> Calibration:
    """Generated urban sounds (:mod:`seatool.audio.synthetic`) through the front end; always the same.

    They cover the range of a log-mel front end. Recordings from where the sensor will stand are better.
    """
    sounds = clips(BUILTIN_CLIPS, sample_rate=log_mel.sample_rate, seconds=BUILTIN_SECONDS)
    windows = [
        (f"generated {i}", window)
        for i, sound in enumerate(sounds)
        for window in frames(sound, log_mel.sample_rate, log_mel, HOP_SECONDS)[0]
    ]
    return _through_frontend(windows, log_mel, limit, f"{BUILTIN_CLIPS} built-in generated sounds")


def _files(path: Path) -> tuple[list[Path], list[Path]]:
    """WAV files and array files at ``path``, in the order of their names."""
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    found = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    by_suffix = [(p.suffix.lower(), p) for p in found]
    return [p for s, p in by_suffix if s == ".wav"], [p for s, p in by_suffix if s in SUFFIXES]


def _from_sounds(path: Path, files: Sequence[Path], log_mel: LogMel, limit: int) -> Calibration:
    chosen = [files[i] for i in evenly(len(files), limit)]
    # More than needed of each file, since some windows may be silent; but not hours of it.
    share = ceil_div(4 * limit, len(chosen))
    windows: list[tuple[str, Int16]] = []
    for file in chosen:
        sound, rate = read_wav(file)
        cut, _ = frames(sound, rate, log_mel, HOP_SECONDS)
        windows += [(_label(file, path), cut[i]) for i in evenly(len(cut), share)]
    plural = "s" if len(chosen) > 1 else ""
    calibration = _through_frontend(windows, log_mel, limit, f"{len(chosen)} WAV file{plural} of {shown_name(path)}")
    if not calibration:
        raise InputError(f"{path}: nothing but silence in {len(chosen)} WAV file{plural}")
    return calibration


def _through_frontend(windows: Sequence[tuple[str, Int16]], log_mel: LogMel, limit: int, what: str) -> Calibration:
    """At most ``limit`` of the (clip, PCM) windows as features, without digital silence, which no sensor hears."""
    audible = [(clip, pcm) for clip, pcm in windows if (pcm != pcm[0]).any()]
    chosen = [audible[i] for i in evenly(len(audible), limit)]
    samples = tuple((log_mel.features(pcm / FULL_SCALE)[None],) for _, pcm in chosen)
    return Calibration(samples, tuple(clip for clip, _ in chosen), f"{what}, {len(chosen)} windows")


def _from_arrays(path: Path, files: Sequence[Path], graph: Graph, limit: int) -> Calibration:
    inputs = [graph.tensors[name] for name in graph.inputs]
    pairs = [(file, example) for file in files for example in read_examples(file, inputs, graph.aliases)]
    chosen = [pairs[i] for i in evenly(len(pairs), limit)]
    samples = tuple(tuple(as_float32(file, value) for value in example) for file, example in chosen)
    if not any(value.any() for sample in samples for value in sample):
        raise InputError(f"{path}: all calibration inputs are zero")
    description = f"{len(chosen)} inputs of {shown_name(path)}"
    return Calibration(samples, tuple(_label(file, path) for file, _ in chosen), description)


def _label(file: Path, root: Path) -> str:
    return file.name if file == root else file.relative_to(root).as_posix()
