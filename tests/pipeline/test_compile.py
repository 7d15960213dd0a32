"""From a model file to a project folder: names, boards, limits, and what is kept of an older project."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import raw_model
from seatool import boards
from seatool.cli import main
from seatool.errors import BudgetError, InputError
from seatool.files import content_digest
from seatool.pipeline import CompileOptions, compile_model, open_project, plan_model
from seatool.pipeline import reference as reference_module
from seatool.pipeline.options import project_name
from seatool.pipeline.project import REFERENCE
from small_model import small_model, write_small_model

BOARD = 'base = "m7"\nname = "street-sensor"\ntitle = "Ours"\nstack = "2K"\n'


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The small model and its calibration data."""
    return write_small_model(tmp_path_factory.mktemp("files"))


@pytest.fixture
def model(files: tuple[Path, Path]) -> Path:
    return files[0]


@pytest.fixture
def options(files: tuple[Path, Path]) -> CompileOptions:
    return CompileOptions(calibration=files[1])


def test_the_board_travels_with_the_project(model: Path, options: CompileOptions, tmp_path: Path) -> None:
    file = tmp_path / "somewhere" / "ours.toml"
    file.parent.mkdir()
    file.write_text(BOARD)
    board = boards.load(file)
    compile_model(model, tmp_path / "p", replace(options, board=str(file)))
    shutil.rmtree(file.parent)
    (tmp_path / "p").rename(tmp_path / "moved")
    project = open_project(tmp_path / "moved")
    assert project.board == board
    assert (project.manifest["board"], board.stack_bytes) == ("street-sensor", 2048)
    assert "board" not in project.manifest["options"]
    for path in project.path.rglob("*"):
        assert path.is_dir() or str(tmp_path).encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("chosen", "name"),
    [("v1.2", "v1_2"), ("Street Sensor", "street_sensor"), ("a-b", "a_b"), ("a" * 40, "a" * 40), ("ab", "ab")],
)
def test_a_name_is_normalised_everywhere_alike(
    model: Path, options: CompileOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: str, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    project = compile_model(model, options=replace(options, name=chosen)).project
    assert project.path == Path("build") / name
    assert project.manifest["name"] == name
    assert (project.path / "model" / f"{name}.h").is_file()


@pytest.mark.parametrize("chosen", ["", "..", "a/b", "../x", "3d", "_x", "x_", "int", "input", "straße", "a" * 41])
def test_a_name_that_cannot_be_is_refused(
    model: Path, options: CompileOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="cannot be the name of a model") as refused:
        compile_model(model, options=replace(options, name=chosen))
    assert project_name(Path("x"), str(refused.value.hint).split()[-1])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("file", "name"),
    [("Student-2.h5.gz", "student_2"), ("v1.2.tflite", "v1_2"), ("3.keras", "model_3"), ("tanh.h5", "tanh_layer")],
)
def test_a_file_gives_its_project_a_name(file: str, name: str) -> None:
    assert project_name(Path("models") / file) == name
    assert project_name(Path("models") / file, name) == name


def test_any_file_name_gives_a_name_that_stays(tmp_path: Path) -> None:
    for stem in ("", "..", "ä", "0" * 60, "x" * 60, "int", "a__b"):
        name = project_name(tmp_path / f"{stem}.tflite")
        assert project_name(Path("x"), name) == name


@pytest.mark.parametrize(("stack", "error"), [(0, InputError), (12, InputError), (200 << 10, BudgetError)])
def test_an_impossible_stack_is_refused_before_any_work(
    model: Path, tmp_path: Path, stack: int, error: type[Exception]
) -> None:
    options = CompileOptions(stack_bytes=stack, calibration=tmp_path / "missing.npy")
    for work in (lambda: compile_model(model, tmp_path / "p", options), lambda: plan_model(model, options)):
        with pytest.raises(error, match="a stack of"):
            work()
    assert list(tmp_path.iterdir()) == []


