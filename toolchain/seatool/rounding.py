"""Whole numbers rounded up."""

from __future__ import annotations


def ceil_div(a: int, b: int) -> int:
    """``a / b`` rounded up.

    >>> ceil_div(7, 3)
    3
    """
    return -(-a // b)


def round_up(a: int, step: int) -> int:
    """The smallest multiple of ``step`` that is at least ``a``.

    >>> round_up(7, 3)
    9
    """
    return ceil_div(a, step) * step
