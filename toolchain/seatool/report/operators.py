"""``docs/operators.md``, written from the operators themselves.

``python -m seatool.report.operators > docs/operators.md``
"""

from __future__ import annotations

import inspect

from seatool.kernels import Operator, Variant, operators

HEADER = """\
# Operators

Written by `python -m seatool.report.operators`; a test keeps it up to date. All operators are int8, some int16 with
int8 weights, and bit-exact to TFLM. QUANTIZE and DEQUANTIZE also take float32, and between them so do those that only
move values: READ_VARIABLE, ASSIGN_VARIABLE, SLICE, STRIDED_SLICE, CONCATENATION, RESHAPE, SQUEEZE and EXPAND_DIMS. A
kernel is chosen per layer: the cheapest one that admits the layer and fits; `seatool profile` and the generated C name
it.

| operator | versions | limits | kernels |
|---|---|---|---|
"""


def markdown() -> str:
    """The page: every operator that TFLite can name, with its kernels."""
    rows = [_row(kind, operator) for kind, operator in operators().items() if operator.tflite is not None]
    return HEADER + "\n".join(rows) + "\n"


def _row(kind: str, operator: type[Operator]) -> str:
    assert operator.tflite is not None
    versions = operator.tflite.versions
    kernels = "view, no code" if operator.is_view else "; ".join(_kernel(v) for v in operator.all_variants())
    return f"| {kind} | {versions.start} to {versions.stop - 1} | {operator.limits} | {kernels} |"


def _kernel(variant: Variant) -> str:
    summary = (inspect.getdoc(type(variant)) or "").split("\n\n")[0].replace("\n", " ").replace("|", "\\|")
    return f"`{variant.name}`: {summary}"


if __name__ == "__main__":
    print(markdown(), end="")
