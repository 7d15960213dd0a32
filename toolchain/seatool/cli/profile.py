"""``seatool profile``: instructions per layer, stack, RAM."""

from __future__ import annotations

from pathlib import Path

import click

from seatool.cli.session import Session, session_options


@click.command("profile")
@click.argument("project", type=click.Path(path_type=Path))
@session_options
def command(session: Session, project: Path) -> None:
    """Count the instructions of each layer of PROJECT in the emulator; measure its stack and RAM.

    Counts are exact and repeatable. They are instructions, not cycles.
    """
    from seatool.pipeline.profile import profile_project
    from seatool.report import terminal

    profile = profile_project(session.project(project), session.stage)
    session.result({"project": str(project), **profile.project.manifest}, lambda: terminal.show_profile(profile))
