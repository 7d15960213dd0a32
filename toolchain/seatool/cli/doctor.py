"""``seatool doctor``: is everything here that the commands need?"""

from __future__ import annotations

import click

from seatool.cli.session import Session, session_options


@click.command("doctor")
@session_options
def command(session: Session) -> None:
    """Check the tools and packages that seatool calls.

    The exit code is 1 if a required one is missing.
    """
    from seatool.build import tools
    from seatool.report import terminal

    found = tools.survey()
    session.result({"tools": [tool.to_json() for tool in found]}, lambda: terminal.show_tools(found))
    if any(tool.required and tool.version is None for tool in found):
        click.get_current_context().exit(1)
