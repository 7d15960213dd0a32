"""The project folder: written as a whole, recognised by its manifest, never anybody else's folder.

The C in a project may be edited and built; what was edited is known by the hashes in the manifest. A new compilation
replaces no edits unless it is told to.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from seatool import boards, files
from seatool.boards import Board
from seatool.errors import InputError
from seatool.files import digest
from seatool.pipeline.edits import MANIFEST, added, edited
from seatool.pipeline.manifest import SCHEMA, Manifest, check, inconsistencies

REFERENCE = "tflm/model.tflite"
"""The int8 model that TFLM runs when a project is verified, relative to the project."""
BOARD = "board.json"
"""The board that the project was compiled for, with everything that its file inherits."""

_AGAIN = "compile the model again"
_ELSEWHERE = "choose another folder with -o"
_SHOWN = 5

_UNMEASURED_LAYER = dict.fromkeys(("instructions", "estimated_cycles", "stall_cycles", "estimated_ms"))
_UNMEASURED = {
    **_UNMEASURED_LAYER,
    **dict.fromkeys(("init_instructions", "stack_bytes", "region_bytes", "bit_exact", "verified")),
    **dict.fromkeys(("clock_mhz", "cycles_model", "cycles_unavailable")),
}


@dataclass(frozen=True)
class Project:
    """A generated project: its folder and its manifest."""

    path: Path
    manifest: Manifest

    @property
    def board(self) -> Board:
        """The board that it was compiled for."""
        try:
            return boards.parse(json.loads(self.read(BOARD)), self.path / BOARD)
        except InputError as error:
            raise InputError(error.message, _AGAIN) from None

    @property
    def reference(self) -> bytes:
        """The model that TFLM runs."""
        return self.read(REFERENCE)

    def read(self, name: str) -> bytes:
        """A generated file that seatool itself reads; InputError unless it is as it was written."""
        file = self.path / name
        if not file.is_file() or digest(data := file.read_bytes()) != self.manifest["files"].get(name):
            state = "was changed" if file.is_file() else "is missing"
            raise InputError(f"{file} {state}; seatool cannot work without it", _AGAIN)
        return data

    def edits(self) -> dict[str, str | None]:
        """Generated files that are not as they were written: path to SHA-256, None where the file is missing."""
        return edited(self.path, self.manifest["files"])


def open_project(path: Path) -> Project:
    """Read the manifest of a project that ``seatool compile`` wrote.

    Raises InputError if the folder is no such project, or its manifest is damaged or from another version.
    """
    manifest = _read_manifest(path)
    file, schema = path / MANIFEST, manifest.get("schema")
    if schema != SCHEMA:
        raise InputError(f"{file}: manifest schema {schema!r}, this seatool reads schema {SCHEMA}", _AGAIN)
    if faults := list(check(manifest)) or list(inconsistencies(manifest)):
        raise InputError(_listed(f"{file} is damaged", faults), _AGAIN)
    return Project(path, cast(Manifest, manifest))


def _read_manifest(path: Path) -> dict[str, Any]:
    """Of any version of seatool."""
    file = path / MANIFEST
    if not path.exists():
        raise InputError(f"{path}: there is no such folder", "write one with `seatool compile MODEL -o DIR`")
    if not file.is_file():
        raise InputError(f"{path} is not a seatool project: it has no {MANIFEST}", "pass the folder given to compile")
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file}: not valid JSON ({error})", _AGAIN) from None
    if not isinstance(manifest, dict):
        raise InputError(f"{file}: not a JSON object", _AGAIN)
    return manifest


def _listed(title: str, lines: Sequence[str]) -> str:
    more = [f"... {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return "\n  ".join([title, *lines[:_SHOWN], *more])


def check_target(path: Path, force: bool = False) -> None:
    """Raise InputError unless ``path`` may become a project.

    It may be absent, empty, or a project of ours: one in which nothing was edited or added, or any with ``force``.
    """
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise InputError(f"{path} exists and is not a folder", _ELSEWHERE)
    above = next(parent for parent in path.absolute().parents if parent.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise InputError(f"{path} cannot be made: {above} is not a folder that may be written to", _ELSEWHERE)
    if not path.is_dir() or not any(path.iterdir()):
        return
    if not (path / MANIFEST).is_file():
        raise InputError(
            f"{path} exists, is not empty and was not written by seatool; it is left untouched",
            _ELSEWHERE,
        )
    if force:
        return
    hint = "replace it as a whole with --force, or choose another folder with -o"
    if (hashes := _recorded(path)) is None:
        raise InputError(f"{path}: what was edited there is not known, its {MANIFEST} has no valid hashes", hint)
    changed = [f"{name} was edited" for name, found in edited(path, hashes).items() if found is not None]
    changed += [f"{name} was added" for name in added(path, hashes)]
    if changed:
        raise InputError(_listed(f"{path} holds changes of yours", changed), hint)


def _recorded(path: Path) -> dict[str, str] | None:
    """The hashes in the manifest, of whatever version it is; None if there are none."""
    try:
        hashes = _read_manifest(path).get("files")
    except InputError:
        return None
    return None if list(check(hashes, dict[str, str])) else cast(dict[str, str], hashes)


def write_project(path: Path, contents: Mapping[str, bytes], facts: Mapping[str, Any], force: bool = False) -> Project:
    """Write ``contents`` (relative POSIX paths) as the project ``path``, replacing an older project of ours as a whole.

    ``facts`` are the manifest but for ``schema``, what is measured, and the hashes. Everything is written beside the
    target first and swapped in by renaming, so that an exception leaves the older project; only a kill between the two
    renames leaves none at ``path``, and the older one beside it, in ``.<name>.old.*``. A project that holds these very
    files already is kept, with what was built and measured there. Raises InputError as :func:`check_target` does.
    """
    check_target(path, force)
    hashes = {name: digest(data) for name, data in sorted(contents.items())}
    compiled = {"schema": SCHEMA, **facts, "files": hashes}
    manifest = {"compiled": digest(dump(compiled)), **compiled, "edited": {}, **_UNMEASURED}
    if _holds(path, manifest):
        return open_project(path)
    with files.replacing_folder(path) as staging:
        for name, data in sorted({**contents, MANIFEST: dump(manifest)}.items()):
            target = staging / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
    return open_project(path)


def _holds(path: Path, manifest: Mapping[str, Any]) -> bool:
    """Whether the project ``path`` was compiled to ``manifest`` and is still as it was written and measured."""
    try:
        project = open_project(path)
    except InputError:
        return False
    return project.manifest["compiled"] == manifest["compiled"] and not project.manifest["edited"] | project.edits()


def dump(value: Mapping[str, Any]) -> bytes:
    """JSON as the project stores it: indented, a newline at the end."""
    return (json.dumps(value, indent=2) + "\n").encode()


def update_manifest(project: Project, **changed: Any) -> Project:
    """The project with other values in its manifest; the file is replaced atomically."""
    manifest = cast(Manifest, {**project.manifest, **changed})
    files.write_text(project.path / MANIFEST, dump(manifest).decode())
    return Project(project.path, manifest)


def noticed_edits(project: Project) -> Project:
    """The project with today's edits in its manifest; where they are not those that were measured, without figures."""
    now = project.edits()
    if now == project.manifest["edited"]:
        return project
    layers = [{**layer, **_UNMEASURED_LAYER} for layer in project.manifest["layers"]]
    return update_manifest(project, edited=now, layers=layers, **_UNMEASURED)
