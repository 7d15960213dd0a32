"""Files that appear whole or not at all, and hashes of them."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seatool.errors import InputError


def check_parent(path: Path) -> None:
    """InputError unless the folder of ``path`` is there; to be called before anything that takes long."""
    if not path.parent.is_dir():
        raise InputError(f"{path.parent}: there is no such folder", f"make it, or write {path.name} somewhere else")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write to; at the end it takes the place of ``path``, on an exception it is removed.

    Raises InputError where the folder is missing.
    """
    check_parent(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """A new folder beside ``path`` to fill; at the end it takes the place of ``path``, on an exception it is removed.

    Only a kill between the two renames at the end leaves nothing at ``path``, and what was there beside it, in
    ``.<name>.old.*``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _beside(path, "") as staging:
        yield staging
        _swap(staging, path)


@contextmanager
def _beside(path: Path, what: str) -> Iterator[Path]:
    """A new folder beside ``path``, removed at the end if it is still there."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.{what}", dir=path.parent))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        reason = (error.strerror or str(error)).lower()
        hint = "choose another folder with -o"
        raise InputError(f"{path.parent}: no folder can be made in it ({reason})", hint) from None
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


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, with the line ends that it has."""
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode())


def shown_name(path: Path) -> str:
    """The name of a file, without folders, as text that can be written: what is not UTF-8 becomes U+FFFD.

    >>> shown_name(Path("models", os.fsdecode(bytes([0x63, 0xE9])))) == "c" + chr(0xFFFD)
    True
    """
    return os.fsencode(path.name).decode(errors="replace")


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def content_digest(path: Path) -> str:
    """SHA-256 of a file; of a folder that of its listing: a line ``<path> <SHA-256>`` per file, sorted by path."""
    if not path.is_dir():
        return digest(path.read_bytes())
    files = {file.relative_to(path).as_posix(): file for file in path.rglob("*") if file.is_file()}
    return digest("".join(f"{name} {digest(files[name].read_bytes())}\n" for name in sorted(files)).encode())
