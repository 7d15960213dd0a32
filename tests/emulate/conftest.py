"""Images of the probe model, built once."""

from __future__ import annotations

from pathlib import Path

import pytest
from probe_project import require_tools, write_project
from seatool import build


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The probe project for m7."""
    require_tools("arm-none-eabi-gcc", "make")
    return write_project(tmp_path_factory.mktemp("probe"))


@pytest.fixture(scope="session")
def built(project: Path) -> build.Built:
    """Its images."""
    return build.build(project)


@pytest.fixture(scope="session")
def elf(built: build.Built) -> Path:
    """The image that runs in QEMU; the test is skipped where there is no QEMU."""
    require_tools("qemu-system-arm")
    return built.emulator_elf
