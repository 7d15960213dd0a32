"""Run a library that damaged files can hang or crash where it does no harm: in a process of its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TypeVar

from seatool.errors import InputError

T = TypeVar("T")

PATIENCE_S = 10.0
"""Seconds that the work may take; reading a file of 20 MB takes 0.1."""


def isolated(work: Callable[[], T], name: str) -> T:
    """``work()``, which may raise InputError; a forked process computes it where the system can fork.

    Args:
        work: Its result must be picklable.
        name: How error messages call the file that ``work`` reads.

    Raises:
        InputError: From ``work``, or because it crashed or did not end.
    """
    if "fork" not in multiprocessing.get_all_start_methods():
        return work()
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_report, args=(work, sender), daemon=True)
    process.start()
    sender.close()
    try:
        if not receiver.poll(PATIENCE_S):
            raise InputError(f"{name}: the HDF5 library does not finish reading it", "the file is damaged")
        result, error = receiver.recv()
    except EOFError:
        raise InputError(f"{name}: the HDF5 library crashes on it", "the file is damaged") from None
    finally:
        receiver.close()
        process.kill()
        process.join()
    if error is not None:
        raise InputError(*error)
    return result  # type: ignore[no-any-return]


def _report(work: Callable[[], object], sender: Connection) -> None:
    try:
        sender.send((work(), None))
    except InputError as error:
        sender.send((None, (error.message, error.hint)))
