"""Layout helpers of the terminal report."""

from __future__ import annotations

import doctest

from seatool.report import terminal


def test_the_examples_in_the_docstrings() -> None:
    assert doctest.testmod(terminal).failed == 0

