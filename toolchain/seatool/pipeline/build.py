"""Build a project and put the measured sizes into its manifest."""

from __future__ import annotations

from seatool import build
from seatool.build import Built
from seatool.errors import InputError
from seatool.pipeline.edits import MANIFEST
from seatool.pipeline.facts import region, usage
from seatool.pipeline.progress import Stage, silent
from seatool.pipeline.project import BOARD, Project, noticed_edits, update_manifest
from seatool.plan import budget


def build_project(project: Project, stage: Stage = silent) -> tuple[Project, Built]:
    """Build both images of ``project`` and replace the estimates in its budget by what the board's ELF holds.

    Files of the project may have been edited; the manifest says which (``edited``), and figures that were measured
    before that are dropped. Raises ToolError (no compiler, or it failed), BudgetError (as built it does not fit) or
    InputError (a damaged project, or one without the compiled model).
    """
    if project.manifest["options"]["runtime"] == "tflm":
        raise InputError(
            f"{project.path} holds the model for TFLM alone (--runtime tflm), no compiled one",
            f"`make -C {project.path / 'tflm'} TFLM_DIR=...` builds it, `seatool compare` runs it",
        )
    board = project.board
    usages = [usage(value) for value in project.manifest["budget"]]
    known = [board.flash, *board.ram, *([board.itcm] if board.itcm else [])]
    if {planned.region for planned in usages} != {one.name for one in known}:
        raise InputError(
            f"{project.path / MANIFEST}: the regions in its budget are not those of {BOARD}",
            "compile the model again",
        )
    project = noticed_edits(project)
    with stage("building"):
        built = build.build(project.path)
    used = {part.region: part.used for part in built.board.regions}
    measured = budget.measured(usages, used)
    budget.require_fit(project.manifest["name"], board, measured, project.manifest["options"]["ram_limit"])
    flash = next(found.needed for found in measured if found.region == board.flash.name)
    return update_manifest(project, budget=[region(found) for found in measured], flash_bytes=flash), built
