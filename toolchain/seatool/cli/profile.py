"""``seatool profile``: instructions per layer, stack, RAM; estimated cycles."""

from __future__ import annotations

from pathlib import Path

import click

from seatool.cli.session import Session, session_options


@click.command("profile")
@click.argument("project", type=click.Path(path_type=Path))
@click.option("--cycles", is_flag=True, help="Also estimate cycles and milliseconds (docs/cycles.md).")
@session_options
def command(session: Session, project: Path, cycles: bool) -> None:
    """Count the instructions of each layer of PROJECT.

    The firmware runs in the emulator; its stack and RAM are measured too. Counts are exact and repeatable. They are
    instructions, not cycles; --cycles estimates these with a model of the Cortex-M7 and of the board's caches, which
    takes a C compiler for this computer.
    """
    from seatool.pipeline.profile import profile_project
    from seatool.report import terminal

    profile = profile_project(session.project(project), session.stage, cycles=cycles)
    if (reason := profile.project.manifest["cycles_unavailable"]) is not None:
        session.note(f"no cycles are estimated, only instructions counted: {reason}")
    session.result({"project": str(project), **profile.project.manifest}, lambda: terminal.show_profile(profile))
