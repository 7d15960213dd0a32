"""``docs/conformance.md``: TFLM's operators by element type, what seatool compiles of them, and the tests that show it.

    python tests/kernels/conformance.py > docs/conformance.md

What is supported is what the property tests' strategies draw: every case of theirs equals TFLM in every kernel.
"""

from __future__ import annotations

import importlib
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import rig
from seatool.ir import DType, Graph
from seatool.kernels import Operator, operators

HERE = Path(__file__).parent
TYPES = ("int8", "int16", "float32")
SAMPLE, FEW = 400, 100
UNKNOWN = {
    "CALL_ONCE": "for the initial values of variables: taken over, no code",
    "VAR_HANDLE": "variables become states: no code",
    "BROADCAST_ARGS": "computed at compile time",
    "SHAPE": "computed at compile time",
    "IF": "refused: control flow",
    "WHILE": "refused: control flow",
}
"""Operators that are no kernels: what becomes of them."""
BORDERS = {"QUANTIZE": "from float32, as to the left", "DEQUANTIZE": "to float32, as to the left"}

HEADER = """\
# Conformance with TFLM

Written by `python tests/kernels/conformance.py`; a test keeps it up to date. A row per operator that TFLM registers, a
column per type of its activations: int8, int16 with int8 weights where there are any (16x8), float32.

- Names of kernels: seatool compiles it with these, and a property test in `tests/kernels` (in brackets) compares the
  reference, each kernel and TFLM bit by bit on generated layers, extreme values included; the same kernels run under
  the sanitizers and in the emulator.
- `·`: TFLM does not compute that either.
- **no**: TFLM computes it, seatool refuses it with the operator's name and the layer.
- *quantized*: a float model with this operator is quantized to int8 first. Where a quantized model computes in float32
  between DEQUANTIZE and QUANTIZE, *a table* replaces functions of one value, and values can be *moved as they are*.

| operator | int8 | int16 | float32 |
|---|---|---|---|
"""

Evidence = dict[tuple[str, str], tuple[dict[str, None], set[str]]]
"""By operator and type: kernels that admit a drawn layer, in order; test modules that draw one."""


def type_of(operator: Operator) -> str:
    """The column of an operator's instance; int8 also for int32 and bool inside int8 models."""
    inputs = [t for i, t in enumerate(operator.inputs) if i not in operator.state_inputs]
    outputs = operator.outputs[: len(operator.outputs) - len(operator.state_inputs)]
    found = {t.dtype for t in (*inputs, *outputs) if t is not None and not t.is_constant}
    if DType.INT16 in found:
        return "int16"
    return "float32" if found == {DType.FLOAT32} else "int8"


def evidence() -> Evidence:
    """What the strategies of all test modules draw."""
    found: Evidence = defaultdict(lambda: ({}, set()))
    for module in modules():
        for graph in drawn(module):
            operator = rig.operator_of(graph)
            kernels, names = found[operator.kind, type_of(operator)]
            kernels.update(dict.fromkeys(v.name for v in operator.variants if v.admits(operator).ok))
            names.add(module.__name__)
    return found


def modules() -> Iterator[ModuleType]:
    """The modules of property tests."""
    for path in sorted(HERE.glob("test_*.py")):
        if "def cases(" in path.read_text() and path.name != "test_batch.py":
            yield importlib.import_module(path.stem)


def drawn(module: ModuleType) -> Iterator[Graph]:
    """What the strategies of a module draw: of each in its ``ALL``, or of its ``cases``."""
    strategies = getattr(module, "ALL", ())
    if not isinstance(strategies, tuple):
        strategies = ()
    for strategy in strategies or (module.cases,):
        count = FEW if strategies else SAMPLE
        for case in rig.sample(strategy() if callable(strategy) else strategy, count):
            yield case[0] if isinstance(case, tuple) else case


def tflm_types() -> Mapping[str, list[str]]:
    """What TFLM computes, by operator."""
    return tomllib.loads((HERE / "tflm_types.toml").read_text(encoding="utf-8"))


def markdown() -> str:
    """The page."""
    found = evidence()
    rows = [
        f"| {kind} | " + " | ".join(_cell(kind, column, types, found) for column in TYPES) + " |"
        for kind, types in sorted(tflm_types().items())
    ]
    return HEADER + "\n".join(rows) + "\n"


def _cell(kind: str, column: str, types: list[str], found: Evidence) -> str:
    if kind in UNKNOWN:
        return UNKNOWN[kind]
    if column == "float32" and kind in BORDERS:
        return BORDERS[kind]
    if (kind, column) in found:
        kernels, tests = found[kind, column]
        names = ", ".join(f"`{name}`" for name in _kernels(operators()[kind], column, kernels)) or "view"
        return f"{names} ({', '.join(sorted(tests))})"
    if column == "float32" and column in types and kind in operators():
        return _float_cell(operators()[kind], "int8" in types)
    is_computed = column in types or (column == "int8" and {"int32", "bool"} & set(types))
    return "**no**" if is_computed else "·"


def _float_cell(family: type[Operator], is_int8: bool) -> str:
    forms = ["moved"] if family.also_float and not family.is_curve else []
    if is_int8 and family.evaluate_float is not Operator.evaluate_float:
        forms.append("*quantized*")
    if family.is_curve:
        forms.append("a table")
    return "; ".join(forms) or "**no**"


def _kernels(family: type[Operator], column: str, drawn_names: Mapping[str, None]) -> list[str]:
    """Those of the column's type, as the operator lists them; for int16 without a class of its own, those drawn."""
    if column == "int16" and family.wide is None:
        listed = [variant.name for variant in family.variants if variant.name in drawn_names]
    elif column == "int16" and family.wide is not None:
        listed = [variant.name for variant in family.wide.variants]
    else:
        listed = [variant.name for variant in family.variants if not variant.name.endswith("_s16")]
    return list(dict.fromkeys(listed))


if __name__ == "__main__":
    print(markdown(), end="")
