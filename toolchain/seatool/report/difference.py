"""Two sides tensor by tensor, as ``diff`` prints them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from seatool.report.inspection import shape
from seatool.report.terminal import table

if TYPE_CHECKING:
    from seatool.pipeline.diff import Difference, Pair


def show(difference: Difference) -> None:
    """Both sides, a line per tensor, what has no counterpart, and the verdict."""
    for name, side in (("A", difference.a), ("B", difference.b)):
        click.echo(f"{name:<9} {side.path} · {side.what}")
    click.echo(f"inputs    {difference.inputs}")
    click.echo()
    click.echo(pair_table(difference))
    for name, other, only in (("A", difference.b, difference.only_a), ("B", difference.a, difference.only_b)):
        inside = [label for label in only if label in other.absent]
        others = [label for label in only if label not in other.absent]
        if inside:
            click.echo(f"only in {name} {', '.join(inside)}: inside fused steps of {other.path}")
            click.echo("          the project's tflm/model.tflite has every layer, and so has `compile --unfused`")
        if others:
            click.echo(f"only in {name} {', '.join(others)}")
    if difference.inputs_differ:
        click.echo("note      one side's input cannot hold these values: each may want its inputs prepared otherwise")
    click.echo()
    click.echo(verdict(difference))


def pair_table(difference: Difference) -> str:
    """A line per pair; the first that differs, or loses most, is marked."""
    header = ["layer", "in B", "operator", "shape", "values", "largest difference", "SQNR dB", "lost dB", ""]
    rows = [_row(pair, difference) for pair in difference.pairs]
    used = [i for i in range(len(header)) if any(row[i] not in (None, "") for row in rows)]
    return table([header[i] for i in used], [[row[i] for i in used] for row in rows])


def _row(pair: Pair, difference: Difference) -> list[object]:
    mark = ""
    if pair is difference.first:
        mark = "◀ first difference"
    elif pair is difference.most_lost:
        mark = "◀ most is lost here"
    return [
        pair.layer,
        "" if all(one.layer == one.layer_b for one in difference.pairs) else pair.layer_b,
        pair.operator,
        shape(pair.shape),
        f"{pair.different:,} of {pair.values:,} differ" if pair.different and pair.judged else _same(pair),
        _largest(pair),
        _decibels(pair.sqnr_db),
        _decibels(pair.lost_db),
        mark,
    ]


def _decibels(ratio: float | None) -> str | None:
    return None if ratio is None else f"{round(ratio, 1) + 0.0:.1f}"  # no -0.0


def _same(pair: Pair) -> str:
    if pair.max_abs == 0:
        return "equal"
    return "within tolerance" if pair.judged else "reported"


def _largest(pair: Pair) -> str:
    if pair.max_abs == 0:
        return ""
    if pair.unit == "real":
        return f"{pair.max_abs:.4g}"
    return f"{pair.max_abs:.0f} step{'s' if pair.max_abs > 1 else ''}"


def _all(count: int) -> str:
    return "the only tensor" if count == 1 else f"all {count} tensors"


def verdict(difference: Difference) -> str:
    """What it comes to, in a line."""
    first, count = difference.first, len(difference.pairs)
    if first is not None:
        number = sum(pair.diverges for pair in difference.pairs)
        assert first.first is not None, "a pair that differs has a first difference"
        inference, *index = first.first
        of = "the only tensor" if count == 1 else f"{number} of {count} tensors"
        values = f"{first.first_a:.6g} in A, {first.first_b:.6g} in B"
        return f"different {of}, first {first.layer}: value {index} of inference {inference} is {values}"
    judged = sum(pair.judged for pair in difference.pairs)
    if judged == count:
        exact = all(pair.max_abs == 0 for pair in difference.pairs)
        return f"{'equal' if exact else 'alike':<9} {_all(count)}{'' if exact else ', within the tolerance'}"
    lost = difference.most_lost
    last = difference.pairs[-1]
    where = f", most of it lost in {lost.layer}" if lost else ""
    ratio = "exact" if last.sqnr_db is None else f"{last.sqnr_db:.1f} dB"
    return f"reported  {last.layer} {ratio}{where}; numbers of other kinds or scales are judged with --tolerance only"
