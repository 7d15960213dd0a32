"""The project folder: written whole, replaced whole, never somebody else's, and never what somebody edited."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from seatool.errors import InputError
from seatool.pipeline import open_project
from seatool.pipeline.edits import MANIFEST
from seatool.pipeline.manifest import SCHEMA
from seatool.pipeline.project import (
    Project,
    check_target,
    noticed_edits,
    update_manifest,
    write_project,
)

FILES = {"model/a.c": b"int a;\n", "model/nn/b.h": b"", "README.md": b"# a\n"}
FACTS: dict[str, Any] = {
    "seatool": "0",
    "name": "a",
    "board": "m7",
    "model": {"file": "a.tflite", "sha256": "0"},
    "options": {
        "stack_bytes": None,
        "ram_limit": None,
        "flash_limit": None,
        "optimize": "speed",
        "fuse": True,
        "fast_code": True,
        "runtime": "aot",
    },
    "quantization": None,
    **dict.fromkeys(("macs", "ram_bytes", "flash_bytes", "liveness_bound_bytes"), 1),
    **{key: [] for key in ("budget", "layers", "inputs", "outputs", "notes")},
    "frontend": False,
    "tflm": None,
}


def write(path: Path, files: dict[str, bytes] | None = None, force: bool = False, **facts: Any) -> Project:
    """The project ``path`` with the given files and facts."""
    return write_project(path, FILES if files is None else files, {**FACTS, **facts}, force)


def test_a_project_is_written_and_read_back(tmp_path: Path) -> None:
    project = write(tmp_path / "deep" / "project")
    assert project.manifest["name"] == "a"
    assert project.manifest["schema"] == SCHEMA
    assert (project.path / "model/a.c").read_bytes() == b"int a;\n"
    assert sorted(path.name for path in project.path.parent.iterdir()) == ["project"]


def test_an_older_project_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "project"
    write(target, {**FILES, "model/old.c": b""})
    write(target)
    assert not (target / "model/old.c").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["project"]


@pytest.mark.parametrize("stop", [OSError("no"), KeyboardInterrupt()])
def test_an_interrupted_write_leaves_the_older_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: BaseException
) -> None:
    target = tmp_path / "project"
    write(target)
    write_bytes, rename = Path.write_bytes, Path.rename

    def interrupted_write(path: Path, data: bytes) -> int:
        if path.name == "a.c":
            raise stop
        return write_bytes(path, data)

    def interrupted_rename(path: Path, to: Path) -> Path:
        if to == target and ".old." not in str(path):
            raise stop
        return rename(path, to)

    for name, function in (("write_bytes", interrupted_write), ("rename", interrupted_rename)):
        with monkeypatch.context() as patch:
            patch.setattr(Path, name, function)
            with pytest.raises(type(stop)):
                write(target, name="b")
        assert open_project(target).manifest["name"] == "a"
        assert (target / "model/a.c").is_file()
        assert [path.name for path in tmp_path.iterdir()] == ["project"]


def test_an_unchanged_project_keeps_what_was_built(tmp_path: Path) -> None:
    project = update_manifest(write(tmp_path / "p"), instructions=5)
    (project.path / "build").mkdir()
    assert write(tmp_path / "p").manifest["instructions"] == 5
    assert (project.path / "build").is_dir()
    assert write(tmp_path / "p", name="b").manifest["instructions"] is None
    assert not (project.path / "build").exists()


def test_edited_and_added_files_are_named_and_kept(tmp_path: Path) -> None:
    project = write(tmp_path / "p")
    (project.path / "model/a.c").write_text("edited")
    (project.path / "model/nn/mine.h").write_text("added")
    for facts in ({}, {"name": "b"}):
        with pytest.raises(InputError, match=r"model/a.c was edited\n  model/nn/mine.h was added") as refused:
            write(tmp_path / "p", **facts)
        assert "--force" in str(refused.value.hint)
        assert (project.path / "model/a.c").read_text() == "edited"
    assert write(tmp_path / "p", force=True).edits() == {}
    assert not (project.path / "model/nn/mine.h").exists()


def test_many_edits_are_counted(tmp_path: Path) -> None:
    project = write(tmp_path / "p", {f"{i}.c": b"" for i in range(9)})
    for i in range(9):
        (project.path / f"{i}.c").write_text("edited")
    with pytest.raises(InputError, match=r"(?s)0.c.*4.c was edited\n  \.\.\. 4 more$"):
        check_target(tmp_path / "p")


def test_outputs_litter_and_missing_files_are_nobodys_edits(tmp_path: Path) -> None:
    project = write(tmp_path / "p")
    for name in ("build/p.elf", "build/cmake/x", "report.html", "app/__pycache__/x.pyc", "model/.DS_Store"):
        file = project.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    (project.path / "README.md").unlink()
    assert project.edits() == {"README.md": None}
    check_target(project.path)
    assert write(tmp_path / "p").edits() == {}


def test_a_link_to_a_folder_is_something_added(tmp_path: Path) -> None:
    project = write(tmp_path / "p")
    (tmp_path / "elsewhere").mkdir()
    (project.path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="link was added"):
        check_target(project.path)


def test_an_unedited_project_of_another_version_is_replaced(tmp_path: Path) -> None:
    manifest = write(tmp_path / "p").manifest
    for other in ({"files": manifest["files"]}, {**manifest, "schema": SCHEMA + 1}):
        (tmp_path / "p" / MANIFEST).write_text(json.dumps(other))
        assert write(tmp_path / "p").manifest == manifest
    (tmp_path / "p" / MANIFEST).write_text(json.dumps({"files": manifest["files"]}))
    (tmp_path / "p" / "README.md").write_text("edited")
    with pytest.raises(InputError, match=r"README.md was edited"):
        write(tmp_path / "p")


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": 1}', '{"files": {"a": 1}}'])
def test_without_hashes_only_force_replaces(tmp_path: Path, text: str) -> None:
    write(tmp_path / "p")
    (tmp_path / "p" / MANIFEST).write_text(text)
    with pytest.raises(InputError, match="what was edited there is not known") as refused:
        write(tmp_path / "p")
    assert "--force" in str(refused.value.hint)
    assert write(tmp_path / "p", force=True).manifest["schema"] == SCHEMA


def test_a_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    precious = tmp_path / "thesis.tex"
    precious.write_text("precious")
    for force in (False, True):
        with pytest.raises(InputError, match="was not written by seatool"):
            write(tmp_path, force=force)
    assert precious.read_text() == "precious"


def test_a_file_or_a_link_is_no_target(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    for name in ("file", "link"):
        with pytest.raises(InputError, match="not a folder"):
            check_target(tmp_path / name, force=True)
    for below in ("file/p", "file/p/q"):
        with pytest.raises(InputError, match="file is not a folder"):
            check_target(tmp_path / below)


def test_measurements_are_added_to_the_manifest(tmp_path: Path) -> None:
    project = update_manifest(write(tmp_path / "p"), instructions=5)
    assert project.manifest["instructions"] == 5
    assert open_project(tmp_path / "p").manifest == project.manifest


def test_edits_drop_what_was_measured_before(tmp_path: Path) -> None:
    project = update_manifest(write(tmp_path / "p"), instructions=5, bit_exact=True)
    assert noticed_edits(project) is project
    (project.path / "model/a.c").write_text("edited")
    edited = noticed_edits(project)
    assert list(edited.manifest["edited"]) == ["model/a.c"]
    assert (edited.manifest["instructions"], edited.manifest["bit_exact"]) == (None, None)
    measured = update_manifest(edited, instructions=6)
    assert noticed_edits(measured).manifest["instructions"] == 6
    (project.path / "model/a.c").write_bytes(FILES["model/a.c"])
    assert noticed_edits(measured).manifest["edited"] == {}


def test_what_seatool_reads_itself_has_to_be_as_written(tmp_path: Path) -> None:
    project = write(tmp_path / "p")
    assert project.read("model/a.c") == b"int a;\n"
    (project.path / "model/a.c").write_text("edited")
    with pytest.raises(InputError, match=r"a.c was changed"):
        project.read("model/a.c")
    (project.path / "model/a.c").unlink()
    with pytest.raises(InputError, match=r"a.c is missing"):
        project.read("model/a.c")
