"""``seatool build``: project folder to ELF files."""

from __future__ import annotations

from pathlib import Path

import click

from seatool.cli.session import Session, session_options


@click.command("build")
@click.argument("project", type=click.Path(path_type=Path))
@session_options
def command(session: Session, project: Path) -> None:
    """Build PROJECT for its board and for the emulator.

    The measured sizes are checked against the board.
    """
    from seatool.pipeline.build import build_project
    from seatool.report import terminal

    built_project, _ = build_project(session.project(project), session.stage)
    manifest = built_project.manifest
    session.result({"project": str(project), **manifest}, lambda: terminal.show_built(built_project))
