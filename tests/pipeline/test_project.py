"""The project folder: written whole, replaced whole, never somebody else's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from seatool.errors import InputError
from seatool.pipeline import open_project
from seatool.pipeline.project import MANIFEST, SCHEMA, check_target, dump, update_manifest, write_project

FILES = {MANIFEST: dump({"schema": SCHEMA, "name": "a"}), "model/a.c": b"int a;\n"}


def test_a_project_is_written_and_read_back(tmp_path: Path) -> None:
    project = write_project(tmp_path / "deep" / "project", FILES)
    assert project.manifest["name"] == "a"
    assert (project.path / "model/a.c").read_bytes() == b"int a;\n"
    assert sorted(path.name for path in project.path.parent.iterdir()) == ["project"]


def test_an_older_project_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "project"
    write_project(target, {**FILES, "model/old.c": b""})
    write_project(target, FILES)
    assert not (target / "model/old.c").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["project"]


def test_a_failed_write_leaves_the_older_project(tmp_path: Path) -> None:
    target = tmp_path / "project"
    write_project(target, FILES)
    with pytest.raises(OSError, match="File name too long"):
        write_project(target, {**FILES, "x" * 300: b""})
    assert open_project(target).manifest["name"] == "a"
    assert [path.name for path in tmp_path.iterdir()] == ["project"]


def test_an_unchanged_project_keeps_what_was_built(tmp_path: Path) -> None:
    files = {**FILES, MANIFEST: dump({"schema": SCHEMA, "name": "a", "compiled": "1"})}
    project = update_manifest(write_project(tmp_path / "p", files), instructions=5)
    (project.path / "build").mkdir()
    assert write_project(tmp_path / "p", files).manifest["instructions"] == 5
    assert (project.path / "build").is_dir()
    (project.path / "model/a.c").write_text("edited")
    assert "instructions" not in write_project(tmp_path / "p", files).manifest
    assert not (project.path / "build").exists()


def test_a_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    precious = tmp_path / "thesis.tex"
    precious.write_text("precious")
    with pytest.raises(InputError, match="was not written by seatool"):
        write_project(tmp_path, FILES)
    assert precious.read_text() == "precious"


def test_a_file_or_a_link_is_no_target(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    for name in ("file", "link"):
        with pytest.raises(InputError, match="not a folder"):
            check_target(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is not a seatool project"),
        ("{", "not valid JSON"),
        ("[]", "manifest schema None"),
        (json.dumps({"schema": 99}), "manifest schema 99"),
    ],
)
def test_a_broken_manifest_is_named(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / MANIFEST).write_text(content)
    with pytest.raises(InputError, match=message):
        open_project(tmp_path)


def test_a_missing_project_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such folder"):
        open_project(tmp_path / "nowhere")


def test_measurements_are_added_to_the_manifest(tmp_path: Path) -> None:
    project = update_manifest(write_project(tmp_path / "p", FILES), instructions=5)
    assert project.manifest["instructions"] == 5
    assert open_project(tmp_path / "p").manifest == project.manifest
