"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How many cases hypothesis tries: some by default, thousands each with HYPOTHESIS_PROFILE=thorough. Derandomized, so
# that a red run can be repeated; what one finds becomes an example in the test.
_CHECKS = (HealthCheck.too_slow, HealthCheck.data_too_large)
settings.register_profile("quick", max_examples=100, deadline=None, derandomize=True, suppress_health_check=_CHECKS)
settings.register_profile("thorough", max_examples=5000, deadline=None, suppress_health_check=_CHECKS)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

collect_ignore = ["data"]

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real models and recordings (``SEATOOL_DATA``); the test is skipped where it is absent."""
    folder = Path(os.environ.get("SEATOOL_DATA", REPOSITORY.parent / "shared"))
    if not (folder / "models").is_dir():
        pytest.skip("real models and recordings are not here: set SEATOOL_DATA to their folder")
    return folder
