"""Services that behave and services that do not."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator

from seatool.errors import BudgetError
from seatool.isolate import Message


def echo(requests: Iterator[Message]) -> Iterator[Message]:
    for request in requests:
        print("nothing that a library prints gets between the answers", flush=True)
        os.write(1, b"neither from C")
        yield request


def process(requests: Iterator[Message]) -> Iterator[Message]:
    for _ in requests:
        yield Message({"pid": os.getpid(), "main": getattr(sys.modules["__main__"], "__file__", None)})


def refuse(requests: Iterator[Message]) -> Iterator[Message]:
    raise BudgetError("too much", "take less")
    yield from requests


def crash(requests: Iterator[Message]) -> Iterator[Message]:
    next(requests)
    os.write(2, b"last words")
    os.kill(os.getpid(), signal.SIGSEGV)
    yield Message()


def stumble(requests: Iterator[Message]) -> Iterator[Message]:
    yield Message({"quotient": next(requests).fields["dividend"] / 0})


def leave(requests: Iterator[Message]) -> Iterator[Message]:
    next(requests)
    os._exit(3)
    yield Message()


def loop(requests: Iterator[Message]) -> Iterator[Message]:
    while True:
        pass
    yield from requests


def wait(requests: Iterator[Message]) -> Iterator[Message]:
    time.sleep(3600)
    yield from requests


def devour(requests: Iterator[Message]) -> Iterator[Message]:
    yield Message({"size": len(bytearray(1 << 40))})
