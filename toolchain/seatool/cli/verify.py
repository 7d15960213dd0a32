"""``seatool verify``: every tensor against TFLM."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from seatool.cli.session import Session, session_options


@click.command("verify")
@click.argument("project", type=click.Path(path_type=Path))
@click.option("--inputs", default=8, show_default=True, type=click.IntRange(min=0), help="Random inputs.")
@click.option("--real", multiple=True, type=click.Path(path_type=Path), help="Also this .npy, .npz or .wav.")
@session_options
def command(session: Session, project: Path, inputs: int, real: tuple[Path, ...]) -> None:
    """Prove that PROJECT computes exactly what TFLM computes.

    The firmware runs in the emulator, TFLM on this machine; random, extreme and real inputs. Exit code 4 and the first
    differing value otherwise. Between layers that are computed together there are no tensors to compare; compile with
    --unfused to compare every layer.
    """
    from seatool.pipeline.verify import verify_project
    from seatool.report import terminal

    verified = verify_project(session.project(project), inputs, real, session.stage)
    value = {
        "project": str(project),
        "bit_exact": True,
        "inputs": dict(verified.inputs),
        "tensors": verified.tensors,
        "inner_tensors": verified.inner_tensors,
        "edited": verified.project.manifest["edited"],
        "frontend": asdict(verified.frontend) if verified.frontend else None,
    }
    session.result(value, lambda: terminal.show_verified(verified))