def test_edits_are_refused_before_any_work(model: Path, options: CompileOptions, tmp_path: Path) -> None:
    project = compile_model(model, tmp_path / "p", options).project
    (project.path / "model" / "small.c").write_text("mine")
    with pytest.raises(InputError, match=r"model/small.c was edited"):
        compile_model(tmp_path / "missing.tflite", tmp_path / "p", options)
    assert compile_model(model, tmp_path / "p", options, force=True).project.edits() == {}


def test_quantization_is_kept_until_something_that_matters_changes(
    files: tuple[Path, Path], options: CompileOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, target = files[0], tmp_path / "p"
    first = compile_model(model, target, options)
    assert not first.kept
    again = compile_model(model, target, replace(options, stack_bytes=8192))
    assert again.kept
    assert (target / REFERENCE).read_bytes() == first.project.reference
    assert again.project.manifest["quantization"] == first.project.manifest["quantization"]
    with monkeypatch.context() as patch:
        patch.setattr(reference_module, "sources_digest", lambda package: "edited")
        assert not compile_model(model, target, options).kept
    assert not compile_model(model, target, options).kept
    other = tmp_path / "other.npy"
    other.write_bytes(files[1].read_bytes())
    assert compile_model(model, target, replace(options, calibration=other)).kept, "equal data under another name"
    np.save(other, np.load(other)[1:])
    assert not compile_model(model, target, replace(options, calibration=other)).kept
    (target / REFERENCE).write_bytes(b"damaged")
    assert not compile_model(model, target, options, force=True).kept


def test_sources_of_seatool_are_part_of_the_key(tmp_path: Path) -> None:
    package = Path(reference_module.__file__).parents[1]
    copy = tmp_path / "seatool"
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__", "data"))
    digest = reference_module.sources_digest
    before = digest(copy)
    assert before == digest(package)
    file = copy / "quantize" / "rounding.py"
    file.write_text(file.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert digest(copy) != before


def test_the_model_is_named_by_the_hash_of_its_file(model: Path, options: CompileOptions, tmp_path: Path) -> None:
    manifest = compile_model(model, tmp_path / "p", options).project.manifest
    assert manifest["model"] == {"file": "small.tflite", "sha256": hashlib.sha256(model.read_bytes()).hexdigest()}


def test_the_hash_of_a_folder_is_that_of_its_listing(tmp_path: Path) -> None:
    for name in ("b", "a/c"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(name)
    listing = "".join(f"{name} {hashlib.sha256(name.encode()).hexdigest()}\n" for name in ("a/c", "b"))
    assert content_digest(tmp_path) == hashlib.sha256(listing.encode()).hexdigest()


def test_planning_does_not_mind_what_lies_in_the_default_folder(
    model: Path, options: CompileOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "build" / "small").mkdir(parents=True)
    (tmp_path / "build" / "small" / "seatool.json").write_text("{")
    assert plan_model(model, options).points


def test_what_to_know_about_the_file_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "two.tflite"
    file.write_bytes(raw_model.RawModel(**{**vars(raw_model.small()), "subgraphs": 2}).bytes())
    note = "two.tflite: has 2 subgraphs; only the first is compiled"
    assert compile_model(file, tmp_path / "p").project.manifest["notes"] == [note]
    with pytest.raises(SystemExit):
        main(["compile", str(file), "-o", str(tmp_path / "p")])
    assert f"note      {note}\n" in capsys.readouterr().out


def test_unfused_every_operator_is_a_layer(model: Path, options: CompileOptions, tmp_path: Path) -> None:
    fused = compile_model(model, tmp_path / "fused", options).project.manifest
    assert [len(layer["operators"]) for layer in fused["layers"]] != [1] * 5
    assert {name for layer in fused["layers"] for name in layer["operators"]} >= {"conv1", "conv2", "pool", "dense"}
    manifest = compile_model(model, tmp_path / "unfused", replace(options, fuse=False)).project.manifest
    assert [layer["operators"] for layer in manifest["layers"]] == [[op.name] for op in small_model().ops]
    assert manifest["options"]["fuse"] is False
