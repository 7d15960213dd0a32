"""``seatool plan``: what RAM, flash and speed a model can be compiled to."""

from __future__ import annotations

from pathlib import Path

import click

from seatool.cli.parameters import BYTES, UNFUSED
from seatool.cli.session import Session, session_options


@click.command("plan")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("-b", "--board", default="m7", show_default=True, help="Board name or a board file.")
@click.option("--calibration", type=click.Path(path_type=Path), help="Folder of WAV files, or an .npy/.npz of inputs.")
@click.option("--stack", type=BYTES, help="Stack to reserve, for example 8K.  [default: the board's]")
@click.option("--ram", type=BYTES, help="Only plans within this much RAM, for example 256K.")
@click.option("--flash", type=BYTES, help="Only plans within this much flash.")
@UNFUSED
@click.option("--plot", type=click.Path(path_type=Path), help="Also draw them into this SVG file.")
@session_options
def command(
    session: Session,
    model: Path,
    board: str,
    calibration: Path | None,
    stack: int | None,
    ram: int | None,
    flash: int | None,
    unfused: bool,
    plot: Path | None,
) -> None:
    """Show the plans between RAM, flash and speed for MODEL.

    `compile --ram`, `--flash` and `--optimize` pick one of them. RAM is the model's own: activations with input and
    output, scratch, front end, resident weights. Cycles and instructions are estimates; `profile` counts instructions
    and, with --cycles, estimates cycles from what ran.
    """
    from seatool import files
    from seatool.errors import InputError
    from seatool.pipeline import CompileOptions, plan_model
    from seatool.report import frontier, terminal

    if plot is not None:
        if plot.suffix.lower() != ".svg":
            raise InputError(f"{plot}: plots are drawn as SVG only", f"call it {plot.with_suffix('.svg').name}")
        files.check_parent(plot)
    options = CompileOptions(board, None, calibration, stack, ram, flash, fuse=not unfused)
    found = plan_model(model, options, session.stage)
    if plot is not None:
        files.write_text(plot, frontier.svg(found, model.name))
    session.result(frontier.to_json(found), lambda: terminal.show_frontier(found, plot))
