"""What every command shares: ``--json``, ``-v``, ``-q``, and how progress and results reach the user."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from seatool.pipeline import Project


@dataclass
class Session:
    """Output of one command: results on standard output, progress on standard error.

    ``verbosity``: -1 quiet, 0 normal, 1 verbose.
    """

    as_json: bool = False
    verbosity: int = 0

    def detail(self, text: str) -> None:
        """Something for ``-v``."""
        if self.verbosity > 0:
            click.echo(text, err=True)

    def note(self, text: str) -> None:
        """Something the user should know that is no error (an approximation, a default taken)."""
        if self.verbosity >= 0:
            click.echo(text, err=True)

    def project(self, path: Path) -> Project:
        """Open a project; notes what was edited in it."""
        from seatool.pipeline import open_project

        opened = open_project(path)
        for name, found in opened.edits().items():
            self.note(f"note: {path / name} {'is missing' if found is None else 'was edited'} since it was generated")
        return opened

    @contextmanager
    def stage(self, text: str) -> Iterator[Callable[[int, int], None]]:
        """Announce a step; yields ``advance(done, total)``. A live bar on a terminal, one plain line elsewhere."""
        if self.verbosity < 0:
            yield lambda done, total: None
        elif not sys.stderr.isatty():
            click.echo(f"{text} ...", err=True)
            yield lambda done, total: None
        else:
            with _bar(text) as advance:
                yield advance

    def result(self, value: dict[str, Any], show: Callable[[], None]) -> None:
        """Print the result: as JSON with ``--json``, else by calling ``show`` (not with ``-q``)."""
        if self.as_json:
            click.echo(json.dumps(value, indent=2))
        elif self.verbosity >= 0:
            show()


@contextmanager
def _bar(text: str) -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(24), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(text, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


_OPTIONS = (
    click.option("--json", "as_json", is_flag=True, help="Print the result as JSON (docs/json.md)."),
    click.option("-v", "--verbose", is_flag=True, help="Say more; a bug of ours with its traceback."),
    click.option("-q", "--quiet", is_flag=True, help="Only errors."),
)


def session_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add ``--json``, ``-v`` and ``-q`` to a command and pass it a :class:`Session` first."""

    @functools.wraps(function)
    def wrapper(as_json: bool, verbose: bool, quiet: bool, **options: Any) -> None:
        function(Session(as_json, -1 if quiet else int(verbose)), **options)

    for option in _OPTIONS:
        wrapper = option(wrapper)
    return wrapper
