"""``seatool inspect``: what a model file holds, layer by layer."""

from __future__ import annotations

from pathlib import Path

import click

from seatool.cli.session import Session, session_options


@click.command("inspect")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--kernels", is_flag=True, help="Also which kernels can compute each layer, and why others cannot.")
@session_options
def command(session: Session, model: Path, kernels: bool) -> None:
    """Show what MODEL holds, layer by layer.

    MODEL is a file that `compile` takes, or a project folder, which also says where each layer is computed. Layers are
    those of the file, before anything is merged; a float model is shown as it is before quantization. Nothing is
    written. Exit code 2 if `compile` would refuse an operator; all those are listed.
    """
    from seatool.pipeline.inspection import inspect_model
    from seatool.report.inspection import show

    with session.stage(f"reading {model}"):
        inspection = inspect_model(model)
    session.result(inspection.to_json(), lambda: show(inspection, kernels))
    if inspection.obstacles is not None:
        click.get_current_context().exit(inspection.obstacles.exit_code)
