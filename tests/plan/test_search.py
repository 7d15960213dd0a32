"""The search against trying everything."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from seatool.kernels import Cost, bind
from seatool.plan.choose import GAIN, Candidate, Group, feeds_only, worth_considering
from seatool.plan.program import Stage
from seatool.plan.search import Picks, Space
from seatool.plan.tables import Packing
from standins import Keeping, chain

NET = chain([16, 16])
ROOMS = (320, 160)


def candidate(cost: Cost, flash: int, resident: int = 0) -> Candidate:
    """A made-up kernel; an instruction is a cycle."""
    cost = replace(cost, cycles=cost.instructions)
    return Candidate((Stage((), bind(NET.ops[0], NET), Keeping(resident)),), cost, flash)


def candidates(rng: np.random.Generator, count: int, instructions: int) -> tuple[Candidate, ...]:
    """Made-up needs; half of the kernels keep something in RAM."""
    made = []
    for number in range(count):
        cost = Cost(int(rng.integers(1, instructions)), int(rng.integers(0, 20)) * 16, 0)
        made.append(candidate(cost, int(rng.integers(0, 1000)), number % 2 * int(rng.integers(1, 12)) * 16))
    return tuple(made)


def space(seed: int, length: int = 4) -> Space:
    """A chain of operators, some of which can be computed two at a time."""
    rng = np.random.default_rng(seed)
    net = chain([int(size) * 16 for size in rng.integers(1, 20, length + 1)])
    bound = [bind(op, net) for op in net.ops]
    groups = []
    for first, operator in enumerate(bound):
        begins = [Group(first, (operator,), candidates(rng, 4, 1000))]
        if feeds_only(net, bound, first):
            begins.append(Group(first, (operator, bound[first + 1]), candidates(rng, 2, 1500)))
        groups.append(tuple(begins))
    return Space(net, tuple(groups), rooms=ROOMS)


def everything(found: Space) -> list[Picks]:
    """Every combination whose resident blocks can be divided over the rooms."""

    def plans(first: int) -> list[Picks]:
        if first == len(found.choices):
            return [Picks((), found.floor)]
        return [
            Picks((choice, *picks.choices), found.floor)
            for choice in found.choices[first]
            for picks in plans(choice.group.end)
        ]

    return [picks for picks in plans(0) if divisible([size for c in picks.choices for size in c.resident])]


def divisible(blocks: list[int]) -> bool:
    """Whether ``ROOMS`` hold ``blocks``, by trying all divisions."""
    for homes in product(range(len(ROOMS)), repeat=len(blocks)):
        held = [sum(b for b, home in zip(blocks, homes, strict=True) if home == room) for room in range(len(ROOMS))]
        if all(used <= room for used, room in zip(held, ROOMS, strict=True)):
            return True
    return False


@pytest.fixture(autouse=True)
def no_operator_works_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Candidate, "inplace", ())


@pytest.mark.parametrize("seed", range(20))
def test_search_finds_what_trying_everything_finds(seed: int) -> None:
    found = space(seed)
    plans = everything(found)
    for ram, flash in product((None, 400, 600, 800), (None, 1500, 2500)):
        within = [p for p in plans if (ram is None or p.ram <= ram) and (flash is None or p.flash <= flash)]
        fastest, smallest = found.fastest(ram, flash), found.smallest(ram, flash)
        if not within:
            assert fastest is None
            assert smallest is None
            continue
        assert fastest is not None
        assert smallest is not None
        assert fastest.effort == min(p.effort for p in within)
        assert smallest.flash == min(p.flash for p in within)
        assert all((ram is None or p.ram <= ram) and (flash is None or p.flash <= flash) for p in (fastest, smallest))


@pytest.mark.parametrize("seed", range(10))
def test_plans_come_in_the_order_of_speed(seed: int) -> None:
    found = list(space(seed).plans(600, 2500))
    assert [p.effort for p in found] == sorted(p.effort for p in found)
    assert len({p.choices for p in found}) == len(found)


@pytest.mark.parametrize("seed", range(10))
def test_least_ram_is_the_least(seed: int) -> None:
    found = space(seed)
    least = found.least_ram()
    assert least is not None
    assert least.ram == min(picks.ram for picks in everything(found))
    assert found.least_ram(-1) is None


@pytest.mark.parametrize("seed", range(10))
def test_no_plan_beats_the_frontier(seed: int) -> None:
    found = space(seed, length=3)
    frontier = found.frontier()
    for plan in everything(found):
        near = plan.effort * (1 + GAIN)
        assert any(p.ram <= plan.ram and p.flash <= plan.flash and p.effort <= near for p in frontier)
    for point in frontier:
        others = [p for p in frontier if p is not point]
        assert not any(p.ram <= point.ram and p.flash <= point.flash and p.effort <= point.effort for p in others)


def test_search_of_many_combinations_is_near_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only a selection is kept, something is lost, but never the limits."""
    found = space(3, length=5)
    plans = [p for p in everything(found) if p.ram <= 700]
    for size, loss in ((512, 1.0), (16, 1.2)):
        monkeypatch.setattr("seatool.plan.search.FRONT_SIZE", size)
        for flash in (1200, 1800, 2400):
            fastest = found.fastest(700, flash)
            assert fastest is not None
            assert fastest.flash <= flash
            assert fastest.ram <= 700
            assert fastest.effort <= loss * min(p.effort for p in plans if p.flash <= flash)


def test_blocks_that_no_region_holds_are_not_chosen_together() -> None:
    packing = Packing((100, 50))
    numbers = packing.join(np.array([0, 0]), (60,))
    assert packing.join(numbers, (60,)).tolist() == [-1, -1]
    assert (packing.join(packing.join(numbers, (50,)), (40,)) >= 0).all()


def test_what_is_alive_is_counted_and_what_lies_between_is_not() -> None:
    net = chain([160, 320, 480])
    bound = [bind(op, net) for op in net.ops]
    one = candidate(Cost(1, 64), 0)
    both = Group(0, tuple(bound), (one,))
    found = Space(net, ((Group(0, (bound[0],), (one,)), both), (Group(1, (bound[1],), (one,)),)))
    assert [[choice.ram for choice in begins] for begins in found.choices] == [
        [160 + 320 + 64, 160 + 480 + 64],
        [320 + 480 + 64],
    ]


def test_candidates_that_gain_nothing_are_dropped() -> None:
    fast, near = candidate(Cost(1000, 900), 9), candidate(Cost(1003, 500), 9)
    slow, small = candidate(Cost(2000, 500), 9), candidate(Cost(2000, 400), 5)
    kept = candidate(Cost(1000, 400), 4, resident=64)
    assert worth_considering([slow, near, small, kept, fast]) == (kept, near, small)
