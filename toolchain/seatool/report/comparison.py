"""The compiled model beside TFLM, as ``compare`` prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from seatool.report.terminal import table

if TYPE_CHECKING:
    from seatool.pipeline.compare import Comparison, Figures, Row

_FIGURES = {
    "instructions": "instructions",
    "flash_bytes": "flash",
    "model_ram_bytes": "RAM of the model",
    "arena_bytes": "arena reserved",
    "ram_bytes": "RAM in all",
    "stack_bytes": "stack used",
}


def show(comparison: Comparison) -> None:
    """Both sides layer by layer, then in all."""
    source = comparison.tflm.source if comparison.tflm else "measured"
    column = "TFLM" if source == "measured" else f"TFLM ({source})"
    click.echo(table(["layer", "operators in TFLM", "kernel", "compiled", column, "ratio"], map(_row, comparison.rows)))
    click.echo()
    click.echo(totals(comparison, column))
    click.echo()
    for line in notes(comparison):
        click.echo(line)


def _row(row: Row) -> tuple[object, ...]:
    name = row.step or "(not in the compiled model)"
    return name, "+".join(row.operators), row.kernel or "-", row.compiled, row.tflm, _ratio(row.compiled, row.tflm)


def _ratio(compiled: int | None, tflm: int | None) -> float | None:
    """How many times as much TFLM needs."""
    return tflm / compiled if compiled and tflm else None


def totals(comparison: Comparison, column: str) -> str:
    """One line per figure."""
    rows: list[tuple[object, ...]] = []
    for key, label in _FIGURES.items():
        values = [getattr(side, key) if side else None for side in (comparison.compiled, comparison.tflm)]
        rows.append((label, *values, _ratio(*values)))
    return table(["in all", "compiled", column, "ratio"], rows)


def notes(comparison: Comparison) -> list[str]:
    """Whether both sides compute the same, and what the figures mean."""
    sides = {"compiled": comparison.compiled, "TFLM": comparison.tflm}
    lines = [f"{name:<9} {_verdict(side, comparison.inputs)}" for name, side in sides.items() if side]
    if comparison.difference:
        lines.append(f"          {comparison.difference}")
    if comparison.tflm and all(row.tflm is None for row in comparison.rows):
        lines.append("          its library was built without messages and announces no operators")
    if comparison.provenance:
        lines.append(f"recorded  {comparison.provenance}")
    elif comparison.tflm is None:
        lines.append("TFLM      not found: pass --tflm-dir or set TFLM_DIR; nothing is recorded for this model")
    lines.append("counted   the network without the audio front end; ratio: how many times as much TFLM takes")
    return lines


def _verdict(side: Figures, inputs: int) -> str:
    where = (
        f"on this computer, on {inputs} inputs" if side.source == "measured" else "on a computer when it was recorded"
    )
    if not side.bit_exact:
        return f"DIFFERS from TFLM {where}"
    what = "1 tensor equals" if side.tensors == 1 else f"all {side.tensors} tensors equal"
    return f"{what} TFLM's {where}"
