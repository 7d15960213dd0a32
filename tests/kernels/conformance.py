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
from seatool.ir import DType
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
  between DEQUANTIZE and QUANTIZE, functions of one value become tables; *moved as it is*: so are float32 values there.

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
    for path in sorted(HERE.glob("test_*.py")):
        if "def cases(" not in path.read_text() or path.name == "test_batch.py":
            continue
        for operator in drawn(importlib.import_module(path.stem)):
            kernels, modules = found[operator.kind, type_of(operator)]
            kernels.update(dict.fromkeys(v.name for v in operator.variants if v.admits(operator).ok))
            modules.add(path.stem)
    return found


def drawn(module: ModuleType) -> Iterator[Operator]:
    """What the strategies of a module draw: of each in its ``ALL``, or of its ``cases``."""
    strategies = getattr(module, "ALL", ())
    if not isinstance(strategies, tuple):
        strategies = ()
    for strategy in strategies or (module.cases,):
        count = FEW if strategies else SAMPLE
        for case in rig.sample(strategy() if callable(strategy) else strategy, count):
            yield rig.operator_of(case[0] if isinstance(case, tuple) else case)


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
    if (kind, column) in found:
        kernels, modules = found[kind, column]
        names = ", ".join(f"`{name}`" for name in _ordered(kind, kernels)) or "view"
        return f"{names} ({', '.join(sorted(modules))})"
    family = operators().get(kind)
    if column == "float32" and "float32" in types and family is not None:
        if "int8" not in types:
            return "a table between DEQUANTIZE and QUANTIZE"
        moved = ["moved as it is"] if family.also_float else []
        can = family.evaluate_float is not Operator.evaluate_float
        return "; ".join([*moved, *(["*quantized*"] if can else [])]) or "**no**"
    is_computed = column in types or (column == "int8" and {"int32", "bool"} & set(types))
    return "**no**" if is_computed else "·"


def _ordered(kind: str, kernels: Mapping[str, None]) -> list[str]:
    """As the operator lists them."""
    return list(dict.fromkeys(v.name for v in operators()[kind].all_variants() if v.name in kernels))


if __name__ == "__main__":
    print(markdown(), end="")
