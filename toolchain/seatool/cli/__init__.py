"""The command line. Each command lives in its own file and is imported only when it is called."""

from __future__ import annotations

import errno
import importlib
import json
import os
import sys
from typing import Any

import click

from seatool.errors import InputError, SeatoolError, ToolError
from seatool.version import __version__

_COMMANDS = {
    "boards": "boards",
    "build": "build",
    "compare": "compare",
    "compile": "compile",
    "demo": "demo",
    "diff": "diff",
    "doctor": "doctor",
    "fetch": "fetch",
    "inspect": "inspect",
    "plan": "plan",
    "profile": "profile",
    "run": "run",
    "verify": "verify",
}


class LazyGroup(click.Group):
    """A group that imports ``seatool.cli.<command>`` on first use, so that ``--help`` stays instant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"seatool.cli.{_COMMANDS[name]}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            raise click.exceptions.NoSuchCommand(error.command_name, possibilities=_COMMANDS, ctx=ctx) from None


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="seatool")
def seatool() -> None:
    """Take a trained neural network to a Cortex-M7 sensor: compile, build, emulate, verify.

    \b
    Exit codes: 0 done, 1 a tool failed, 2 bad input or usage, 3 does not fit the board,
    4 verification failed or a difference found, 130 stopped with Ctrl-C.
    """


def explain(error: BaseException) -> SeatoolError | None:
    """The user's view of an exception; None for a bug of ours."""
    if isinstance(error, SeatoolError):
        return error
    if isinstance(error, MemoryError):
        return ToolError("this machine ran out of memory", "close other programs or use fewer calibration clips")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ToolError(f"no space left on the disk (writing {error.filename or 'output'})", "free some space")
    if isinstance(error, PermissionError):
        return InputError(f"{error.filename}: permission denied", "choose a path you may read and write")
    if isinstance(error, OSError) and error.filename is not None:
        return InputError(f"{error.filename}: {(error.strerror or str(error)).lower()}")
    return None


def report(error: SeatoolError, as_json: bool) -> None:
    """Print an error to standard error; with ``--json`` also as an object on standard output."""
    if as_json:
        body = {"message": error.message, "hint": error.hint, "exit_code": error.exit_code}
        click.echo(json.dumps({"error": body}, indent=2))
    click.echo(f"error: {error.message}", err=True)
    if error.hint:
        click.echo(f"hint: {error.hint}", err=True)


def main(arguments: list[str] | None = None) -> None:
    """Entry point of the ``seatool`` command: runs it and turns every outcome into an exit code."""
    words: list[str] = sys.argv[1:] if arguments is None else arguments
    try:
        result: Any = seatool.main(words, prog_name="seatool", standalone_mode=False)
        code = result if isinstance(result, int) else 0
    except click.ClickException as error:
        error.show()
        code = 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        code = 130
    except BrokenPipeError:
        # The reader (head, less) has gone; nothing more can be said on standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:
        explained = explain(error)
        if explained is None:
            if {"-v", "--verbose"} & set(words):
                raise
            explained = ToolError(
                f"this is a bug in seatool: {type(error).__name__}: {error}", "run it with -v for a report to send us"
            )
        report(explained, "--json" in words)
        code = explained.exit_code
    sys.exit(code)
