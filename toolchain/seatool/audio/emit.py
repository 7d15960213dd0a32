"""The front end in C: its tables for one model, its sources, and what they cost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from seatool import resources
from seatool.audio.log_mel import FULL_SCALE, LogMel
from seatool.ir import Quantization
from seatool.kernels import Cost

SOURCES = ("audio_fft.h", "audio_fft.c", "audio_log_mel.h", "audio_log_mel.c")
"""Files of ``firmware/audio`` that every model with a front end takes along."""

CODE_BYTES = 2900
"""Of both C files, arm-none-eabi-gcc 12.2 -O2 for a Cortex-M7; an estimate for the plan, the ELF is measured later."""


STRUCT_BYTES = 68
"""Of one ``audio_log_mel_tables`` on the target: 17 words."""


class FlashBytes(NamedTuple):
    """Share of the flash, in bytes."""

    code: int
    tables: int


class Tables(NamedTuple):
    """The constant arrays of ``audio_log_mel_tables``."""

    window: npt.NDArray[np.float32]
    """[n_fft], or [n_fft / 2 + 1] where the weights behind are the same in reverse."""
    twiddles: npt.NDArray[np.float32]
    """[n, 2]: for each radix-8 pass, for each butterfly but the first, 7 complex factors."""
    split: npt.NDArray[np.float32]
    """[n_fft / 4 - 1, 2]: cosine and sine."""
    mel_bands: npt.NDArray[np.uint16]
    """[bands, 2]: first bin, number of bins."""
    mel_weights: npt.NDArray[np.float32]

    @property
    def bytes(self) -> int:
        return sum(table.nbytes for table in self)


def scratch_bytes(log_mel: LogMel) -> int:
    """RAM that ``audio_log_mel`` needs while it runs: two transform buffers and the image in float32."""
    return 4 * (2 * log_mel.n_fft + log_mel.bands * log_mel.frames)


def code_and_table_bytes(log_mel: LogMel) -> FlashBytes:
    """Flash of the front end; the code is an estimate, the tables are exact."""
    return FlashBytes(CODE_BYTES, tables(log_mel).bytes + STRUCT_BYTES)


def cost(log_mel: LogMel) -> Cost:
    """Estimated instructions (from counts in the emulator, see tests/audio), scratch and code."""
    half = log_mel.n_fft // 2
    passes = len(_radix8_passes(log_mel.n_fft))
    transform = passes * half / 8 * 150 + (half >> 3 * passes > 1) * half * 14 + half / 2 * 28
    column = log_mel.n_fft * 7 + transform + len(tables(log_mel).mel_weights) * 6 + log_mel.bands * 14
    image = log_mel.bands * log_mel.frames * 48
    return Cost(round(log_mel.frames * column + image), scratch_bytes(log_mel), CODE_BYTES)


def tables(log_mel: LogMel) -> Tables:
    """The constant arrays for one front end."""
    n_fft, mel = log_mel.n_fft, log_mel.mel
    angle = 2 * np.pi * np.arange(1, n_fft // 4) / n_fft
    split = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    bands, weights = [], []
    for column in mel.T:
        bins = np.flatnonzero(column)
        first, count = (int(bins[0]), int(bins[-1] - bins[0] + 1)) if len(bins) else (0, 0)
        bands.append((first, count))
        weights.append(column[first : first + count])
    twiddles = [_twiddles(length) for length in _radix8_passes(n_fft)]
    window = log_mel.window
    return Tables(
        window[: n_fft // 2 + 1] if np.array_equal(window[1:], window[:0:-1]) else window,
        np.concatenate(twiddles).astype(np.float32),
        split.astype(np.float32),
        np.array(bands, np.uint16),
        np.concatenate(weights),
    )


def emit(log_mel: LogMel, quant: Quantization, prefix: str) -> dict[str, bytes]:
    """The files of the front end: ``audio/<prefix>_audio_tables.{h,c}`` and the C sources.

    ``<prefix>_audio_tables`` is the constant to pass to ``audio_log_mel``; ``<PREFIX>_AUDIO_SCRATCH_FLOATS`` the size
    of the scratch it needs. ``quant`` is the quantization of the network's input.
    """
    folder = resources.firmware() / "audio"
    files = {f"audio/{name}": (folder / name).read_bytes() for name in SOURCES}
    files[f"audio/{prefix}_audio_tables.h"] = _header(log_mel, prefix).encode()
    files[f"audio/{prefix}_audio_tables.c"] = _source(log_mel, quant, prefix).encode()
    return files


def _radix8_passes(n_fft: int) -> list[int]:
    """Lengths of the sub-transforms at each radix-8 pass of the complex transform.

    >>> _radix8_passes(1024), _radix8_passes(256)
    ([512, 64, 8], [128, 16])
    """
    length, lengths = n_fft // 2, []
    while length >= 8:
        lengths.append(length)
        length //= 8
    return lengths


def _twiddles(length: int) -> npt.NDArray[np.float64]:
    """[7 * (length / 8 - 1), 2]: exp(-j 2 pi p k / length) for p = 1 .. length / 8 - 1 and k = 1 .. 7."""
    angle = -2 * np.pi * np.outer(np.arange(1, length // 8), np.arange(1, 8)).ravel() / length
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _header(log_mel: LogMel, prefix: str) -> str:
    guard = f"{prefix.upper()}_AUDIO_TABLES_H"
    return f"""\
