"""The project folder: written as a whole, recognised by its manifest, never anybody else's folder."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatool.errors import InputError

MANIFEST = "seatool.json"
SCHEMA = 1
REFERENCE = "tflm/model.tflite"
"""The int8 model that TFLM runs when a project is verified, relative to the project."""


@dataclass(frozen=True)
class Project:
    """A generated project: its folder and its manifest."""

    path: Path
    manifest: Mapping[str, Any]

    @property
    def reference(self) -> Path:
        """The model file that TFLM runs."""
        return self.path / REFERENCE


def open_project(path: Path) -> Project:
    """Read the manifest of a project that ``seatool compile`` wrote; InputError if the folder is no such project."""
    file = path / MANIFEST
    if not path.exists():
        raise InputError(f"{path}: there is no such folder", "write one with `seatool compile MODEL -o DIR`")
    if not file.is_file():
        raise InputError(f"{path} is not a seatool project: it has no {MANIFEST}", "pass the folder given to compile")
    try:
        manifest = json.loads(file.read_text())
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: not valid JSON ({error})", "compile the model again") from None
    schema = manifest.get("schema") if isinstance(manifest, dict) else None
    if schema != SCHEMA:
        raise InputError(
            f"{file}: manifest schema {schema!r}, this seatool reads schema {SCHEMA}", "compile the model again"
        )
    return Project(path, manifest)


def check_target(path: Path) -> None:
    """Raise InputError unless ``path`` may become a project: absent, empty, or one of ours."""
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise InputError(f"{path} exists and is not a folder", "choose another folder with -o")
    if path.is_dir() and any(path.iterdir()) and not (path / MANIFEST).is_file():
        raise InputError(
            f"{path} exists, is not empty and was not written by seatool; it is left untouched",
            "choose another folder with -o",
        )


def write_project(path: Path, files: Mapping[str, bytes]) -> Project:
    """Write ``files`` (relative POSIX paths) as the project ``path``, replacing an older project of ours as a whole.

    Everything is written beside the target first and swapped in by renaming, so an interrupted run leaves either the
    old project or the new one. A project that holds these very files already is kept, with what was built and measured
    there. Raises InputError where ``path`` is a folder that seatool did not write.
    """
    check_target(path)
    if _holds(path, files):
        return open_project(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _staging(path) as staging:
        for name, data in sorted(files.items()):
            target = staging / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        _swap(staging, path)
    return open_project(path)


def _holds(path: Path, files: Mapping[str, bytes]) -> bool:
    """Whether the project ``path`` was compiled to these files and still has them."""
    if not (path / MANIFEST).is_file():
        return False
    manifest = open_project(path).manifest
    # Measurements have replaced estimates in the manifest since; what it was compiled to says the same.
    compiled = json.loads(files[MANIFEST]).get("compiled")
    if compiled is None or manifest.get("compiled") != compiled:
        return False
    sources = {name: data for name, data in files.items() if name != MANIFEST}
    return all((path / name).is_file() and (path / name).read_bytes() == data for name, data in sources.items())


@contextmanager
def _staging(path: Path) -> Iterator[Path]:
    staging = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    staging.chmod(0o755)
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _swap(staging: Path, path: Path) -> None:
    if not path.exists():
        staging.rename(path)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{path.name}.old.", dir=path.parent))
    path.rename(old / path.name)
    try:
        staging.rename(path)
    except OSError:
        (old / path.name).rename(path)
        raise
    shutil.rmtree(old)


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def dump(value: Mapping[str, Any]) -> bytes:
    """JSON as the project stores it: indented, a newline at the end."""
    return (json.dumps(value, indent=2) + "\n").encode()


def update_manifest(project: Project, **measured: Any) -> Project:
    """The project with more keys in its manifest; the file is replaced atomically."""
    manifest = {**project.manifest, **measured}
    file = project.path / MANIFEST
    temporary = file.with_suffix(".tmp")
    temporary.write_bytes(dump(manifest))
    temporary.replace(file)
    return Project(project.path, manifest)
