"""Layout helpers of the terminal report."""

from __future__ import annotations

import doctest

from seatool.report import terminal


def test_the_examples_in_the_docstrings() -> None:
    assert doctest.testmod(terminal).failed == 0


def test_a_bar_never_hides_something_and_never_overflows() -> None:
    assert terminal.bar(1, 1_000_000, 10)[0] != "·"
    assert terminal.bar(5_000_000, 1_000_000, 10) == "█" * 10
    assert len(terminal.bar(333, 1000, 10)) == 10