/* {prefix}_audio_tables.h: the audio front end's constants for this model. */
#ifndef {guard}
#define {guard}

#include "audio_log_mel.h"

#ifdef __cplusplus
extern "C" {{
#endif

#define {prefix.upper()}_AUDIO_SAMPLE_RATE_HZ {log_mel.sample_rate}
#define {prefix.upper()}_AUDIO_WINDOW_SAMPLES {log_mel.window_samples}
#define {prefix.upper()}_AUDIO_SCRATCH_FLOATS AUDIO_LOG_MEL_SCRATCH({log_mel.n_fft}, {log_mel.bands}, {log_mel.frames})

extern const audio_log_mel_tables {prefix}_audio_tables;

#ifdef __cplusplus
}}
#endif

#endif
"""


def _source(log_mel: LogMel, quant: Quantization, prefix: str) -> str:
    arrays = tables(log_mel)
    scale, zero_point = quant.scale[0], quant.zero_point[0]
    db_per_octave = 5 * log_mel.power * np.log10(2)
    # The C works on int16 and on twice the spectrum, so its powers are larger by this.
    power_unit = 4 * FULL_SCALE**2
    scalars = {
        "min_power": log_mel.amin ** (2 / log_mel.power) * power_unit,
        "db_per_octave": db_per_octave,
        "range_db": log_mel.dynamic_range_db,
        "scale": log_mel.gain / scale,
        "offset": log_mel.offset / scale + zero_point + 0.5 + 128,
    }
    lines = [
        f"/* {prefix}_audio_tables.c: {log_mel.frames} frames of {log_mel.n_fft} samples, hop {log_mel.hop},",
        f" * {log_mel.bands} mel bands; network input = (gain * dB + offset) / scale + zero point with",
        f" * gain {log_mel.gain:.9g}, offset {log_mel.offset:.9g}, scale {scale:.9g}, zero point {zero_point}.",
        " */",
        f'#include "{prefix}_audio_tables.h"',
        "",
        *_array("float", "window", arrays.window),
        *_array("audio_complex", "twiddles", arrays.twiddles),
        *_array("audio_complex", "split", arrays.split),
        *_array("audio_mel_band", "mel_bands", arrays.mel_bands),
        *_array("float", "mel_weights", arrays.mel_weights),
        f"const audio_log_mel_tables {prefix}_audio_tables = {{",
        f"    .window_samples = {log_mel.window_samples},",
        f"    .pad_left = {log_mel.pad_left},",
        f"    .hop = {log_mel.hop},",
        f"    .frames = {log_mel.frames},",
        f"    .bands = {log_mel.bands},",
        f"    .window_weights = {len(arrays.window)},",
        "    .window = window,",
        f"    .fft = {{.length = {log_mel.n_fft}, .twiddles = twiddles, .split = split}},",
        "    .mel_bands = mel_bands,",
        "    .mel_weights = mel_weights,",
        *(f"    .{name} = {_literal(value)}," for name, value in scalars.items()),
        "};",
    ]
    return "\n".join(lines) + "\n"


def _array(c_type: str, name: str, values: npt.NDArray[np.generic]) -> Iterable[str]:
    """A static const array, a few elements a line; rows of a two-dimensional array are structs."""
    items = [_literal(v) if v.ndim == 0 else "{" + ", ".join(map(_literal, v)) + "}" for v in map(np.asarray, values)]
    per_line = 8 if values.ndim == 1 else 4
    yield f"static const {c_type} {name}[{len(items)}] = {{"
    for start in range(0, len(items), per_line):
        yield "    " + ", ".join(items[start : start + per_line]) + ","
    yield "};"
    yield ""


def _literal(value: object) -> str:
    """A C literal: integers as they are, everything else as the shortest decimal of its float32 value.

    >>> _literal(np.float32(0.1)), _literal(2.0), _literal(np.uint16(7))
    ('0.1f', '2.0f', '7')
    """
    if isinstance(value, np.integer) or (isinstance(value, np.ndarray) and np.issubdtype(value.dtype, np.integer)):
        return str(int(value))
    return f"{np.float32(value)!s}f"  # type: ignore[arg-type]
