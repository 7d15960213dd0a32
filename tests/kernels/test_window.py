"""Windows along an axis: counted without going through them, and refused where they are absurd."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from seatool.kernels import Padding
from seatool.kernels.window import Axis, size_problems

AXES = st.builds(
    Axis.of,
    st.sampled_from(Padding),
    st.integers(1, 30),
    kernel=st.integers(1, 12),
    stride=st.integers(1, 6),
    dilation=st.integers(1, 5),
)


@given(AXES)
def test_what_windows_see_is_counted(axis: Axis) -> None:
    windows = [
        [i * axis.stride - axis.before + tap * axis.dilation for tap in range(axis.kernel)] for i in range(axis.output)
    ]
    inside = [[0 <= place < axis.size for place in window] for window in windows]
    assert axis.taps == sum(map(sum, inside))
    assert axis.whole == sum(window[0] >= 0 and window[-1] < axis.size for window in windows)


def test_huge_windows_are_counted_at_once() -> None:
    axis = Axis.of(Padding.SAME, size=1 << 40, kernel=3, stride=1)
    assert (axis.taps, axis.whole) == (3 * (1 << 40) - 2, (1 << 40) - 2)


def test_absurd_windows_are_refused() -> None:
    def problems(size: int, kernel: int, dilation: int = 1, channels: int = 1) -> str:
        axis = Axis.of(Padding.SAME, size, kernel, 1, dilation)
        return "".join(size_problems(axis, axis, channels))

    assert not problems(8, 65, 9)
    assert not problems(1, 3, 2000)
    assert "reach 32,768 places over the edge" in problems(1, 3, 32768)
    assert "1,050,625 places need more memory" in problems(1, 1025)
    assert "need more memory" in problems(1, 3, 2000, 8)
