"""The audio front end: one second of sound to a log-mel image, as the Keras models of the SEA paper compute it.

Source: kapre 0.1.4 ``Melspectrogram`` (time_frequency.py, backend.py, backend_keras.py) with librosa's mel filters.
This file is the reference; ``firmware/audio`` is the same arithmetic in float32 C.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from seatool.errors import InputError
from seatool.ir import Array, Quantization
from seatool.rounding import ceil_div

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

FULL_SCALE = 32768.0
"""The int16 value that stands for 1.0."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LogMel:
    """Log-mel front end: window, power spectrum, mel bands, decibels below the loudest, affine normalisation.

    Attributes:
        sample_rate: Of the sound, Hz.
        window_samples: Samples of sound per model input.
        n_fft: Transform length in samples, a power of two.
        hop: Samples from one frame to the next.
        pad_left, pad_right: Zeros put around the sound before framing.
        frames: Columns of the image.
        window: float32 [n_fft], periodic Hann.
        mel: float32 [n_fft // 2 + 1, bands], weights of the power spectrum.
        power: kapre's ``power_melgram``: 1 takes the root of the mel-weighted power, 2 takes it as it is.
        amin: Smallest value whose logarithm is taken.
        dynamic_range_db: Everything this far below the loudest value of the image is raised to it.
        gain, offset: The one-channel BatchNormalization behind the audio layers: gain * dB + offset.
    """

    sample_rate: int = 8000
    window_samples: int = 8000
    n_fft: int = 1024
    hop: int = 160
    pad_left: int = 432
    pad_right: int = 432
    frames: int = 50
    window: Float32
    mel: Float32
    power: float = 1.0
    amin: float = 1e-10
    dynamic_range_db: float = 80.0
    gain: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        if self.n_fft < 64 or self.n_fft & (self.n_fft - 1):
            raise ValueError(f"n_fft must be a power of two of at least 64, got {self.n_fft}")
        if min(self.sample_rate, self.window_samples, self.hop, self.frames) < 1:
            raise ValueError("sample_rate, window_samples, hop and frames must be positive")
        if min(self.pad_left, self.pad_right) < 0:
            raise ValueError("padding must not be negative")
        if (self.frames - 1) * self.hop + self.n_fft > self.pad_left + self.window_samples + self.pad_right:
            raise ValueError(f"{self.frames} frames reach beyond the padded window")
        if not (self.power > 0 and self.amin > 0 and self.dynamic_range_db > 0):
            raise ValueError("power, amin and dynamic_range_db must be positive")
        for name, shape in (("window", (self.n_fft,)), ("mel", (self.n_fft // 2 + 1, self.bands))):
            table = np.array(getattr(self, name), np.float32)
            if table.shape != shape or not np.isfinite(table).all():
                raise ValueError(f"{name} must be finite and of shape {shape}, got {table.shape}")
            table.flags.writeable = False
            object.__setattr__(self, name, table)

    @property
    def bands(self) -> int:
        """Rows of the image."""
        return int(self.mel.shape[1]) if self.mel.ndim == 2 else 0

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the image: (bands, frames, 1)."""
        return self.bands, self.frames, 1

    @classmethod
    def from_parameters(
        cls,
        *,
        sample_rate: int = 8000,
        window_samples: int = 8000,
        n_fft: int = 1024,
        hop: int = 160,
        bands: int = 64,
        fmin: float = 0.0,
        fmax: float | None = None,
        padding: Literal["same", "valid"] = "same",
        **others: Any,
    ) -> LogMel:
        """A front end with our own tables: periodic Hann window, HTK mel scale, triangles of equal area.

        The defaults are those of the SEA students. ``others`` are further attributes of :class:`LogMel`.
        """
        return cls(
            sample_rate=sample_rate,
            window_samples=window_samples,
            n_fft=n_fft,
            hop=hop,
            **framing(window_samples, n_fft, hop, padding),
            window=hann(n_fft),
            mel=mel_filters(sample_rate, n_fft, bands, fmin, sample_rate / 2 if fmax is None else fmax),
            **others,
        )

    @classmethod
    def from_kernels(
        cls,
        real: Array,
        imaginary: Array,
        mel: Array,
        *,
        sample_rate: int,
        window_samples: int,
        hop: int,
        padding: Literal["same", "valid"] = "same",
        **others: Any,
    ) -> LogMel:
        """A front end from the weights of a kapre ``Melspectrogram`` layer.

        Args:
            real, imaginary: float32 [n_fft, 1, 1, n_fft // 2 + 1], the windowed DFT kernels.
            mel: float32 [n_fft // 2 + 1, bands].

        Raises:
            InputError: The kernels are not a windowed Fourier transform (they were trained, for example).
        """
        n_fft = len(real)
        if real.shape != (n_fft, 1, 1, n_fft // 2 + 1) or imaginary.shape != real.shape:
            raise InputError(f"the spectrogram's kernels have shapes {real.shape} and {imaginary.shape}")
        window = np.asarray(real[:, 0, 0, 0], np.float32)
        error = np.abs(np.hstack([real[:, 0, 0], imaginary[:, 0, 0]]) - dft_kernels(window)).max()
        if not error < 1e-5:
            raise InputError(
                f"the spectrogram's kernels are not a windowed Fourier transform (they differ by {error:.2g})",
                "layers with trainable_kernel=True cannot be compiled",
            )
        return cls(
            sample_rate=sample_rate,
            window_samples=window_samples,
            n_fft=n_fft,
            hop=hop,
            **framing(window_samples, n_fft, hop, padding),
            window=window,
            mel=mel,
            **others,
        )

    def mel_power(self, pcm: npt.ArrayLike) -> Float64:
        """Mel-weighted power. pcm: real [window_samples], full scale 1.0 -> float64 [bands, frames]."""
        sound = np.asarray(pcm, np.float64)
        if sound.shape != (self.window_samples,):
            raise ValueError(f"the front end takes {self.window_samples} samples, got an array of shape {sound.shape}")
        padded = np.pad(sound, (self.pad_left, self.pad_right))
        starts = np.arange(self.frames) * self.hop
        spectrum = padded[starts[:, None] + np.arange(self.n_fft)] @ _kernels(self.window.tobytes())
        bins = self.n_fft // 2 + 1
        power = spectrum[:, :bins] ** 2 + spectrum[:, bins:] ** 2
        return np.asarray(self.mel.T.astype(np.float64) @ power.T)

    def decibels(self, pcm: npt.ArrayLike) -> Float64:
        """Level below the loudest value, [-dynamic_range_db, 0] dB. pcm as in :meth:`mel_power` -> [bands, frames]."""
        level = 10 * np.log10(np.maximum(self.mel_power(pcm) ** (self.power / 2), self.amin))
        return np.asarray(np.maximum(level - level.max(), -self.dynamic_range_db), np.float64)

    def features(self, pcm: npt.ArrayLike) -> Float32:
        """What the network sees: gain * dB + offset. pcm as in :meth:`mel_power` -> float32 [bands, frames, 1]."""
        return (self.gain * self.decibels(pcm) + self.offset).astype(np.float32)[..., None]

    def quantized(self, pcm: npt.NDArray[np.int16], quant: Quantization) -> npt.NDArray[np.int8]:
        """The quantized network input: floor(feature / scale + zero_point + 0.5), saturated.

        pcm: int16 [window_samples] -> int8 [bands, frames, 1]. The C front end computes the same in float32.
        """
        if pcm.dtype != np.int16:
            raise ValueError(f"PCM must be int16, got {pcm.dtype}")
        feature = self.gain * self.decibels(pcm / FULL_SCALE) + self.offset
        steps = np.floor(feature / quant.scale[0] + (quant.zero_point[0] + 0.5))
        return np.clip(steps, -128, 127).astype(np.int8)[..., None]


def framing(window_samples: int, n_fft: int, hop: int, padding: Literal["same", "valid"]) -> dict[str, int]:
    """Frames and zero padding of a TensorFlow convolution with stride ``hop`` and kernel ``n_fft``.

    >>> framing(8000, 1024, 160, "same")
    {'frames': 50, 'pad_left': 432, 'pad_right': 432}
    """
    if padding == "valid":
        return {"frames": (window_samples - n_fft) // hop + 1, "pad_left": 0, "pad_right": 0}
    frames = ceil_div(window_samples, hop)
    total = max((frames - 1) * hop + n_fft - window_samples, 0)
    return {"frames": frames, "pad_left": total // 2, "pad_right": total - total // 2}


def hann(n_fft: int) -> Float32:
    """Periodic Hann window, float32 [n_fft]."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)).astype(np.float32)


def dft_kernels(window: Float32) -> Float32:
    """Windowed cosines, then windowed negative sines: float32 [n_fft, n_fft + 2], bit for bit kapre's kernels.

    kapre stores them rounded to float32. That rounding is a part of the trained model: 50 dB below the loudest value
    it is worth 0.001 dB.
    """
    n_fft = len(window)
    frequency = np.arange(n_fft // 2 + 1) * 2 * np.pi / float(n_fft)
    phase = np.arange(n_fft)[:, None] * frequency
    return np.hstack([np.cos(phase) * window[:, None], -np.sin(phase) * window[:, None]]).astype(np.float32)


@lru_cache(maxsize=4)
def _kernels(window: bytes) -> Float64:
    """The kernels for the bytes of a float32 window, widened; the last few are kept."""
    return dft_kernels(np.frombuffer(window, np.float32)).astype(np.float64)


def mel_filters(sample_rate: int, n_fft: int, bands: int, fmin: float, fmax: float) -> Float32:
    """Triangular filters on the HTK mel scale, each of area one over frequency, float32 [n_fft // 2 + 1, bands].

    Source: librosa 0.6 ``filters.mel(htk=True, norm=1)``.
    """
    low, high = (2595 * np.log10(1 + frequency / 700) for frequency in (fmin, fmax))
    edges = 700 * (10 ** (np.linspace(low, high, bands + 2) / 2595) - 1)
    bins = np.linspace(0, sample_rate / 2, n_fft // 2 + 1)[:, None]
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.minimum((bins - left) / (centre - left), (right - bins) / (right - centre))
    return (np.maximum(triangles, 0) * (2 / (right - left))).astype(np.float32)
