"""``seatool fetch``: published students."""

from __future__ import annotations

import click

from seatool.cli.session import Session, session_options


@click.group("fetch")
def command() -> None:
    """Download published models into the cache, checked by hash."""


@command.command("edgel3")
@click.option("--emb-dim", type=click.Choice(["64", "128", "256", "512"]), default="128", show_default=True)
@session_options
def edgel3(session: Session, emb_dim: str) -> None:
    """The SEA students that the edgel3 package publishes (MIT licence)."""
    from seatool.importers.edgel3 import fetch

    with session.stage(f"fetching the {emb_dim}-d student"):
        path = fetch(int(emb_dim))
    session.result({"path": str(path)}, lambda: click.echo(path))
