"""The front end a project was compiled with, and the recording that seatool ships."""

from __future__ import annotations

import io
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from seatool.arrays import read_arrays
from seatool.audio import LogMel
from seatool.errors import InputError
from seatool.pipeline.project import Project

FRONTEND = "audio/log_mel.npz"
"""The front end's parameters and tables, relative to the project, for the host's side of run and verify."""


def save_frontend(log_mel: LogMel) -> bytes:
    """The front end as an .npz; numpy dates the archive's members 1980, so equal front ends give equal bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **vars(log_mel))
    return buffer.getvalue()


def load_frontend(project: Project) -> LogMel:
    """The front end of a project that has one.

    Raises:
        InputError: Its file is missing or damaged.
    """
    file = project.path / FRONTEND
    arrays = read_arrays(file)
    values: dict[str, Any] = {key: array if array.ndim else array.item() for key, array in arrays.items()}
    try:
        return LogMel(**values)
    except (TypeError, ValueError) as error:
        raise InputError(f"{file}: not the front end of a project: {error}", "compile the model again") from error


def shipped_recording() -> Path:
    """A few seconds of generated street sounds (16 kHz, mono)."""
    return Path(str(resources.files("seatool.sea") / "data" / "demo.wav"))


def shipped_student() -> Path:
    """The student that seatool ships (128-d, trained on generated sounds; see its README)."""
    return Path(str(resources.files("seatool.sea") / "data" / "student2_synthetic.h5.gz"))
