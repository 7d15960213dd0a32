"""kapre's Melspectrogram layer becomes the description of the audio front end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from seatool.audio.log_mel import LogMel
from seatool.errors import InputError
from seatool.importers.keras.config import Layer
from seatool.importers.keras.hdf5 import Weights
from seatool.importers.keras.layers import normalization

KIND = "Melspectrogram"


def limits(layer: Layer) -> Iterator[str]:
    """Why the settings are not supported; empty when they are."""
    expected = {
        "power_spectrogram": 2.0,
        "return_decibel_melgram": True,
        "return_decibel_spectrogram": False,
    }
    for key, value in expected.items():
        if layer.raw(key, value) != value:
            yield f"{key} must be {value}, is {layer.raw(key)!r}"
    if layer.raw("image_data_format", "channels_last") not in ("channels_last", "default"):
        yield "image_data_format must be channels_last"
    if layer.raw("padding", "same") not in ("same", "valid"):
        yield f"padding {layer.raw('padding')!r}"


def front_end(layer: Layer, weights: Weights, sound: tuple[int, ...]) -> LogMel:
    """The front end with the tables that the file stores.

    Args:
        layer: The Melspectrogram layer.
        weights: ``real_kernels``, ``imag_kernels`` [n_fft, 1, 1, n_fft // 2 + 1] and the mel matrix, in any order.
        sound: Shape of the model's input without the batch, (1, samples).

    Raises:
        InputError: The stored kernels are no windowed Fourier transform, or shapes do not fit.
    """
    if len(sound) != 2 or sound[0] != 1:
        layer.fail(f"needs mono sound of shape (1, samples), the model's input is {list(sound)}")
    named = dict(weights)
    missing = {"real_kernels", "imag_kernels"} - named.keys()
    tables = [value for name, value in weights if name not in ("real_kernels", "imag_kernels")]
    if missing or len(tables) != 1:
        layer.fail("the file should hold real_kernels, imag_kernels and the mel matrix of this layer")
    bins, bands = layer.integer("n_dft", 512) // 2 + 1, layer.integer("n_mels", 128)
    if tables[0].shape != (bins, bands):
        layer.fail(f"its mel matrix has shape {list(tables[0].shape)}, expected {[bins, bands]}")
    try:
        return LogMel.from_kernels(
            named["real_kernels"],
            named["imag_kernels"],
            tables[0],
            sample_rate=layer.integer("sr", 22050),
            window_samples=sound[1],
            hop=_hop(layer),
            padding="valid" if layer.text("padding", "same") == "valid" else "same",
            power=layer.number("power_melgram", 1.0),
        )
    except InputError as error:
        layer.fail(error.message, error.hint)
    except ValueError as error:
        layer.fail(str(error))


def _hop(layer: Layer) -> int:
    """kapre takes half a transform when no hop is given."""
    return layer.integer("n_dft", 512) // 2 if layer.raw("n_hop") is None else layer.integer("n_hop")


def normalized(log_mel: LogMel, layer: Layer, weights: Weights) -> LogMel:
    """``log_mel`` with the one-channel BatchNormalization behind it folded in."""
    (gain,), (offset,) = normalization(layer, weights, (1, *log_mel.shape))
    return replace(log_mel, gain=float(gain * log_mel.gain), offset=float(gain * log_mel.offset + offset))
