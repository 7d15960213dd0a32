"""Chains in bands: rings are as large as they must be and no larger; an output over its input spares what is needed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from seatool.kernels import Bands, Padding
from seatool.kernels.window import Axis
from seatool.plan.strips import _Play, input_end


@st.composite
def chains(draw: st.DrawFn) -> list[Bands]:
    """Two to four stages, each with the rows that the one before stores."""
    size, stages = draw(st.integers(5, 40)), []
    for _ in range(draw(st.integers(2, 4))):
        kernel, stride = draw(st.integers(1, 4)), draw(st.integers(1, 2))
        assume(size >= kernel)
        window = Axis.of(draw(st.sampled_from(list(Padding))), size, kernel, stride)
        stored = draw(st.integers(1, 2))
        size = window.output // stored
        assume(size > 0)
        rows = stored * draw(st.integers(1, 4))
        stages.append(Bands(size * stored, rows, stored, window, lambda count: count))
    return stages


class RowOverwrittenError(AssertionError):
    """A stage finds another row where it expects one."""


class Machine:
    """The generated C with row numbers for data. Row r of a stage is (stage, r); the input's is (-1, r)."""

    def __init__(self, bands: Sequence[Bands], rings: Sequence[int]) -> None:
        self.bands = bands
        self.memory = [np.full(ring, -1) for ring in rings]
        self.done = [0] * len(bands)
        self.calls: list[tuple[int, int]] = []

    def rows(self, number: int, end: int) -> None:
        band = self.bands[number]
        while self.done[number] < end:
            first = self.done[number]
            rows = min(band.rows, end - first)
            if number:
                before = self.bands[number - 1]
                self.rows(number - 1, before.stored * input_end(band, first + rows))
                self.read(number, first, rows)
            self.write(number, first, rows)
            self.calls.append((number, rows))
            self.done[number] += rows

    def read(self, number: int, first: int, rows: int) -> None:
        """What output rows ``first`` and following see must be there."""
        window, ring = self.bands[number].window, self.memory[number - 1]
        for output in range(first, first + rows):
            for tap in range(window.kernel):
                row = output * window.stride - window.before + tap
                if 0 <= row < window.size and ring[row % len(ring)] != row:
                    raise RowOverwrittenError(f"stage {number} wants row {row}, there is {ring[row % len(ring)]}")

    def write(self, number: int, first: int, rows: int) -> None:
        stored = self.bands[number].stored
        assert first % stored == rows % stored == 0, "bands hold whole rows"
        if number < len(self.memory):
            for row in range(first // stored, (first + rows) // stored):
                self.memory[number][row % len(self.memory[number])] = row


def machine(bands: Sequence[Bands], rings: Sequence[int]) -> Machine:
    """All rows computed."""
    found = Machine(bands, rings)
    found.rows(len(bands) - 1, bands[-1].height)
    return found


@given(chains())
def test_every_stage_finds_the_rows_that_it_sees(bands: list[Bands]) -> None:
    course = _Play(bands, 1, 1).course()
    played = machine(bands, course.rings)
    for number, calls in enumerate(course.calls):
        made = [rows for stage, rows in played.calls if stage == number]
        assert calls == {rows: made.count(rows) for rows in made}


@given(chains())
def test_no_ring_could_be_smaller(bands: list[Bands]) -> None:
    rings = _Play(bands, 1, 1).course().rings
    for number, ring in enumerate(rings):
        seen_whole = bands[number + 1].window.kernel >= bands[number + 1].window.stride
        if ring > 1 and seen_whole:
            smaller = [size - (i == number) for i, size in enumerate(rings)]
            try:
                machine(bands, smaller)
            except RowOverwrittenError:
                continue
            raise AssertionError(f"ring {number} of {rings} need not be so large")


@given(chains(), st.integers(1, 4), st.integers(1, 4))
def test_an_output_over_its_input_spares_what_is_needed(bands: list[Bands], input_row: int, output_row: int) -> None:
    course = _Play(bands, input_row, output_row).course()
    memory = np.repeat(np.arange(bands[0].window.size), input_row)
    intact = True

    class InPlace(Machine):
        def read(self, number: int, first: int, rows: int) -> None:
            """Rings are another test's subject."""

        def write(self, number: int, first: int, rows: int) -> None:
            nonlocal intact
            if number == 0:
                window = bands[0].window
                low = max(0, first * window.stride - window.before)
                seen = memory[low * input_row : input_end(bands[0], first + rows) * input_row]
                expected = np.repeat(np.arange(low, low + len(seen) // input_row), input_row)
                intact = intact and bool((seen == expected[: len(seen)]).all())
            if number == len(bands) - 1:
                stored = bands[-1].stored
                memory[first // stored * output_row : (first + rows) // stored * output_row] = -1

    InPlace(bands, course.rings).rows(len(bands) - 1, bands[-1].height)
    assert intact or not course.inplace
