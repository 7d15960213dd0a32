"""Where the arena lies, and what is said when it fits nowhere."""

from __future__ import annotations

import pytest
from seatool import boards
from seatool.errors import BudgetError
from seatool.plan.budget import Limits, firmware_ram
from seatool.tflm.place import ARENA, FRONT_END, STATIC_BYTES, Needs, place

BOARD = boards.load("m7")
LIMITS = Limits(BOARD.stack_bytes)


def needs(arena: int, front_end: int = 0, model: int = 100_000) -> Needs:
    blocks = {ARENA: arena} | ({FRONT_END: front_end} if front_end else {})
    return Needs(model, blocks)


def test_fastest_region_with_room() -> None:
    assert place("net", BOARD, needs(100_000), LIMITS).regions == {ARENA: "dtcm"}
    assert place("net", BOARD, needs(131_072), LIMITS).regions == {ARENA: "axi"}, "the stack is in dtcm"
    assert place("net", BOARD, needs(120_000, 20_000), LIMITS).regions == {ARENA: "dtcm", FRONT_END: "axi"}


def test_usage_adds_up() -> None:
    layout = place("net", BOARD, needs(120_000, 20_000), LIMITS)
    used = {use.region: use.needed for use in layout.usage}
    assert used["flash"] == 100_000 + Needs(0, {}).code
    assert used["axi"] == 20_000
    firmware = sum(part.bytes for part in firmware_ram(BOARD.stack_bytes))
    assert used["dtcm"] == 120_000 + firmware + STATIC_BYTES
    assert all(use.fits for use in layout.usage)


def test_arena_has_to_lie_in_one_region() -> None:
    with pytest.raises(
        BudgetError, match=r"net in TFLM does not fit m7\n  arena  needs 600,000 B in one piece"
    ) as info:
        place("net", BOARD, needs(600_000), LIMITS)
    assert info.value.hint is not None
    assert "--runtime aot" in info.value.hint


def test_flash() -> None:
    with pytest.raises(BudgetError, match=r"flash  needs 2,177,824 B of 2,097,152"):
        place("net", BOARD, needs(1_000, model=2_100_000), LIMITS)


@pytest.mark.parametrize(
    ("limits", "what"), [(Limits(4096, ram=64_000), "ram "), (Limits(4096, flash=150_000), "flash")]
)
def test_limits(limits: Limits, what: str) -> None:
    with pytest.raises(BudgetError, match=f"  {what}"):
        place("net", BOARD, needs(60_000), limits)
