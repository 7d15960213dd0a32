"""``seatool compare``: the compiled model beside the same model in TFLM."""

from __future__ import annotations

from pathlib import Path

import click

from seatool.cli.session import Session, session_options


@click.command("compare")
@click.argument("project", type=click.Path(path_type=Path))
@click.option("--tflm-dir", type=click.Path(path_type=Path), help="Your copy of TFLM, built.  [default: $TFLM_DIR]")
@click.option("--inputs", default=4, show_default=True, type=click.IntRange(min=1), help="Random inputs.")
@session_options
def command(session: Session, project: Path, tflm_dir: Path | None, inputs: int) -> None:
    """Compare PROJECT with TFLM running the same model.

    Instructions per layer, flash, RAM and stack of both images in the emulator, and whether both compute what TFLM
    computes on this machine. TFLM is your own, built by its Makefile; without it, figures recorded for known models.
    """
    from seatool.pipeline.compare import compare_project
    from seatool.report.comparison import show

    comparison = compare_project(session.project(project), tflm_dir, inputs, session.stage)
    session.result({"project": str(project), **comparison.to_json()}, lambda: show(comparison))
