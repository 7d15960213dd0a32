"""Offsets: legal, as low as possible, the same every time."""

from __future__ import annotations

from itertools import pairwise, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seatool.plan import placement
from seatool.plan.placement import ALIGNMENT, Block, Placement, Span, peak, place, place_above

STEPS = 6


@st.composite
def blocks(draw: st.DrawFn, most: int) -> tuple[Block, ...]:
    """Blocks of one or two consecutive spans (two: a result that replaces its input in place)."""
    result = []
    for number in range(draw(st.integers(1, most))):
        first = draw(st.integers(0, STEPS - 1))
        last = draw(st.integers(first, STEPS - 1))
        spans = [Span(first, last, draw(st.integers(1, 8 * ALIGNMENT)))]
        if draw(st.booleans()):
            spans.append(Span(last, draw(st.integers(last, STEPS)), draw(st.integers(1, spans[0].size))))
        result.append(Block(f"b{number}", tuple(spans)))
    return tuple(result)


def assert_legal(items: tuple[Block, ...], placed: Placement) -> None:
    """No two blocks share a byte in any step."""
    assert placed.offsets.keys() == {block.name for block in items}
    for step in range(STEPS + 1):
        here = [(placed.offsets[b.name], b.needs[step]) for b in items if step in b.needs]
        taken = sorted((offset, offset + need) for offset, need in here)
        assert all(offset % ALIGNMENT == 0 for offset, _ in taken)
        assert all(end <= start for (_, end), (start, _) in pairwise(taken))
        assert not taken or taken[-1][1] <= placed.height


def exhaustive(items: tuple[Block, ...]) -> int:
    """The least height: each block stands on all that it meets among those before it, over all orders."""
    least = sum(block.room for block in items)
    for order in permutations(items):
        offsets: dict[Block, int] = {}
        for block in order:
            offsets[block] = max(
                (at + b.room_beside(block) for b, at in offsets.items() if b.room_beside(block)), default=0
            )
        least = min(least, max(at + block.room for block, at in offsets.items()))
    return least


@given(blocks(6))
@settings(deadline=None)
def test_height_is_the_least_possible(items: tuple[Block, ...]) -> None:
    placed = place(items)
    assert_legal(items, placed)
    assert placed.height == exhaustive(items)


@given(blocks(25))
@settings(deadline=None, max_examples=60)
def test_large_cases_are_legal_and_above_the_bound(items: tuple[Block, ...]) -> None:
    placed = place(items)
    assert_legal(items, placed)
    assert placed.height >= peak(items)[1]


@given(blocks(8), blocks(6))
@settings(deadline=None)
def test_blocks_go_around_fixed_ones(fixed: tuple[Block, ...], more: tuple[Block, ...]) -> None:
    more = tuple(Block(f"more {block.name}", block.spans) for block in more)
    below = place(fixed)
    placed = place_above(more, below, fixed)
    assert_legal(fixed + more, placed)
    assert {name: placed.offsets[name] for name in below.offsets} == dict(below.offsets)


def block(name: str, first: int, last: int, units: int) -> Block:
    return Block(name, (Span(first, last, units * ALIGNMENT),))


HARD = (
    block("a", 2, 4, 5),
    block("b", 3, 4, 2),
    block("c", 4, 4, 4),
    block("d", 4, 4, 2),
    block("e", 2, 3, 5),
)


def test_exact_search_finds_what_first_fit_misses(monkeypatch: pytest.MonkeyPatch) -> None:
    bound = peak(HARD)[1]
    place.cache_clear()
    assert place(HARD).height == bound == exhaustive(HARD)
    place.cache_clear()
    monkeypatch.setattr(placement, "SEARCH_BLOCKS", 0)
    assert place(HARD).height > bound
    place.cache_clear()


def test_in_place_result_shares_its_inputs_bytes() -> None:
    chain = Block("x", (Span(0, 1, 64), Span(1, 2, 32)))
    assert peak([chain])[1] == 64
    other = block("other", 2, 2, 2)
    placed = place((chain, other))
    assert placed.height == 64, "in step 2 only the 32 bytes of the result are taken"
    assert_legal((chain, other), placed)


def test_nothing_to_place() -> None:
    assert place(()) == Placement({}, 0)
    assert peak(()) == (0, 0)
