"""How long work reports progress: a context manager per stage that yields ``advance(done, total)``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Advance = Callable[[int, int], None]
Stage = Callable[[str], AbstractContextManager[Advance]]


@contextmanager
def silent(text: str) -> Iterator[Advance]:
    """The stage that says nothing."""
    yield lambda done, total: None
