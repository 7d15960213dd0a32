"""The page about the operators is the one that the operators write."""

from __future__ import annotations

from pathlib import Path

from seatool.report.operators import markdown


def test_the_page_is_up_to_date() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "operators.md"
    assert page.read_text() == markdown(), "run: python -m seatool.report.operators > docs/operators.md"
