"""The number of threads that numpy may use changes no byte of the int8 model."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from float_nets import FloatNet
from seatool.audio import LogMel, frames
from seatool.audio.synthetic import clips
from seatool.importers import tflite
from seatool.quantize import quantize
from seatool.threads import one_thread
from threadpoolctl import threadpool_info

QUANTIZE = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_threads; test_threads.show()"


def show() -> None:
    """Print digests of a quantized network with its fidelity report, and of resampled sound."""
    net = FloatNet((1, 24, 24, 8))
    for channels in (48, 64):
        net.conv_2d(channels)
    samples = [(np.random.default_rng(i).standard_normal((1, 24, 24, 8)).astype(np.float32),) for i in range(8)]
    quantized = quantize(net.graph(), samples)
    model = tflite.write(quantized.graph) + json.dumps(quantized.fidelity.to_json()).encode()
    (clip,) = clips(1, sample_rate=44100, seconds=3.0)
    windows, _ = frames(clip, 44100, LogMel.from_parameters())
    print(hashlib.sha256(model).hexdigest(), hashlib.sha256(windows.tobytes()).hexdigest())


@pytest.mark.parametrize("threads", [5])
def test_the_model_does_not_depend_on_the_number_of_threads(threads: int) -> None:
    def digests(count: int) -> str:
        environment = os.environ | {"OPENBLAS_NUM_THREADS": str(count), "OMP_NUM_THREADS": str(count)}
        command = [sys.executable, "-c", QUANTIZE]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert digests(threads) == digests(1)


def test_one_thread_is_for_the_call_only() -> None:
    def threads() -> list[int]:
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    before = threads()
    assert before, "numpy computes with a library that cannot be told how many threads to use"
    assert one_thread(threads)() == [1] * len(before)
    assert threads() == before
