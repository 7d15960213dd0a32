"""Post-training quantization: a float graph becomes an int8 graph by the TFLite 8-bit quantization specification."""

from seatool.quantize.calibration import Calibration, Sample
from seatool.quantize.execute import Executor, execute
from seatool.quantize.fidelity import Fidelity, LayerFidelity, OutputFidelity
from seatool.quantize.post_training import Quantized, quantize
from seatool.quantize.ranges import METHODS
from seatool.quantize.sources import builtin_audio_calibration, load_calibration

__all__ = [
    "METHODS",
    "Calibration",
    "Executor",
    "Fidelity",
    "LayerFidelity",
    "OutputFidelity",
    "Quantized",
    "Sample",
    "builtin_audio_calibration",
    "execute",
    "load_calibration",
    "quantize",
]
