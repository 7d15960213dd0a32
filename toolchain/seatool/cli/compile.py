"""``seatool compile``: model file to project folder."""

from __future__ import annotations

from pathlib import Path

import click

from seatool.cli.parameters import BYTES, FORCE, OPTIMIZE, RUNTIME, UNFUSED, Optimize, Runtime
from seatool.cli.session import Session, session_options


@click.command("compile")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("-b", "--board", default="m7", show_default=True, help="Board name or a board file.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Project folder.  [default: build/NAME]")
@click.option("--name", help="Prefix of the generated C, an identifier.  [default: from the file name]")
@click.option("--calibration", type=click.Path(path_type=Path), help="Folder of WAV files, or an .npy/.npz of inputs.")
@OPTIMIZE
@click.option("--stack", type=BYTES, help="Stack to reserve, for example 8K.  [default: the board's]")
@click.option("--ram", type=BYTES, help="Stay within this much RAM, for example 256K.")
@click.option("--flash", type=BYTES, help="Stay within this much flash.")
@UNFUSED
@click.option("--code-in-flash", is_flag=True, help="Leave all code in flash, even if the board has an ITCM.")
@RUNTIME
@FORCE
@click.option("--check", is_flag=True, help="Also build it and verify it in the emulator.")
@session_options
def command(
    session: Session,
    model: Path,
    board: str,
    out: Path | None,
    name: str | None,
    calibration: Path | None,
    optimize: Optimize,
    stack: int | None,
    ram: int | None,
    flash: int | None,
    unfused: bool,
    code_in_flash: bool,
    runtime: Runtime,
    force: bool,
    check: bool,
) -> None:
    """Compile MODEL into a firmware project.

    MODEL is an .h5, .h5.gz, .keras or .tflite file or a SavedModel folder. Float models are quantized to int8 with
    --calibration, or with built-in sounds if the model listens to audio. The memory of the board is checked before
    anything is written.
    """
    from seatool.pipeline import CompileOptions, compile_model
    from seatool.report import terminal

    options = CompileOptions(
        board, name, calibration, stack, ram, flash, optimize, not unfused, not code_in_flash, runtime
    )
    compiled = compile_model(model, out, options, session.stage, force=force)
    if compiled.kept:
        session.detail("the quantized model in that project is still valid and was taken from it")
    if compiled.program is not None:
        session.detail(terminal.plan_table(compiled.program))
    if check:
        from seatool.pipeline.verify import verify_project

        verified = verify_project(compiled.project, stage=session.stage)
        manifest = verified.project.manifest
    else:
        manifest = compiled.project.manifest
    if calibration is not None and manifest["quantization"] is None:
        session.note("note: the model is quantized already; --calibration is not used")
    value = {"project": str(compiled.project.path), **manifest}
    session.result(value, lambda: terminal.show_compiled(manifest, compiled))
