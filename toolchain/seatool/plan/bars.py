"""Text bars for memory, shared by the command line and the error messages."""

from __future__ import annotations

from seatool.rounding import ceil_div

WIDTH = 20


def bar(used: int, capacity: int, width: int = WIDTH) -> str:
    """A bar in eighths of a character; beyond the capacity it is full and half a block sticks out.

    >>> bar(50, 100, 4)
    '██··'
    >>> bar(1, 100, 4)
    '▏···'
    >>> bar(225, 100, 4)
    '████▌'
    """
    if used > capacity:
        return "█" * width + "▌"
    eighths = ceil_div(used * width * 8, capacity) if capacity else 0
    full, rest = divmod(eighths, 8)
    text = "█" * full + (" ▏▎▍▌▋▊▉"[rest] if rest else "")
    return text.ljust(width, "·")


def percent(used: int, capacity: int) -> str:
    """``used`` as a share of ``capacity``, rounded up so that 100 % means that it fits exactly.

    >>> percent(4_712_304, 2_097_152)
    '225 %'
    """
    return f"{ceil_div(used * 100, capacity)} %" if capacity else "no memory"


def size(count: int) -> str:
    """Bytes in the unit that people use for them.

    >>> size(1_240_000), size(4_096), size(12)
    ('1.24 MB', '4.1 kB', '12 B')
    """
    if count >= 1_000_000:
        return f"{count / 1e6:.2f} MB"
    return f"{count / 1e3:.1f} kB" if count >= 1_000 else f"{count} B"
