"""``seatool run``: the firmware in the emulator, on a recording or on tensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seatool.cli.parameters import INPUTS, complete_layers, inputs_source
from seatool.cli.session import Session, session_options
from seatool.errors import InputError
from seatool.files import check_parent

if TYPE_CHECKING:
    from seatool.ir import Array
    from seatool.pipeline.run import Embeddings, Outputs


@click.command("run")
@click.argument("project", type=click.Path(path_type=Path))
@click.option("--wav", type=click.Path(path_type=Path), help="A recording: any sample rate, mono or not.")
@INPUTS
@click.option("--hop-size", type=click.FloatRange(0, min_open=True), default=0.1, show_default=True, help="Seconds.")
@click.option("--center/--no-center", default=True, show_default=True, help="Pad half a second in front.")
@click.option(
    "--dump",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_layers,
    help="Also write this layer's tensor into the folder -o, or all of them; repeatable.",
)
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Write the result to this .npz file.")
@session_options
def command(
    session: Session,
    project: Path,
    wav: Path | None,
    inputs: tuple[tuple[str, Path], ...],
    hop_size: float,
    center: bool,
    dump: tuple[str, ...],
    out: Path | None,
) -> None:
    """Run PROJECT's firmware on a recording or on tensors.

    Arrays hold one input, or several along a new first axis. A model with states takes these as one sequence: its
    states begin at their first values and go from row to row. Floating-point values for a quantized input are quantized
    with its scale. Outputs are as the model gives them, each with a row per input.

    With --dump, -o is a folder: an .npy file per tensor (--dump all: every tensor that the firmware has), their scales
    and zero points in tensors.json, the result in result.npz. `inspect` lists the names, `diff` compares such folders.
    """
    if (wav is None) == (not inputs):
        raise click.UsageError("give either --wav FILE or --input FILE")
    _check_out(out, dump)
    from seatool.pipeline import run, traces
    from seatool.report import terminal

    opened = session.project(project)
    result: Embeddings | Outputs
    if wav is not None:
        result = run.run_recording(opened, wav, hop_size, center, session.stage, dump=dump)
    else:
        result = run.run_tensors(opened, inputs_source(inputs), session.stage, dump=dump)
        for phrase in result.quantized:
            session.note(f"note: quantized {phrase}")
    arrays = run.arrays(result)
    dumped = None
    if out is not None and dump:
        dumped = traces.write(out, result.traces, result.absent, arrays)
    elif out is not None:
        run.save(out, arrays)
    about = {"project": str(project), "edited": opened.edits(), "instructions": result.instructions}
    body = {**about, "out": str(out) if out else None, "dump": dumped, **_values(arrays)}
    session.result(body, lambda: terminal.show_run(arrays, result.instructions, out, dumped))


def _check_out(out: Path | None, dump: tuple[str, ...]) -> None:
    """Before anything is run, whether the results can be written."""
    if not dump:
        if out is not None and out.suffix != ".npz":
            raise InputError(f"{out}: results are written as .npz", f"use -o {out.with_suffix('.npz')}")
        if out is not None:
            check_parent(out)
        return
    if out is None:
        raise click.UsageError("--dump writes into a folder: give it with -o DIR")
    if out.suffix == ".npz":
        raise InputError(f"{out}: --dump writes into a folder", f"use -o {out.with_suffix('')}")
    from seatool.pipeline import traces

    traces.check_folder(out)


def _values(arrays: Mapping[str, Array]) -> dict[str, Any]:
    return {key: array.tolist() for key, array in arrays.items()}
