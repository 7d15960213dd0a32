"""Build: the project around a model, and make to turn it into images."""

from seatool.build.elf import RegionUse
from seatool.build.make import Built, Image, build, measure
from seatool.build.project import linker_script, project_files, render_template

__all__ = ["Built", "Image", "RegionUse", "build", "linker_script", "measure", "project_files", "render_template"]
