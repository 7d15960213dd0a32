"""Build: the project around a model, and make to turn it into images."""

from seatool.build.elf import RegionUse
from seatool.build.make import Built, Image, build, measure
from seatool.build.project import build_context, linker_script, project_files, render_template, shared_files

__all__ = [
    "Built",
    "Image",
    "RegionUse",
    "build",
    "build_context",
    "linker_script",
    "measure",
    "project_files",
    "render_template",
    "shared_files",
]
