"""What people changed in a project since it was generated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from seatool.files import digest

MANIFEST, REPORT = "seatool.json", "report.html"

_OUTPUTS = ("build", REPORT, MANIFEST)
"""What commands put into a project, at its top."""
_LITTER = frozenset({"__pycache__", ".cache", ".DS_Store"})
"""What other programs leave behind anywhere."""


def edited(project: Path, hashes: Mapping[str, str]) -> dict[str, str | None]:
    """Generated files that are not as they were written: path to SHA-256, None where the file is missing.

    ``hashes``: SHA-256 of every generated file by its path in ``project``.
    """
    now = {name: digest(file.read_bytes()) if (file := project / name).is_file() else None for name in hashes}
    return {name: found for name, found in now.items() if found != hashes[name]}


def added(project: Path, hashes: Mapping[str, str]) -> list[str]:
    """Files that were not generated; what was built, the report and litter of other programs do not count."""
    return sorted(set(_files(project)) - set(hashes))


def _files(project: Path) -> Iterator[str]:
    for file in project.rglob("*"):
        name = file.relative_to(project)
        is_output = name.parts[0] in _OUTPUTS or _LITTER & set(name.parts)
        if not is_output and (file.is_symlink() or not file.is_dir()):
            yield name.as_posix()
