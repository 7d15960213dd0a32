"""The stand-ins are known to the planner in this folder only."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from seatool.kernels import operators
from standins import StandIn, StandInView


@pytest.fixture(scope="module", autouse=True)
def stand_ins() -> Iterator[None]:
    """Add the stand-ins to the operators, and take them away again."""
    known = {**operators(), StandIn.kind: StandIn, StandInView.kind: StandInView}
    with pytest.MonkeyPatch.context() as patch:
        for module in ("seatool.kernels.base", "seatool.plan.choose"):
            patch.setattr(f"{module}.operators", lambda: known)
        yield
