"""Where the C sources, templates and board files are: in the repository or inside an installed wheel."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def root() -> Path:
    """The folder that holds ``firmware/``, ``templates/`` and ``boards/``."""
    package = Path(__file__).resolve().parent
    installed = package / "data"
    return installed if installed.is_dir() else package.parent.parent


def firmware() -> Path:
    """C sources: kernels, audio, application, ports."""
    return root() / "firmware"


def templates() -> Path:
    """Jinja templates."""
    return root() / "templates"


def boards() -> Path:
    """Board description files (TOML)."""
    return root() / "boards"
