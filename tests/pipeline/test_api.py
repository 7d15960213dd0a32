"""seatool as a Python package, the way a user's script calls it: compile, verify, profile, run."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import seatool
from seatool.errors import InputError, VerificationError
from small_model import inputs, write_small_model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The small model and its calibration data."""
    return write_small_model(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def folder(files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled model, for a board of the user's own whose file is gone, moved to another place."""
    folder = tmp_path_factory.mktemp("project")
    board = folder / "ours.toml"
    board.write_text('base = "m7"\nname = "ours"\ntitle = "Ours"\n')
    options = seatool.CompileOptions(board=str(board), calibration=files[1])
    seatool.compile(files[0], folder / "p", options).project.path.rename(folder / "moved")
    board.unlink()
    return folder / "moved"


def test_a_project_is_verified_profiled_and_run(folder: Path, tmp_path: Path) -> None:
    verified = seatool.verify(seatool.open_project(folder), 3)
    assert dict(verified.inputs) == {"extreme": 4, "random": 3}
    manifest = verified.project.manifest
    assert (manifest["bit_exact"], manifest["edited"]) == (True, {})
    assert verified.tensors + verified.inner_tensors == 4
    assert verified.inner_tensors == sum(max(0, len(layer["operators"]) - 1) for layer in manifest["layers"]) > 0

    profile = seatool.profile(verified.project)
    assert 0 < sum(layer["instructions"] or 0 for layer in profile.layers) < profile.instructions
    assert seatool.open_project(folder).manifest == profile.project.manifest
    assert profile.project.manifest["bit_exact"] is True

    np.save(tmp_path / "x.npy", inputs(3))
    (output,) = seatool.run_tensors(profile.project, tmp_path / "x.npy").tensors.values()
    assert output.shape == (3, 1, 5)
    assert len(np.unique(output, axis=0)) == 3, "different inputs gave the same output"
    with pytest.raises(InputError, match="no audio front end"):
        seatool.run_recording(profile.project, tmp_path / "x.wav")


def test_unfused_every_layer_is_compared(files: tuple[Path, Path], tmp_path: Path) -> None:
    options = seatool.CompileOptions(calibration=files[1], fuse=False)
    verified = seatool.verify(seatool.compile(files[0], tmp_path / "p", options).project, 1)
    assert (verified.tensors, verified.inner_tensors) == (4, 0)


def test_an_edited_project_still_works_and_says_so(files: tuple[Path, Path], tmp_path: Path) -> None:
    project = seatool.compile(files[0], tmp_path / "p", seatool.CompileOptions(calibration=files[1])).project
    project = seatool.verify(project, 1).project
    source = project.path / "model" / "small.c"
    source.write_text(source.read_text(encoding="utf-8") + "/* stepped through */\n", encoding="utf-8")
    project = seatool.verify(project, 1).project
    assert list(project.manifest["edited"]) == ["model/small.c"]
    assert project.manifest["bit_exact"] is True

    weights = project.path / "model" / "small_weights.c"
    text = weights.read_text(encoding="utf-8")
    weights.write_text(re.sub(r"(_bias\[\d+\] = \{\s*)-?\d+", r"\g<1>123456", text, count=1), encoding="utf-8")
    with pytest.raises(VerificationError, match="differs from TFLM"):
        seatool.verify(project, 1)
    assert seatool.open_project(project.path).manifest["bit_exact"] is False
    with pytest.raises(InputError, match=r"small.c was edited\n  model/small_weights.c was edited"):
        seatool.compile(files[0], project.path, seatool.CompileOptions(calibration=files[1]))


def test_a_changed_reference_proves_nothing(files: tuple[Path, Path], tmp_path: Path) -> None:
    project = seatool.compile(files[0], tmp_path / "p", seatool.CompileOptions(calibration=files[1])).project
    (project.path / "tflm" / "model.tflite").write_bytes(files[0].read_bytes())
    with pytest.raises(InputError, match=r"model.tflite was changed"):
        seatool.verify(project, 1)
