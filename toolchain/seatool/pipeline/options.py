"""What the user may choose for a compilation, and how a project is called."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from seatool import plan
from seatool.errors import InputError
from seatool.importers.names import LONGEST, identifier

Runtime = Literal["aot", "tflm", "both"]
"""What runs the model: the C that it is compiled to, TFLM's interpreter, or a project with both."""


@dataclass(frozen=True)
class CompileOptions:
    """What the user may choose.

    Attributes:
        board: A board's name or the path of a board file.
        name: Prefix of the generated C; default: from the model's file name (:func:`project_name`).
        calibration: A folder of WAV files, or an .npy/.npz file; default: built-in sounds.
        stack_bytes, ram_limit, flash_limit: In bytes; default: the board's.
        optimize: Of the plans within the limits the fastest ("speed"), the one with the least RAM times flash times
            cycles squared ("balanced"), or the one with the least RAM ("ram").
        fuse: Whether operators may be merged and computed together. Without it every tensor exists and is verified.
        fast_code: Whether code runs from the board's ITCM, if it has one.
        runtime: What the project shall hold: the compiled model, the model in TFLM, or both.
    """

    board: str = "m7"
    name: str | None = None
    calibration: Path | None = None
    stack_bytes: int | None = None
    ram_limit: int | None = None
    flash_limit: int | None = None
    optimize: plan.Optimize = "balanced"
    fuse: bool = True
    fast_code: bool = True
    runtime: Runtime = "aot"

    @property
    def planning(self) -> plan.PlanOptions:
        """What concerns the planner."""
        return plan.PlanOptions(
            self.stack_bytes, self.ram_limit, self.flash_limit, self.optimize, self.fuse, self.fast_code
        )


def project_name(model: Path, chosen: str | None = None) -> str:
    """The prefix of the generated C, and the default project folder's name.

    A ``chosen`` name is put into lower case, and dashes, dots and spaces become underscores; what comes out has to be a
    C identifier that is free. Without one the file's name is made to fit, whatever it is.

    >>> project_name(Path("x.h5"), "Street-v1.2"), project_name(Path("models/Student-2.h5.gz"))
    ('street_v1_2', 'student_2')

    Raises:
        InputError: ``chosen`` is no such name.
    """
    if chosen is None:
        stem = re.sub(r"(\.(h5|hdf5|keras|tflite|gz))+$", "", model.name, flags=re.IGNORECASE)
        return identifier(stem, "model")
    name = re.sub(r"[-._ ]+", "_", chosen.lower())
    if identifier(name, "model") != name:
        raise InputError(
            f"{chosen!r} cannot be the name of a model: it has to be a C identifier that begins with a letter, has "
            f"{LONGEST} characters at most and is no word of C or its library",
            f"for example --name {identifier(chosen, 'model')}",
        )
    return name
