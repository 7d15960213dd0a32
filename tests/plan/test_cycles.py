"""What a plan foresees of cycles: lines from memory as a simulated cache misses them, layers as they are estimated."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seatool.boards import Core
from seatool.kernels import Reading
from seatool.pipeline import CompileOptions, compile_model
from seatool.pipeline.profile import profile_project
from seatool.pipeline.recordings import shipped_student
from seatool.plan.cycles import lines_from_memory

CORE = Core("cortex-m7", "fpv5-d16", 480_000_000, dcache_bytes=512)


def simulated(lines: list[int]) -> int:
    """Of the lines that are read one after another, those that are not in the cache."""
    sets = CORE.dcache_bytes // CORE.dcache_ways // CORE.cache_line_bytes
    held: list[list[int]] = [[] for _ in range(sets)]
    missed = 0
    for line in lines:
        ways = held[line % sets]
        if line in ways:
            ways.remove(line)
        else:
            missed += 1
            del ways[: max(0, len(ways) - CORE.dcache_ways + 1)]
        ways.append(line)
    return missed


@given(part=st.integers(1, 40), parts=st.integers(1, 4), repeats=st.integers(1, 3), passes=st.integers(1, 3))
def test_lines_are_those_of_a_simulated_cache(part: int, parts: int, repeats: int, passes: int) -> None:
    one_pass = [i * part + j for i in range(parts) for _ in range(repeats) for j in range(part)]
    size = part * parts * CORE.cache_line_bytes
    assert lines_from_memory(size, Reading(passes, parts, repeats), CORE) == simulated(one_pass * passes)


def test_without_a_cache_every_read_comes_from_memory() -> None:
    bare = Core("cortex-m7", "fpv5-d16", 25_000_000)
    assert lines_from_memory(64, Reading(passes=3), bare) == 6


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cc") is None, reason="cc is not installed")
@pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed")
@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed")
@pytest.mark.parametrize("flash_limit", [None, 800_000])
def test_large_layers_take_what_was_foreseen(tmp_path: Path, flash_limit: int | None) -> None:
    """Convolutions with their weights stored transformed, and with int8 weights."""
    options = CompileOptions(optimize="speed", flash_limit=flash_limit)
    profile = profile_project(compile_model(shipped_student(), tmp_path / "p", options).project, cycles=True)
    large = [layer for layer in profile.layers if layer["macs"] >= 1_000_000]
    assert len(large) >= 4
    far = [
        f"{layer['name']} {layer['variant']}: {layer['planned_cycles']:,}, estimated {layer['estimated_cycles']:,}"
        for layer in large
        if not 0.85 < layer["planned_cycles"] / (layer["estimated_cycles"] or 1) < 1.15
    ]
    assert far == []
