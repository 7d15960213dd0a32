"""The training script from end to end, in miniature: what is written is what was trained, and always the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from seatool.audio import LogMel
from seatool.importers import load
from seatool.quantize import execute
from seatool.sea import demo_student, teacher


def test_every_eighth_clip_is_partly_silent() -> None:
    clip = np.ones(8000, np.float32)
    silent = [np.flatnonzero(demo_student._partly_silent(clip, index) == 0) for index in range(32)]
    assert [index for index, samples in enumerate(silent) if len(samples)] == [0, 8, 16, 24]
    assert silent[0].max() == 7999
    assert silent[8].min() == 0


@pytest.fixture(scope="module")
def network() -> Any:
    pytest.importorskip("tensorflow", reason="training needs TensorFlow")
    network = demo_student.build()
    # Statistics unlike the initial ones, so that a mix-up of weights shows.
    rng = np.random.default_rng(1)
    for layer in network.layers:
        weights = [np.abs(value + rng.normal(0, 0.1, value.shape)) for value in layer.get_weights()]
        layer.set_weights(weights if "normalization" in layer.name else layer.get_weights())
    return network


@pytest.mark.slow
def test_the_file_holds_the_trained_network(network: Any, tmp_path: Path) -> None:
    path = tmp_path / "student.h5.gz"
    path.write_bytes(demo_student.pack(network))
    graph = load(path)
    assert isinstance(graph.frontend, LogMel)
    sound = np.random.default_rng(2).normal(0, 0.1, 8000)
    expected = network.predict(teacher.COARSE.features(sound)[None], verbose=0)
    outputs = execute(graph, [graph.frontend.features(sound)[None]])
    (embedding,) = outputs.values()
    assert expected.max() > 0.1
    np.testing.assert_allclose(embedding.ravel(), expected.ravel(), atol=1e-4 * expected.max())


@pytest.mark.slow
def test_training_is_reproducible(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason="training needs TensorFlow")
    files = []
    for name in ("first", "second"):
        out, wav = tmp_path / f"{name}.h5.gz", tmp_path / f"{name}.wav"
        command = [sys.executable, "-m", "seatool.sea.demo_student", "--out", str(out), "--wav", str(wav)]
        sizes = ["--sounds", "90", "--held-out", "36", "--epochs", "1", "--quiet"]
        assert "R2 against the teacher" in subprocess.check_output([*command, *sizes], text=True)
        files.append((out.read_bytes(), wav.read_bytes()))
    assert files[0] == files[1]
