"""Build a project and put the measured sizes into its manifest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seatool import boards, build
from seatool.build import Built
from seatool.pipeline.progress import Stage, silent
from seatool.pipeline.project import Project, update_manifest
from seatool.plan import budget
from seatool.plan.program import Part, Usage


def build_project(project: Project, stage: Stage = silent) -> tuple[Project, Built]:
    """Build both images of ``project`` and replace the estimates in its budget by what the board's ELF holds.

    Raises ToolError (no compiler, or it failed) or BudgetError (as built it does not fit).
    """
    with stage("building"):
        built = build.build(project.path)
    manifest = project.manifest
    board = boards.load(manifest["board"])
    used = {region.region: region.used for region in built.board.regions}
    usages = budget.measured([usage_from_json(usage) for usage in manifest["budget"]], used)
    budget.require_fit(manifest["name"], board, usages, manifest["options"]["ram_limit"])
    flash = next(usage.needed for usage in usages if usage.region == board.flash.name)
    return update_manifest(project, budget=[usage_to_json(usage) for usage in usages], flash_bytes=flash), built


def usage_to_json(usage: Usage) -> dict[str, Any]:
    """One entry of the manifest's ``budget``."""
    parts = [vars(part) for part in usage.parts]
    return {
        "region": usage.region,
        "capacity_bytes": usage.capacity,
        "needed_bytes": usage.needed,
        "parts": parts,
    }


def usage_from_json(value: Mapping[str, Any]) -> Usage:
    """Inverse of :func:`usage_to_json`."""
    return Usage(value["region"], value["capacity_bytes"], tuple(Part(**part) for part in value["parts"]))
