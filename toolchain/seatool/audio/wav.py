"""Sound files, and the windows that edgel3 cuts them into."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from seatool.audio.log_mel import FULL_SCALE, LogMel
from seatool.audio.resample import resample
from seatool.errors import InputError
from seatool.rounding import ceil_div
from seatool.threads import one_thread

Float64 = npt.NDArray[np.float64]
Int16 = npt.NDArray[np.int16]

SAMPLE_RATES = range(1000, 1_000_001)

_CUT_OFF = re.compile(r"^data *: (?P<promised>\d+) \(should be (?P<found>\d+)\)", re.MULTILINE)
"""How libsndfile remarks, without complaint, that a WAV file is shorter than its header says."""

_UNKNOWN_LENGTH = 0xFFFF_FFFF
"""What programs that write to a pipe put there."""


def read_wav(path: Path | str) -> tuple[Float64, int]:
    """A sound file of 8, 16, 24 or 32 bits or floating point, any number of channels.

    Returns:
        Samples, float64 [samples, channels], full scale 1.0, and the sample rate in Hz.

    Raises:
        InputError: The file cannot be read, is no sound file, is cut off, empty, or holds values that are not finite.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            sound, rate, remarks = file.read(dtype="float64", always_2d=True), file.samplerate, file.extra_info
    except (soundfile.LibsndfileError, TypeError, ValueError) as error:
        reason = str(getattr(error, "error_string", error)).rstrip(".")
        raise InputError(f"{path}: not a sound file ({reason})", "a WAV file (PCM or float) is expected") from error
    if (cut := _CUT_OFF.search(remarks)) and int(cut["promised"]) != _UNKNOWN_LENGTH:
        raise InputError(
            f"{path}: the sound file is cut off: its header promises {int(cut['promised']):,} bytes of sound, "
            f"{int(cut['found']):,} are there",
            "copy or record it again",
        )
    if not len(sound):
        raise InputError(f"{path}: the sound file is empty")
    if not np.isfinite(sound).all():
        raise InputError(f"{path}: the sound holds values that are not finite (NaN or infinity)")
    if rate not in SAMPLE_RATES:
        raise InputError(f"{path}: a sample rate of {rate} Hz is not supported", "1 kHz to 1 MHz is")
    return sound, rate


def to_int16(sound: npt.ArrayLike) -> Int16:
    """Full scale 1.0 to PCM: times 32768, rounded to nearest (ties to even), saturated at -32768 and 32767."""
    return np.clip(np.rint(np.asarray(sound, np.float64) * FULL_SCALE), -32768, 32767).astype(np.int16)


@one_thread
def frames(
    audio: npt.ArrayLike, rate: int, log_mel: LogMel, hop_size: float = 0.1, center: bool = True
) -> tuple[Int16, Float64]:
    """The model's windows of a recording, framed as edgel3 does it.

    Channels are averaged and the result resampled to the front end's rate. With ``center``, half a window of zeros
    goes in front, so that a window's timestamp is its middle. Zeros at the end complete the last window.

    Args:
        audio: [samples] or [samples, channels], full scale 1.0.
        rate: Sample rate of ``audio``, Hz.
        hop_size: Seconds from one window to the next.

    Returns:
        Windows, int16 [n, window_samples], and their timestamps in seconds, float64 [n].

    Raises:
        InputError: The recording is shorter than one sample at the front end's rate, or the hop than one sample.

    Source: edgel3 0.2 core.py, ``get_embedding``.
    """
    sound = np.asarray(audio, np.float64)
    if sound.ndim == 2:
        sound = sound.mean(axis=1)
    sound = resample(sound, rate, log_mel.sample_rate)
    if not len(sound):
        raise InputError("the recording is shorter than one sample of the model's input")
    hop = int(hop_size * log_mel.sample_rate) if np.isfinite(hop_size) else 0
    if hop < 1:
        raise InputError(f"a hop of {hop_size:g} s is not possible", f"at least {1 / log_mel.sample_rate:g} s")
    window = log_mel.window_samples
    if center:
        sound = np.pad(sound, (window // 2, 0))
    count = 1 + max(0, ceil_div(len(sound) - window, hop))
    sound = np.pad(sound, (0, (count - 1) * hop + window - len(sound)))
    windows = np.lib.stride_tricks.sliding_window_view(to_int16(sound), window)[::hop][:count]
    return np.ascontiguousarray(windows), np.arange(count, dtype=np.float64) * hop_size
