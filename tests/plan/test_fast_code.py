"""Which layers' code goes to the ITCM."""

from __future__ import annotations

from dataclasses import replace

import pytest
from seatool.boards.board import Board, Region
from seatool.boards.mpu import NULL_GUARD
from seatool.plan import PlanOptions, plan
from seatool.plan.fast_code import fast_bytes, fast_steps
from standins import board, chain, graph, layer, view

K = 1024


def with_itcm(size: int, emulated: bool = True) -> Board:
    """A board whose ITCM is at address 0."""
    plain = board(128 * K, 512 * K)
    region = Region("itcm", "itcm", 0, size, emulator_address=0x0030_0000 if emulated else None)
    return replace(plain, memory=(*plain.memory, region))


def test_all_code_that_fits_goes_there() -> None:
    net = graph({"x": 64, "flat": 64, "y": 32}, [view("v", "x", "flat"), layer("l", ["flat"], ["y"])], ["x"], ["y"])
    program = plan(net, with_itcm(64 * K))
    assert [step.fast_code for step in program.steps] == [False, True]
    assert program.has_fast_code
    itcm = program.usage[-1]
    assert (itcm.region, itcm.capacity) == ("itcm", 64 * K)
    assert {part.label: (part.bytes, part.estimated) for part in itcm.parts} == {
        "null pointers": (NULL_GUARD.size, False),
        "code": (100, True),
    }


def test_the_busiest_code_comes_first_where_there_is_not_enough_room() -> None:
    program = plan(chain([16, 1600, 16, 800, 16, 3200, 32, 64, 48]), with_itcm(64 * K))
    assert all(step.fast_code for step in program.steps)
    shared = (("both", 8 * K), ("rare", 2 * K))
    steps = [replace(step, cost=replace(step.cost, code=8 * K, shared=shared)) for step in program.steps]
    chosen = fast_steps(steps, with_itcm(64 * K))
    assert 0 < len(chosen) < len(steps)
    slowest = min(steps[number].cycles for number in chosen)
    assert all(step.cycles <= slowest for step in steps if step.index not in chosen)
    marked = [replace(step, fast_code=step.index in chosen) for step in steps]
    assert fast_bytes(marked) == (8 * len(chosen) + 10) * K < 48 * K < fast_bytes(marked) + 8 * K


@pytest.mark.parametrize("without", [board(128 * K), with_itcm(64 * K, emulated=False)])
def test_without_an_itcm_code_stays_in_flash(without: Board) -> None:
    program = plan(chain([16, 16]), without)
    assert not program.has_fast_code
    assert "itcm" not in [usage.region for usage in program.usage]


def test_code_stays_in_flash_on_request() -> None:
    program = plan(chain([16, 16]), with_itcm(64 * K), PlanOptions(fast_code=False))
    assert not program.has_fast_code
    assert program.usage[-1].region == "itcm"
    assert program.usage[-1].needed == 0


def test_the_itcm_is_no_ram() -> None:
    """Code there does not count against --ram, which is about data."""
    limit = 2 * 1600 + 1024 + 512 + 64
    plain, fast = (
        plan(chain([1600, 1600]), b, PlanOptions(ram_limit=limit)) for b in (board(128 * K), with_itcm(64 * K))
    )
    assert plain.blocks == fast.blocks
