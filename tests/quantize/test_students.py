"""The authors' trained student on real sounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from seatool import importers, passes
from seatool.audio import frames, read_wav
from seatool.importers import tflite
from seatool.ir import DType, Graph, dequantize_values, quantize_values
from seatool.quantize import Calibration, Executor, Quantized, load_calibration, quantize
from seatool.quantize.affine import quantization
from seatool.quantize.fidelity import cosine
from seatool.tflm.reference import Reference

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def student(shared_data: Path) -> Graph:
    return passes.prepare(importers.load(shared_data / "models" / "edgel3_sea_ust_audio_emb_64.h5.gz"))


@pytest.fixture(scope="module")
def sounds(shared_data: Path, student: Graph) -> Calibration:
    folder = shared_data / "audio" / "dev"
    if not folder.is_dir():
        pytest.skip("the recordings are not here")
    return load_calibration(folder, student)


@pytest.fixture(scope="module")
def quantized(student: Graph, sounds: Calibration) -> Quantized:
    return quantize(student, sounds)


def test_held_out_sounds_keep_their_embeddings(quantized: Quantized) -> None:
    fidelity = quantized.fidelity
    assert (fidelity.calibration_samples, fidelity.heldout_samples) == (195, 61)
    assert fidelity.cosine_mean > 0.999
    assert fidelity.cosine_min > 0.99
    assert fidelity.layers[0].sqnr_db > 25


def test_rounding_to_nearest_loses_more(quantized: Quantized, student: Graph, sounds: Calibration) -> None:
    fidelity = quantized.fidelity
    nearest = quantize(student, sounds, data_rounding=False).fidelity
    assert 1 - fidelity.cosine_mean < 0.7 * (1 - nearest.cosine_mean)


def test_recordings_become_the_same_embeddings_on_the_device(
    quantized: Quantized, student: Graph, shared_data: Path
) -> None:
    """int16 windows cut as edgel3 cuts them, int8 front end, int8 network, against floating point throughout."""
    log_mel, int8 = student.frontend, quantized.graph
    entry, leave = (quantization(int8.tensors[name]) for name in (int8.inputs[0], int8.outputs[0]))
    run_real, run_int8 = Executor(student), Executor(int8)
    cosines = []
    for file in sorted((shared_data / "audio" / "dev").rglob("*.wav"))[1::4]:
        windows, _ = frames(*read_wav(file), log_mel, hop_size=0.7)
        for pcm in windows:
            real = run_real([log_mel.features(pcm / 32768)[None]])[student.outputs[0]]
            code = run_int8([log_mel.quantized(pcm, entry)[None]])[int8.outputs[0]]
            cosines.append(cosine(real, dequantize_values(code, leave)))
    assert len(cosines) > 80
    assert np.mean(cosines) > 0.999


def test_built_in_sounds_are_good_enough_for_real_ones(student: Graph, sounds: Calibration) -> None:
    fidelity = quantize(student, load_calibration(None, student), heldout=sounds).fidelity
    assert fidelity.cosine_mean > 0.999


def test_tflm_computes_the_same_bits(quantized: Quantized, sounds: Calibration) -> None:
    int8 = quantized.graph
    run, reference = Executor(int8), Reference(tflite.write(int8), int8)
    entry = quantization(int8.tensors[int8.inputs[0]])
    rng = np.random.default_rng(0)
    codes = [quantize_values(sample[0], entry, DType.INT8) for sample in sounds[::64]]
    codes.append(rng.integers(-128, 128, codes[0].shape).astype(np.int8))
    for code in codes:
        truth = reference.run([code])
        ours = run([code], truth)
        for name, expected in truth.items():
            np.testing.assert_array_equal(ours[name], expected, err_msg=name)


def test_two_runs_make_the_same_bytes(quantized: Quantized, student: Graph, sounds: Calibration) -> None:
    again = quantize(student, sounds)
    assert tflite.write(again.graph) == tflite.write(quantized.graph)
    assert again.fidelity == quantized.fidelity
