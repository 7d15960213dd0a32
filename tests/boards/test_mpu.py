"""The MPU's regions allow exactly the windows they are made for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seatool import boards
from seatool.boards.machines import MACHINES, Window
from seatool.boards.mpu import NULL_GUARD, Access, MpuRegion, cover, protection


def allowed(regions: list[MpuRegion], address: int) -> bool:
    """Whether the processor lets ``address`` pass: the region with the highest number that matches decides."""
    for region in reversed(regions):
        if any(start <= address < start + size for start, size in region.allowed()):
            return region.access is not Access.NOTHING
    return False


@st.composite
def disjoint_windows(draw: st.DrawFn) -> list[Window]:
    edges = sorted(draw(st.sets(st.integers(0, 4096), min_size=2, max_size=8)))
    pairs = list(zip(edges[::2], edges[1::2], strict=False))
    return [Window(f"w{i}", 32 * start, 32 * (end - start)) for i, (start, end) in enumerate(pairs)]


@settings(max_examples=150, deadline=None)
@given(disjoint_windows())
def test_cover_allows_exactly_the_windows(windows: list[Window]) -> None:
    regions = cover(windows, Access.RAM)
    for edge in {edge for window in windows for edge in (window.start, window.end)}:
        for address in (edge - 1, edge, edge + 31):
            expected = any(window.start <= address < window.end for window in windows)
            assert allowed(regions, address) == expected
    total = {start + i for region in regions for start, size in region.allowed() for i in range(0, size, 32)}
    assert len(total) * 32 == sum(window.size for window in windows)


@settings(max_examples=50, deadline=None)
@given(disjoint_windows())
def test_regions_are_well_formed(windows: list[Window]) -> None:
    for region in cover(windows, Access.RAM):
        assert region.size >= 32
        assert region.size & (region.size - 1) == 0
        assert region.base % region.size == 0
        assert 0 <= region.disabled < 255
        assert region.disabled == 0 or region.size >= 256


@pytest.mark.parametrize(
    ("size", "count"), [(128 << 10, 1), (288 << 10, 2), (2 << 20, 1), (3 << 20, 1), (32, 1), (96, 1), (224 << 10, 1)]
)
def test_few_regions_suffice(size: int, count: int) -> None:
    assert len(cover([Window("ram", 0x6000_0000, size)], Access.RAM)) == count


def test_unaligned_window() -> None:
    with pytest.raises(ValueError, match="ram does not start and end at a multiple of 32"):
        cover([Window("ram", 0x6000_0010, 4096)], Access.RAM)


def test_rasr_encodes_the_region() -> None:
    region = MpuRegion(0x6014_0000, 128 << 10, 0b1100, Access.RAM)
    assert region.rasr & 1 == 1
    assert 2 << (region.rasr >> 1 & 31) == region.size
    assert region.rasr >> 8 & 255 == 0b1100
    assert region.rasr >> 28 & 1 == 1, "RAM is not executable"


@pytest.mark.parametrize("name", boards.available())
def test_protection_of_the_shipped_boards(name: str) -> None:
    board = boards.load(name)
    machine = MACHINES[board.emulator]
    regions = list(protection(board, machine))
    assert len(regions) <= machine.mpu_regions
    for region in board.memory:
        if region.emulator_address is None:
            continue
        first, last = region.emulator_address, region.emulator_address + region.size - 1
        assert allowed(regions, last)
        assert allowed(regions, max(first, NULL_GUARD.end))
        others = [Window(r.name, r.emulator_address or 0, r.size) for r in board.memory] + [machine.harness]
        if not any(other.start <= last + 1 < other.end for other in others):
            assert not allowed(regions, last + 1)
    assert not allowed(regions, 0)
    assert not allowed(regions, 0x4001_0000)
