"""The student and the recording that seatool ships."""

from __future__ import annotations

import gzip
import io
from importlib import resources

import h5py
import numpy as np
import pytest
import soundfile
from seatool import audio
from seatool.audio import LogMel, synthetic
from seatool.importers import load
from seatool.ir import Array, Graph
from seatool.quantize import execute
from seatool.sea import demo_student, evaluation
from seatool.students import FILTERS

DATA = resources.files("seatool.sea") / "data"


@pytest.fixture(scope="module")
def shipped() -> Graph:
    with resources.as_file(DATA / "student2_synthetic.h5.gz") as path:
        return load(path)


def embed(graph: Graph, sounds: list[Array]) -> Array:
    """Embeddings of the float network, [sounds, 128]."""
    images = [graph.frontend.features(sound)[None] for sound in sounds]
    return np.stack([execute(graph, [image])[graph.outputs[0]].ravel() for image in images])


def test_student_has_the_architecture_of_student_2(shipped: Graph) -> None:
    filters = [shipped.tensors[op.inputs[1] or ""].shape[0] for op in shipped.ops if op.kind == "CONV_2D"]
    assert filters == [count for count in FILTERS[128] for _ in range(2)]
    front_end, seed = shipped.frontend, LogMel.from_parameters()
    for name in ("window_samples", "n_fft", "hop", "pad_left", "frames", "power", "amin", "dynamic_range_db"):
        assert getattr(front_end, name) == getattr(seed, name), name
    np.testing.assert_array_equal(front_end.mel, seed.mel)


def test_file_is_gzip_without_a_date_and_weights_are_float32() -> None:
    packed = (DATA / "student2_synthetic.h5.gz").read_bytes()
    assert packed[3:8] == bytes(5)
    found = []
    with h5py.File(io.BytesIO(gzip.decompress(packed))) as file:
        file.visititems(lambda _, item: found.append(item.dtype) if isinstance(item, h5py.Dataset) else None)
    assert len(found) == 3 + 9 * 4 + 8 * 2
    assert {str(dtype) for dtype in found} == {"float32"}


def test_recording_is_the_generated_street() -> None:
    pcm, rate = soundfile.read(io.BytesIO((DATA / "demo.wav").read_bytes()), dtype="int16")
    assert (rate, pcm.dtype, pcm.shape) == (16000, np.int16, (64000,))
    made = audio.to_int16(synthetic.street(demo_student.STREET_SEED))
    assert np.abs(pcm.astype(int) - made).max() <= 1


@pytest.mark.slow
def test_student_hears_more_than_the_mean_spectrum(shipped: Graph) -> None:
    """A linear classifier reads the class of unheard sounds from the embedding far better than from band levels."""
    known, known_labels = synthetic.labelled_clips(540, seed=21)
    heard, heard_labels = synthetic.labelled_clips(180, seed=22)
    spectra = [np.stack([shipped.frontend.decibels(s).mean(axis=1) for s in group]) for group in (known, heard)]
    baseline = evaluation.probe_accuracy(spectra[0], known_labels, spectra[1], heard_labels, ridge=0.1)
    ours = evaluation.probe_accuracy(
        embed(shipped, known), known_labels, embed(shipped, heard), heard_labels, ridge=0.1
    )
    assert ours > baseline + 0.1
