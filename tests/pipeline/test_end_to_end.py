"""Model file to verified firmware: the shipped student, the published one, MLPerf Tiny, and what must not fit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streaming
from seatool import build
from seatool.cli import main
from seatool.pipeline import CompileOptions, compile_model, open_project
from seatool.pipeline.profile import profile_project
from seatool.pipeline.recordings import shipped_recording, shipped_student
from seatool.pipeline.run import run_recording, run_tensors
from seatool.pipeline.verify import verify_project

pytestmark = pytest.mark.slow

MODEL = ("activations", "scratch", "resident")
"""What a region's RAM holds of the model."""

ACTIVATIONS = {"edgel3_sea_64_int8": 204_800, "pretrainedResnet_quant": 49_152, "kws_ref_model": 8_496}
INSTRUCTIONS = {"edgel3_sea_64_int8": 42e6, "pretrainedResnet_quant": 9e6, "kws_ref_model": 4.5e6}


def seatool(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, dict[str, Any], str]:
    """Exit code, JSON and standard error of a command."""
    with pytest.raises(SystemExit) as stop:
        main([*map(str, words), "--json"])
    captured = capsys.readouterr()
    return int(stop.value.code or 0), json.loads(captured.out), captured.err


def assert_as_planned(manifest: Mapping[str, Any]) -> None:
    """Measured memory against the plan's: RAM to the byte, code within a quarter, and the model uses what it asked for.

    A kernel may leave a few words of its scratch unwritten that it only reads ahead.
    """
    parts = {usage["region"]: {part["label"]: part for part in usage["parts"]} for usage in manifest["budget"]}
    for code in [by_label.pop("code") for by_label in parts.values() if "code" in by_label]:
        assert abs(code["bytes"] - code["predicted"]) <= code["predicted"] / 4
    for region, by_label in parts.items():
        assert all(part["predicted"] is None and not part["estimated"] for part in by_label.values()), region
        model = sum(by_label[label]["bytes"] for label in MODEL if label in by_label)
        assert 0 <= model - manifest["region_bytes"].get(region, 0) <= 256, region


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped student as a project."""
    folder = tmp_path_factory.mktemp("student") / "project"
    compile_model(shipped_student(), folder, CompileOptions(name="student2"))
    return folder


@pytest.mark.parametrize("fuse", [True, False], ids=["fused", "unfused"])
def test_a_streaming_model_is_bit_exact(fuse: bool, tmp_path: Path) -> None:
    model = tmp_path / "ring.tflite"
    model.write_bytes(streaming.ring(np.arange(12, dtype=np.int8).reshape(1, 3, 4)).bytes())
    compile_model(model, tmp_path / "ring", CompileOptions(fuse=fuse))
    verified = verify_project(open_project(tmp_path / "ring"), count=6)
    assert dict(verified.inputs) == {"extreme": 4, "random": 6}
    assert verified.tensors == 5


def test_the_shipped_student_is_bit_exact_on_every_kind_of_input(student: Path) -> None:
    verified = verify_project(open_project(student), count=2)
    assert verified.inputs == {"extreme": 4, "random": 2, "real": 4}
    layers = open_project(student).manifest["layers"]
    assert verified.tensors == sum(len(layer["outputs"]) for layer in layers if layer["variant"]) > 4
    assert verified.frontend is not None
    assert verified.frontend.largest_difference <= 1
    assert open_project(student).manifest["bit_exact"] is True


def test_the_shipped_student_embeds_the_shipped_recording(student: Path) -> None:
    result = run_recording(open_project(student), shipped_recording(), hop_size=0.5)
    assert result.embedding.shape == (len(result.timestamps), 128)
    assert result.embedding.dtype == np.float32
    assert np.ptp(result.embedding, axis=0).max() > 0, "every window gave the same embedding"


def test_counts_are_the_same_on_every_run(student: Path) -> None:
    first, second = profile_project(open_project(student)), profile_project(open_project(student))
    assert first.layers == second.layers
    # Beyond the layers: entry, copies of input and output, dequantization.
    outside = first.instructions - sum(layer["instructions"] for layer in first.layers)
    assert 0 < outside < 5_000
    assert 0 < first.stack_bytes <= 4096


def test_predicted_and_measured_memory_agree(student: Path) -> None:
    assert_as_planned(profile_project(open_project(student)).project.manifest)


@pytest.mark.parametrize("stack", [2048, 4104])
def test_the_image_has_exactly_the_planned_ram(stack: int, tmp_path: Path) -> None:
    """Whatever the stack's size leaves to align."""
    project = compile_model(shipped_student(), tmp_path / "p", CompileOptions(stack_bytes=stack)).project
    planned = {usage["region"]: usage["needed_bytes"] for usage in project.manifest["budget"]}
    built = build.build(project.path)
    for image in (built.board, built.emulator):
        for region in project.board.ram:
            assert image.region(region.name).used == planned[region.name]


