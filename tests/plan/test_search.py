"""The search against trying everything."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from seatool.kernels import Cost, bind
from seatool.plan.choose import Candidate, Group, feeds_only, undominated
from seatool.plan.program import Stage
from seatool.plan.search import Picks, Space
from standins import Fast, chain

NET = chain([16, 16])


def candidates(rng: np.random.Generator, count: int, instructions: int) -> tuple[Candidate, ...]:
    """Made-up needs for a made-up kernel."""
    made = []
    for _ in range(count):
        cost = Cost(int(rng.integers(1, instructions)), int(rng.integers(0, 20)) * 16, 0)
        made.append(Candidate((Stage((), bind(NET.ops[0], NET), Fast()),), cost, int(rng.integers(0, 1000))))
    return tuple(made)


def space(seed: int, length: int = 4) -> Space:
    """A chain of operators, some of which can be computed two at a time."""
    rng = np.random.default_rng(seed)
    net = chain([int(size) * 16 for size in rng.integers(1, 20, length + 1)])
    bound = [bind(op, net) for op in net.ops]
    groups = []
    for first, operator in enumerate(bound):
        begins = [Group(first, (operator,), candidates(rng, 3, 1000))]
        if feeds_only(net, bound, first):
            begins.append(Group(first, (operator, bound[first + 1]), candidates(rng, 2, 1500)))
        groups.append(tuple(begins))
    return Space(net, tuple(groups))


def everything(found: Space) -> list[tuple[int, int, int]]:
    """(RAM, flash, instructions) of every combination."""

    def plans(first: int) -> list[Picks]:
        if first == len(found.choices):
            return [Picks(found.floor, 0, 0)]
        return [picks.after(choice) for choice in found.choices[first] for picks in plans(choice.group.end)]

    return [(picks.ram, picks.flash, picks.instructions) for picks in plans(0)]


@pytest.fixture(autouse=True)
def no_operator_works_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Candidate, "inplace", ())


@pytest.mark.parametrize("seed", range(20))
def test_search_finds_what_trying_everything_finds(seed: int) -> None:
    found = space(seed)
    plans = everything(found)
    for ram, flash in product((None, 400, 600), (None, 1500, 2500)):
        within = [p for p in plans if (ram is None or p[0] <= ram) and (flash is None or p[1] <= flash)]
        front = found.fastest(ram, flash)
        assert bool(front) == bool(within)
        if within:
            assert front[0].instructions == min(p[2] for p in within)
            best = {(p[1], p[2]) for p in within if not any(q[1] <= p[1] and q[2] <= p[2] and q != p for q in within)}
            assert {(p.flash, p.instructions) for p in front} >= best


@pytest.mark.parametrize("seed", range(10))
def test_least_ram_is_the_least(seed: int) -> None:
    found = space(seed)
    plans = everything(found)
    least = found.least_ram()
    assert least is not None
    assert least.ram == min(ram for ram, _, _ in plans)
    assert found.least_ram(-1) is None


@pytest.mark.parametrize("seed", range(10))
def test_no_plan_beats_the_frontier(seed: int) -> None:
    found = space(seed, length=3)
    frontier = found.frontier()
    for ram, flash, instructions in everything(found):
        assert any(p.ram <= ram and p.flash <= flash and p.instructions <= instructions for p in frontier)
    for point in frontier:
        others = [p for p in frontier if p is not point]
        assert not any(
            p.ram <= point.ram and p.flash <= point.flash and p.instructions <= point.instructions for p in others
        )


def test_what_is_alive_is_counted_and_what_lies_between_is_not() -> None:
    net = chain([160, 320, 480])
    bound = [bind(op, net) for op in net.ops]
    one = Candidate((Stage((), bind(NET.ops[0], NET), Fast()),), Cost(1, 64), 0)
    both = Group(0, tuple(bound), (one,))
    found = Space(net, ((Group(0, (bound[0],), (one,)), both), (Group(1, (bound[1],), (one,)),)))
    assert [[choice.ram for choice in begins] for begins in found.choices] == [
        [160 + 320 + 64, 160 + 480 + 64],
        [320 + 480 + 64],
    ]


def test_candidates_that_gain_nothing_are_dropped() -> None:
    def needs(instructions: int, scratch: int, flash: int) -> Candidate:
        return Candidate((Stage((), bind(NET.ops[0], NET), Fast()),), Cost(instructions, scratch), flash)

    fast, near, slow, small = needs(1000, 900, 9), needs(1003, 500, 9), needs(2000, 500, 9), needs(2000, 400, 5)
    assert undominated([slow, near, small, fast]) == (near, small)
