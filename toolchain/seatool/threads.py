"""Float sums that do not depend on the number of cores.

A matrix product on several threads adds up in another order than on one, and the last bit of a sum decides how a value
is rounded. What promises equal results everywhere computes on one thread.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController

P = ParamSpec("P")
T = TypeVar("T")


def one_thread(function: Callable[P, T]) -> Callable[P, T]:
    """``function`` with numpy's matrix products on one thread while it runs."""

    @wraps(function)
    def limited(*args: P.args, **kwargs: P.kwargs) -> T:
        with _controller().limit(limits=1, user_api="blas"):
            return function(*args, **kwargs)

    return limited


@cache
def _controller() -> ThreadpoolController:
    """The libraries that numpy computes with; finding them takes a while."""
    import numpy  # noqa: F401 (loads them)

    return ThreadpoolController()
