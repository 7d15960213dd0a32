"""``seatool boards``: what boards there are and what they have."""

from __future__ import annotations

import click

from seatool.cli.session import Session, session_options


@click.group("boards", invoke_without_command=True)
@session_options
def command(session: Session) -> None:
    """List the boards; `boards show NAME` prints one."""
    if click.get_current_context().invoked_subcommand is not None:
        return
    from seatool import boards
    from seatool.report import terminal

    found = [boards.load(name) for name in boards.available()]
    value = {"boards": [boards.describe(board) for board in found]}
    session.result(value, lambda: terminal.show_boards(found))


@command.command("show")
@click.argument("board")
@session_options
def show(session: Session, board: str) -> None:
    """Print BOARD: core, memory regions, emulator, probe."""
    from seatool import boards
    from seatool.report import terminal

    loaded = boards.load(board)
    session.result(boards.describe(loaded), lambda: terminal.show_board(loaded))
