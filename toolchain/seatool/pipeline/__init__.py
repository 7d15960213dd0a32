"""The one way through: model file to project to ELF to results. The command line and the Python API call this."""

from seatool.pipeline.compile import Compiled, compile_model, plan_model
from seatool.pipeline.options import CompileOptions
from seatool.pipeline.progress import Stage, silent
from seatool.pipeline.project import Project, open_project

__all__ = ["CompileOptions", "Compiled", "Project", "Stage", "compile_model", "open_project", "plan_model", "silent"]
