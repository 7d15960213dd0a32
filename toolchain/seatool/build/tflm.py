"""Build the TFLM part of a project against the user's own TFLM."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from seatool.build import tools
from seatool.build.make import Built, run_make
from seatool.errors import InputError

FOLDER, LIBRARY = "TFLM_DIR", "TFLM_LIB"
"""In the environment: where the user's TFLM is, and which of its static libraries to take."""

LOG = "build/tflm/build.log"

_HEADER = "tensorflow/lite/micro/micro_interpreter.h"
_LIBRARIES = "gen/cortex_m_generic_cortex-m7+fp_*_gcc/lib/libtensorflow-microlite.a"


@dataclass(frozen=True)
class TflmBuild:
    """A copy of TFLM and its static library for a Cortex-M7 with FPU."""

    folder: Path
    library: Path


def find_tflm(chosen: Path | None = None) -> TflmBuild | None:
    """TFLM in the folder ``chosen``, else in the one that TFLM_DIR names; None where neither is given.

    Raises InputError where the folder is no copy of TFLM, or has no library for the core, or several and TFLM_LIB
    chooses none; or where make could not take its path.
    """
    folder = chosen or (Path(os.environ[FOLDER]) if os.environ.get(FOLDER) else None)
    if folder is None:
        return None
    if not (folder / _HEADER).is_file():
        raise InputError(
            f"{folder} is not a copy of TFLM: it has no {_HEADER}", f"pass --tflm-dir or set {FOLDER}; docs/tflm.md"
        )
    found = TflmBuild(folder.absolute(), _library(folder).absolute())
    for path in (found.folder, found.library):
        if any(char.isspace() for char in str(path)):
            raise InputError(f"{path} has a space in it, which make cannot take", "move TFLM, or link to it")
    return found


def _library(folder: Path) -> Path:
    chosen = os.environ.get(LIBRARY)
    found = [Path(chosen)] if chosen else sorted(folder.glob(_LIBRARIES))
    if len(found) == 1 and found[0].is_file():
        return found[0]
    if chosen:
        raise InputError(f"{LIBRARY} is {chosen}: there is no such file")
    if found:
        listed = "".join(f"\n  {path}" for path in found)
        raise InputError(f"{folder} holds several builds for a Cortex-M7 with FPU{listed}", f"set {LIBRARY} to one")
    raise InputError(
        f"{folder} was not built for a Cortex-M7 with FPU: it has no {_LIBRARIES}",
        "TFLM's own Makefile makes it, for cortex_m_generic, cortex-m7+fp; docs/tflm.md",
    )


def build_tflm(project: Path, tflm: TflmBuild) -> Built:
    """Run make in the TFLM part of ``project`` and measure what came out.

    Raises as :func:`seatool.build.build` does.
    """
    tools.require_cplusplus()
    return run_make(project / "tflm", project / LOG, f"{FOLDER}={tflm.folder}", f"{LIBRARY}={tflm.library}")
