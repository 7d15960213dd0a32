"""The front end a project was compiled with, and the recording that seatool ships."""

from __future__ import annotations

import io
from importlib import resources
from pathlib import Path

import numpy as np

from seatool.audio import LogMel
from seatool.pipeline.project import Project

FRONTEND = "audio/log_mel.npz"
"""The front end's parameters and tables, relative to the project, for the host's side of run and verify."""


def save_frontend(log_mel: LogMel) -> bytes:
    """The front end as an .npz; numpy dates the archive's members 1980, so equal front ends give equal bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **vars(log_mel))
    return buffer.getvalue()


def load_frontend(project: Project) -> LogMel:
    """The front end of a project that has one; InputError where its file is not as it was written."""
    with np.load(io.BytesIO(project.read(FRONTEND)), allow_pickle=False) as archive:
        values = {key: array.item() if array.ndim == 0 else array for key, array in archive.items()}
    return LogMel(**values)


def shipped_recording() -> Path:
    """A few seconds of generated street sounds (16 kHz, mono)."""
    return Path(str(resources.files("seatool.sea") / "data" / "demo.wav"))


def shipped_student() -> Path:
    """The student that seatool ships (128-d, trained on generated sounds; see its README)."""
    return Path(str(resources.files("seatool.sea") / "data" / "student2_synthetic.h5.gz"))
