"""``seatool run``: the firmware in the emulator, on a recording or on tensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from seatool.cli.session import Session, session_options
from seatool.errors import InputError


@click.command("run")
@click.argument("project", type=click.Path(path_type=Path))
@click.option("--wav", type=click.Path(path_type=Path), help="A recording: any sample rate, mono or not.")
@click.option("--input", "tensors", type=click.Path(path_type=Path), help="Input tensors (.npy or .npz).")
@click.option("--hop-size", type=click.FloatRange(0, min_open=True), default=0.1, show_default=True, help="Seconds.")
@click.option("--center/--no-center", default=True, show_default=True, help="Pad half a second in front.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Write the result to this .npz file.")
@session_options
def command(
    session: Session,
    project: Path,
    wav: Path | None,
    tensors: Path | None,
    hop_size: float,
    center: bool,
    out: Path | None,
) -> None:
    """Run PROJECT's firmware in the emulator on --wav FILE or --input FILE."""
    if (wav is None) == (tensors is None):
        raise click.UsageError("give either --wav FILE or --input FILE")
    if out is not None and out.suffix != ".npz":
        raise InputError(f"{out}: results are written as .npz", f"use -o {out.with_suffix('.npz')}")
    from seatool.pipeline import run
    from seatool.report import terminal

    opened = session.project(project)
    if wav is not None:
        embeddings = run.run_recording(opened, wav, hop_size, center, session.stage)
        arrays = {"embedding": embeddings.embedding, "timestamps": embeddings.timestamps}
        instructions = embeddings.instructions
    else:
        assert tensors is not None, "one of the two is given"
        outputs = run.run_tensors(opened, tensors, session.stage)
        arrays, instructions = dict(outputs.tensors), outputs.instructions
    if out is not None:
        run.save(out, arrays)
    value: dict[str, Any] = {key: array.tolist() for key, array in arrays.items()}
    about = {"project": str(project), "edited": opened.edits(), "instructions": instructions}
    body = {**about, "out": str(out) if out else None, **value}
    session.result(body, lambda: terminal.show_run(arrays, instructions, out))
