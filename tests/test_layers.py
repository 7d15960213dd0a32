"""The parts of seatool depend on each other in one direction (docs/design.md)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import seatool

PACKAGE = Path(seatool.__file__).parent
ORDER = (
    *("version", "errors", "files", "resources", "threads", "students", "rounding"),
    *("ir", "arrays", "isolate", "kernels", "audio", "boards"),
    *("importers", "passes", "quantize", "sea", "plan", "render", "build", "emulate", "cycles", "tflm"),
    *("pipeline", "report", "cli"),
)
"""A part may import those before it."""


def imported(file: Path) -> Iterator[str]:
    """The parts of seatool that a file names in imports, wherever they stand."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "seatool":
            yield from (alias.name for alias in node.names if not alias.name.startswith("__"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("seatool."):
            yield str(node.module).split(".")[1]


def test_no_part_imports_a_later_one() -> None:
    backwards = []
    for file in sorted(PACKAGE.rglob("*.py")):
        name = file.relative_to(PACKAGE)
        if name.parts[0] in ("__init__.py", "data"):
            continue
        part = name.parts[0].removesuffix(".py")
        assert part in ORDER, f"{part} has no place in the order"
        backwards += [f"{name} imports {other}" for other in imported(file) if ORDER.index(other) > ORDER.index(part)]
    assert backwards == []
