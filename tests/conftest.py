"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real models and recordings (``SEATOOL_DATA``); the test is skipped where it is absent."""
    folder = Path(os.environ.get("SEATOOL_DATA", REPOSITORY.parent / "shared"))
    if not (folder / "models").is_dir():
        pytest.skip("real models and recordings are not here: set SEATOOL_DATA to their folder")
    return folder
