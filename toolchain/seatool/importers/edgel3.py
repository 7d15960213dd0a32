"""Download the SEA students that the edgel3 package publishes (MIT licence), checked by hash.

Source: https://github.com/ksangeeta2429/edgel3, branch ``models``.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from seatool.errors import InputError, ToolError

_BASE = "https://github.com/ksangeeta2429/edgel3/raw/models"
_BLOBS = {
    64: "f3535405c91fe8da71f6456adb8a061213324239",
    128: "162576876259e8267eb6cefe09470dbf153ed6fc",
    256: "6be46fee2c278b79d9f77f064146a9493eff2f83",
    512: "116703e97997cc316d7163ede5d2f5e4d4018f87",
}
"""Git's blob id of each file, by embedding size: SHA-1 of ``blob <length>\\0`` and the contents."""


def fetch(emb_dim: int) -> Path:
    """The student with ``emb_dim`` outputs (64, 128, 256 or 512), from the cache or downloaded into it.

    Raises:
        InputError: There is no such student, or what was downloaded is not the published file.
        ToolError: The download failed; the hint says what to do by hand.
    """
    if emb_dim not in _BLOBS:
        raise InputError(f"there is no published student with {emb_dim} outputs", f"choose one of {sorted(_BLOBS)}")
    import pooch

    name = f"edgel3_sea_ust_audio_emb_{emb_dim}.h5.gz"
    target = Path(pooch.os_cache("seatool")) / name
    if target.is_file() and _blob_id(target.read_bytes()) == _BLOBS[emb_dim]:
        return target
    partial = target.with_name(f"{name}.{os.getpid()}.part")
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        _download(f"{_BASE}/{name}", partial)
        found = _blob_id(partial.read_bytes())
        if found != _BLOBS[emb_dim]:
            raise InputError(
                f"{name}: what was downloaded is not the published file (git blob {found}, not {_BLOBS[emb_dim]})",
                "try again; if it stays so, the published file has changed",
            )
        partial.replace(target)
    except OSError as error:
        raise ToolError(
            f"{name}: the download failed: {_reason(error)}",
            f"download {_BASE}/{name} by hand and save it as {target}",
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return target


def _download(url: str, target: Path) -> None:
    """Save ``url`` as ``target``; OSError when that fails (what requests raises is one)."""
    import pooch

    pooch.HTTPDownloader(progressbar=False, timeout=60)(url, str(target), None)


def _reason(error: OSError) -> str:
    """One line; what requests says of a host that does not answer is a chain of representations."""
    import requests

    if isinstance(error, requests.Timeout):
        return "the server took too long to answer"
    if isinstance(error, requests.ConnectionError):
        return f"{_BASE.split('/')[2]} cannot be reached from here"
    return str(error)


def _blob_id(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
