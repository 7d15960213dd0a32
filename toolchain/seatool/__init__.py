"""seatool: trained neural networks become bit-exact int8 firmware for a Cortex-M7.

>>> import seatool
>>> " ".join(sorted(seatool.__all__))
'CompileOptions __version__ compare compile diff inspect open_project profile run_recording run_tensors verify'
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from seatool.version import __version__

if TYPE_CHECKING:
    from seatool.pipeline.compare import compare_project as compare
    from seatool.pipeline.compile import compile_model as compile
    from seatool.pipeline.diff import diff
    from seatool.pipeline.inspection import inspect_model as inspect
    from seatool.pipeline.options import CompileOptions
    from seatool.pipeline.profile import profile_project as profile
    from seatool.pipeline.project import open_project
    from seatool.pipeline.run import run_recording, run_tensors
    from seatool.pipeline.verify import verify_project as verify

__all__ = [
    "CompileOptions",
    "__version__",
    "compare",
    "compile",
    "diff",
    "inspect",
    "open_project",
    "profile",
    "run_recording",
    "run_tensors",
    "verify",
]

# Loaded on first use: the command line's help must not wait for numpy.
_HOMES = {
    "CompileOptions": ("options", "CompileOptions"),
    "compare": ("compare", "compare_project"),
    "compile": ("compile", "compile_model"),
    "diff": ("diff", "diff"),
    "inspect": ("inspection", "inspect_model"),
    "open_project": ("project", "open_project"),
    "profile": ("profile", "profile_project"),
    "run_recording": ("run", "run_recording"),
    "run_tensors": ("run", "run_tensors"),
    "verify": ("verify", "verify_project"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'seatool' has no attribute {name!r}")
    module, function = _HOMES[name]
    return getattr(importlib.import_module(f"seatool.pipeline.{module}"), function)
