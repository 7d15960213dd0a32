"""The project folder: written as a whole, recognised by its manifest, never anybody else's folder.

The C in a project may be edited and built; what was edited is known by the hashes in the manifest. A new compilation
replaces no edits unless it is told to.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from seatool import boards, files
from seatool.boards import Board
from seatool.errors import InputError
from seatool.files import digest
from seatool.pipeline.manifest import SCHEMA, Manifest, check

MANIFEST = "seatool.json"
REFERENCE = "tflm/model.tflite"
"""The int8 model that TFLM runs when a project is verified, relative to the project."""
BOARD = "board.json"
"""The board that the project was compiled for, with everything that its file inherits."""
REPORT = "report.html"

_OUTPUTS = ("build", REPORT, MANIFEST)
"""What commands put into a project, at its top."""
_LITTER = frozenset({"__pycache__", ".cache", ".DS_Store"})
"""What other programs leave behind anywhere."""
_SHOWN = 5

_UNMEASURED = {"instructions": None, "stack_bytes": None, "region_bytes": None, "bit_exact": None, "verified": None}


@dataclass(frozen=True)
class Project:
    """A generated project: its folder and its manifest."""

    path: Path
    manifest: Manifest

    @property
    def board(self) -> Board:
        """The board that it was compiled for."""
        return boards.parse(json.loads(self.read(BOARD)), self.path / BOARD)

    @property
    def reference(self) -> bytes:
        """The model that TFLM runs."""
        return self.read(REFERENCE)

    def read(self, name: str) -> bytes:
        """A generated file that seatool itself reads; InputError unless it is as it was written."""
        file = self.path / name
        if not file.is_file() or digest(data := file.read_bytes()) != self.manifest["files"].get(name):
            state = "was changed" if file.is_file() else "is missing"
            raise InputError(f"{file} {state}; seatool cannot work without it", "compile the model again with --force")
        return data

    def edits(self) -> dict[str, str | None]:
        """Generated files that are not as they were written: path to hash, None where the file is missing."""
        now = {name: _digest_of(self.path / name) for name in self.manifest["files"]}
        return {name: found for name, found in now.items() if found != self.manifest["files"][name]}

    def strangers(self) -> list[str]:
        """Files that seatool did not write; what was built, reports and litter of other programs do not count."""
        found = []
        for file in self.path.rglob("*"):
            name = file.relative_to(self.path)
            if file.is_dir() and not file.is_symlink():
                continue
            if name.parts[0] not in _OUTPUTS and not _LITTER & set(name.parts):
                found.append(name.as_posix())
        return sorted(set(found) - set(self.manifest["files"]))


def _digest_of(file: Path) -> str | None:
    return digest(file.read_bytes()) if file.is_file() else None


def open_project(path: Path) -> Project:
    """Read the manifest of a project that ``seatool compile`` wrote.

    Raises InputError if the folder is no such project, or its manifest is damaged or from another version.
    """
    file = path / MANIFEST
    if not path.exists():
        raise InputError(f"{path}: there is no such folder", "write one with `seatool compile MODEL -o DIR`")
    if not file.is_file():
        raise InputError(f"{path} is not a seatool project: it has no {MANIFEST}", "pass the folder given to compile")
    again = "compile the model again with --force"
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file}: not valid JSON ({error})", again) from None
    schema = manifest.get("schema") if isinstance(manifest, dict) else None
    if schema != SCHEMA:
        raise InputError(f"{file}: manifest schema {schema!r}, this seatool reads schema {SCHEMA}", again)
    if faults := list(check(manifest)):
        more = [f"... {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
        raise InputError("\n  ".join([f"{file} is damaged", *faults[:_SHOWN], *more]), again)
    return Project(path, cast(Manifest, manifest))


def check_target(path: Path, force: bool = False) -> None:
    """Raise InputError unless ``path`` may become a project.

    It may be absent, empty, or a project of ours: one in which nothing was edited or added, or any with ``force``.
    """
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise InputError(f"{path} exists and is not a folder", "choose another folder with -o")
    if not path.is_dir() or not any(path.iterdir()):
        return
    if not (path / MANIFEST).is_file():
        raise InputError(
            f"{path} exists, is not empty and was not written by seatool; it is left untouched",
            "choose another folder with -o",
        )
    if force:
        return
    hint = "replace it as a whole with --force, or choose another folder with -o"
    try:
        project = open_project(path)
    except InputError as error:
        unknown = f"so what was edited in {path} is not known; it is left untouched"
        raise InputError(f"{error.message}\n  {unknown}", hint) from None
    changed = [f"{name} was edited" for name, found in project.edits().items() if found is not None]
    changed += [f"{name} was added" for name in project.strangers()]
    if changed:
        more = [f"... {len(changed) - _SHOWN} more"] if len(changed) > _SHOWN else []
        raise InputError("\n  ".join([f"{path} holds changes of yours", *changed[:_SHOWN], *more]), hint)


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
    path.parent.mkdir(parents=True, exist_ok=True)
    with _beside(path, "") as staging:
        for name, data in sorted({**contents, MANIFEST: dump(manifest)}.items()):
            target = staging / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        _swap(staging, path)
    return open_project(path)


def _holds(path: Path, manifest: Mapping[str, Any]) -> bool:
    """Whether the project ``path`` was compiled to ``manifest`` and is still as it was written and measured."""
    try:
        project = open_project(path)
    except InputError:
        return False
    return project.manifest["compiled"] == manifest["compiled"] and not project.manifest["edited"] | project.edits()


@contextmanager
def _beside(path: Path, what: str) -> Iterator[Path]:
    """A new folder beside ``path``, removed at the end if it is still there."""
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.{what}", dir=path.parent))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _swap(staging: Path, path: Path) -> None:
    with _beside(path, "old.") as old:
        kept = old / path.name
        try:
            if path.exists():
                path.rename(kept)
            staging.rename(path)
        except BaseException:
            if kept.exists() and not path.exists():
                kept.rename(path)
            raise


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
    edited = project.edits()
    if edited == project.manifest["edited"]:
        return project
    layers = [{**layer, "instructions": None} for layer in project.manifest["layers"]]
    return update_manifest(project, edited=edited, layers=layers, **_UNMEASURED)