def test_two_compilations_give_equal_bytes(student: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    compile_model(shipped_student(), again, CompileOptions(name="student2"))
    files = {path.relative_to(again) for path in again.rglob("*") if path.is_file()}
    # The manifest of the first project holds measurements by now.
    for file in sorted(files - {Path("seatool.json")}):
        assert (student / file).read_bytes() == (again / file).read_bytes(), file
    assert len(files) > 20


def test_no_generated_file_names_this_machine(student: Path) -> None:
    sources = [path for path in student.rglob("*") if path.suffix in (".c", ".h", ".ld", ".json", ".md", ".txt")]
    assert sources
    for path in sources:
        assert str(Path.home()) not in path.read_text()
        assert str(student.parent) not in path.read_text()


def test_an_edited_weight_is_found(student: Path, tmp_path: Path) -> None:
    folder = tmp_path / "edited"
    compile_model(shipped_student(), folder, CompileOptions(name="student2"))
    weights = folder / "model" / "student2_weights.c"
    text = weights.read_text()
    start = text.index("{", text.index("conv2d_2_bias"))
    end = text.index(",", start)
    weights.write_text(text[: start + 1] + "\n    123456" + text[end:])
    with pytest.raises(SystemExit) as stop:
        main(["verify", str(folder), "--inputs", "1"])
    assert stop.value.code == 4
    assert open_project(folder).manifest["bit_exact"] is False


@pytest.mark.parametrize("model", sorted(ACTIVATIONS))
def test_real_models(capsys: pytest.CaptureFixture[str], shared_data: Path, tmp_path: Path, model: str) -> None:
    (path,) = (shared_data / "models").rglob(f"{model}.tflite")
    code, compiled, _ = seatool(capsys, "compile", path, "-o", tmp_path / "p", "--optimize", "speed")
    assert code == 0
    assert compiled["liveness_bound_bytes"] == ACTIVATIONS[model]
    code, verified, _ = seatool(capsys, "verify", tmp_path / "p", "--inputs", 4)
    assert (code, verified["bit_exact"]) == (0, True)
    code, profile, _ = seatool(capsys, "profile", tmp_path / "p")
    assert code == 0
    assert profile["instructions"] <= INSTRUCTIONS[model]
    assert_as_planned(profile)


def test_the_published_student_from_keras(
    capsys: pytest.CaptureFixture[str], shared_data: Path, tmp_path: Path
) -> None:
    model = shared_data / "models" / "edgel3_sea_ust_audio_emb_64.h5.gz"
    sounds, wav = shared_data / "audio/dev", shared_data / "audio/dev/dog/lincity-ng-data_Shanty4_1.wav"
    code, compiled, _ = seatool(capsys, "compile", model, "-o", tmp_path / "p", "--calibration", sounds)
    assert code == 0
    assert compiled["quantization"]["fidelity"]["cosine_mean"] > 0.999
    code, verified, _ = seatool(capsys, "verify", tmp_path / "p", "--inputs", 2, "--real", wav)
    assert (code, verified["bit_exact"], verified["inputs"]["real"]) == (0, True, 4)
    code, run, _ = seatool(
        capsys, "run", tmp_path / "p", "--wav", wav, "--hop-size", 0.5, "-o", tmp_path / "embedding.npz"
    )
    assert code == 0
    with np.load(tmp_path / "embedding.npz") as archive:
        np.testing.assert_array_equal(archive["embedding"], np.array(run["embedding"], np.float32))
        np.testing.assert_array_equal(archive["timestamps"], run["timestamps"])


def test_tensors_run_through_the_firmware(shared_data: Path, tmp_path: Path) -> None:
    project = compile_model(shared_data / "models/mlperf_tiny/kws_ref_model.tflite", tmp_path / "p").project
    inputs = np.random.default_rng(0).integers(-128, 128, (3, 49, 10, 1)).astype(np.int8)
    np.save(tmp_path / "x.npy", inputs)
    (output,) = run_tensors(project, tmp_path / "x.npy").tensors.values()
    assert output.shape == (3, 1, 12)


def test_an_impossible_limit_is_refused_before_anything_is_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ("compile", shipped_student(), "-o", tmp_path / "p", "--ram", "32K")
    code, value, err = seatool(capsys, *words)
    assert code == value["error"]["exit_code"] == 3
    assert "what would" in err
    assert not (tmp_path / "p").exists()


def test_the_demo_says_what_other_choices_would_take(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, value, _ = seatool(capsys, "demo", "-o", tmp_path / "p")
    assert (code, value["options"]["optimize"]) == (0, "balanced")
    speed, ram = value["alternatives"]["speed"], value["alternatives"]["ram"]
    assert speed["estimated_instructions"] < value["instructions"] < ram["estimated_instructions"] * 1.1
    assert ram["ram_bytes"] <= value["ram_bytes"] <= speed["ram_bytes"]
    assert value["flash_bytes"] < speed["flash_bytes"]
    assert value["verified"]["inner_tensors"] > 0
    assert len(value["embedding"]) == len(value["timestamps"])
    assert "student2" in Path(value["report"]).read_text(encoding="utf-8")
