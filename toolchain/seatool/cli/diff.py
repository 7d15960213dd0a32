"""``seatool diff``: two models, firmwares or dumps, layer by layer."""

from __future__ import annotations

from pathlib import Path

import click

from seatool.cli.parameters import INPUTS, inputs_source
from seatool.cli.session import Session, session_options
from seatool.errors import VerificationError


@click.command("diff")
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@INPUTS
@click.option("--inputs", "count", default=4, show_default=True, type=click.IntRange(min=1), help="Generated inputs.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Of the random ones.")
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    help="What values may differ by: steps of a common scale, else real.  [default: 0; float sums: their rounding]",
)
@session_options
def command(
    session: Session,
    a: Path,
    b: Path,
    inputs: tuple[tuple[str, Path], ...],
    count: int,
    seed: int,
    tolerance: float | None,
) -> None:
    """Compare A and B tensor by tensor.

    Each is a model file (quantized ones are computed by TFLM, float ones in numpy), a project folder (its firmware runs
    in the emulator), or tensors from files: a folder of `run --dump`, any folder of .npy, an .npz. Models compute the
    same inputs: --input, those that dumped tensors hold, or generated ones; behind an audio front end also --input
    FILE.wav.

    Tensors are matched by name, else in order. Integers of one scale have to be equal, real numbers nearly. Where a
    float model meets its quantized one, dequantized values are compared and the ratio of signal to noise (SQNR) is
    reported; that counts as no difference without --tolerance. Exit code 4 if anything differs.
    """
    from seatool.pipeline.diff import diff
    from seatool.report.difference import show

    source = inputs_source(inputs) if inputs else None
    found = diff(a, b, source, count, seed, tolerance, session.stage)
    session.result(found.to_json(), lambda: show(found))
    if found.first is not None:
        click.get_current_context().exit(VerificationError.exit_code)
