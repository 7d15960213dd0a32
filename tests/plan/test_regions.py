"""Which region holds what."""

from __future__ import annotations

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st
from seatool.plan.placement import ALIGNMENT, Block, Span, peak, place
from seatool.plan.regions import Demand, Layout, Room, arrange

K = 1024


def block(name: str, first: int, last: int, size: int) -> Block:
    return Block(name, (Span(first, last, size),))


def student_blocks() -> tuple[Block, ...]:
    """The first layers of an SEA student."""
    return (
        block("x", 0, 0, 3200),
        block("conv1", 0, 1, 102_400),
        block("conv2", 1, 2, 102_400),
        block("pool", 2, 3, 25_600),
        block("conv3", 3, 4, 51_200),
    )


M7 = (Room("dtcm", 126 * K), Room("axi", 512 * K), Room("sram123", 288 * K), Room("sram4", 64 * K))


def found(layout: Layout | None) -> Layout:
    assert layout is not None
    return layout


def test_all_in_the_fastest_region_if_it_fits() -> None:
    small = Demand((block("a", 0, 1, 8000), block("b", 1, 2, 8000)), (block("s", 1, 1, 500),), {})
    layout = found(arrange(small, M7))
    assert {region for region, _ in layout.places.values()} == {"dtcm"}
    assert layout.activation_bytes == 16_000
    assert layout.total == 16_512


def test_scratch_comes_before_activations_in_fast_memory() -> None:
    demand = Demand(student_blocks(), (block("s", 1, 1, 40_000), block("t", 3, 3, 90_000)), {})
    layout = found(arrange(demand, M7))
    assert layout.places["s"] == layout.places["t"] == ("dtcm", 0)
    assert layout.places["conv1"][0] == layout.places["conv2"][0] == "axi"
    assert layout.activation_bytes == 204_800


def test_hottest_activation_moves_to_fast_memory_while_the_total_stays() -> None:
    demand = Demand(student_blocks(), (block("s", 1, 1, 10_000),), {"conv1": 9.0, "conv2": 1.0})
    layout = found(arrange(demand, M7))
    assert layout.places["conv1"][0] == "dtcm"
    assert layout.places["conv2"][0] == "axi"
    assert layout.activation_bytes == 204_800


def test_tensors_are_split_where_no_region_holds_all() -> None:
    demand = Demand((block("a", 0, 1, 500 * K), block("b", 1, 2, 280 * K), block("c", 1, 2, 120 * K)), (), {})
    layout = found(arrange(demand, M7))
    assert {name: region for name, (region, _) in layout.places.items()} == {"a": "axi", "b": "sram123", "c": "dtcm"}


def test_limit_counts_all_regions() -> None:
    demand, rooms = Demand(student_blocks(), (block("s", 0, 0, 60_000),), {}), (Room("dtcm", 60_000), M7[1])
    assert found(arrange(demand, rooms)).total == 204_800 + 60_000
    # The scratch of step 0 also fits below the activations of step 1, in their region.
    assert found(arrange(demand, rooms, limit=204_800)).total == 204_800
    assert arrange(demand, rooms, limit=204_799) is None


def test_resident_memory_takes_what_is_left() -> None:
    """The fastest region is scratch's and the activations'."""
    kept = tuple(block(f"k{number}", 0, 4, size * K) for number, size in enumerate((200, 40, 20)))
    demand = Demand(student_blocks(), (block("s", 1, 1, 90_000),), {}, kept)
    layout = found(arrange(demand, M7))
    assert {name: layout.places[name][0] for name in ("s", "k0", "k1", "k2")} == {
        "s": "dtcm",
        "k0": "axi",
        "k1": "axi",
        "k2": "dtcm",
    }
    assert sum(layout.resident.values()) == 260 * K
    assert layout.total == 204_800 + 90_000 + 260 * K


def test_activations_make_room_for_resident_memory() -> None:
    kept = (block("k", 0, 4, 512 * K),)
    layout = found(arrange(Demand(student_blocks(), (block("s", 1, 1, 90_000),), {}, kept), M7))
    assert layout.places["k"] == ("axi", 0)
    assert layout.places["conv1"][0] == layout.places["conv2"][0] == "sram123"
    assert arrange(Demand(student_blocks(), (), {}, (*kept, block("l", 0, 4, 280 * K))), M7) is None


def test_scratch_in_fast_memory_can_be_demanded() -> None:
    scratch = (block("s", 0, 0, 64 * K), block("t", 0, 0, 64 * K))
    assert found(arrange(Demand((), scratch, {}), M7)).places["s"] == ("dtcm", 0)
    assert arrange(Demand((), scratch, {}), M7, hot=True) is None
    layout = found(arrange(Demand((), scratch[:1], {}, (block("k", 0, 0, 126 * K),)), M7[:2], hot=True))
    assert layout.places == {"s": ("dtcm", 0), "k": ("axi", 0)}


def test_split_of_two_thousand_blocks() -> None:
    """Searches must not recurse per block, nor try for ever."""
    blocks = tuple(block(f"b{number}", number, number + 1, 16 * (number % 7 + 1)) for number in range(2000))
    rooms = (Room("r0", 96), Room("r1", 112))
    layout = found(arrange(Demand(blocks, (), {}), rooms))
    assert layout.total <= 208
    assert arrange(Demand(blocks, (), {}), (Room("r0", 96), Room("r1", 96))) is None


def test_too_much_for_every_region_is_none() -> None:
    assert arrange(Demand((block("a", 0, 0, 513 * K),), (), {}), M7) is None


@st.composite
def demands(draw: st.DrawFn) -> tuple[tuple[Block, ...], tuple[Room, ...]]:
    blocks = []
    for number in range(draw(st.integers(1, 6))):
        first = draw(st.integers(0, 4))
        blocks.append(block(f"b{number}", first, draw(st.integers(first, 4)), ALIGNMENT * draw(st.integers(1, 6))))
    rooms = [Room(f"r{number}", ALIGNMENT * draw(st.integers(2, 10))) for number in range(draw(st.integers(1, 3)))]
    return tuple(blocks), tuple(rooms)


def possible(blocks: tuple[Block, ...], rooms: tuple[Room, ...]) -> bool:
    """Whether any assignment of blocks to rooms fits, by trying all."""
    for homes in product(rooms, repeat=len(blocks)):
        held = [(room, tuple(b for b, home in zip(blocks, homes, strict=True) if home is room)) for room in rooms]
        if all(place(inside).height <= room.bytes for room, inside in held):
            return True
    return False


@given(demands(), st.integers(0, 6))
@settings(deadline=None)
def test_finds_a_plan_whenever_there_is_one(case: tuple[tuple[Block, ...], tuple[Room, ...]], scratch: int) -> None:
    blocks, rooms = case
    layout = arrange(Demand(blocks[scratch:], blocks[:scratch], {}), rooms)
    assert (layout is not None) == possible(blocks, rooms)
    if layout is not None:
        for room in rooms:
            inside = {b: layout.places[b.name][1] for b in blocks if layout.places[b.name][0] == room.region}
            assert all(offset + b.room <= layout.heights[room.region] <= room.bytes for b, offset in inside.items())
            for a, b in product(inside, repeat=2):
                if a is not b and a.room_beside(b):
                    assert inside[a] + a.room <= inside[b] or inside[b] + b.room <= inside[a]
        assert layout.activation_bytes >= peak(blocks[scratch:])[1]
