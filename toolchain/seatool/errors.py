"""The errors a user reads. Each class is one documented exit code; the text says what, where and what next.

Raise these, and only these, for anything a user can cause or repair. The command line prints ``error: ...``
and ``hint: ...`` and exits with ``exit_code``; a traceback is a bug of ours.
"""

from __future__ import annotations


class SeatoolError(Exception):
    """Base of every error meant for the user.

    Args:
        message: What went wrong and where, in one sentence; further lines give the details.
        hint: What to do about it.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


class ToolError(SeatoolError):
    """A tool we call (compiler, emulator, probe) is missing or failed."""

    exit_code = 1


class InputError(SeatoolError):
    """The user's file, option or data is not usable."""

    exit_code = 2


class BudgetError(SeatoolError):
    """The model does not fit the board or the budget asked for."""

    exit_code = 3


class VerificationError(SeatoolError):
    """Our results differ from the reference's."""

    exit_code = 4
