"""The frontier of a model's plans as JSON and as an SVG drawing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from math import log
from typing import Any

from seatool.plan import Frontier, Point

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 440, 64, 168, 48, 52
COLORS = ("#1b5e9b", "#3f9a5b", "#c8791a", "#a8324a")
TICKS = 6


def to_json(frontier: Frontier) -> dict[str, Any]:
    """What ``seatool plan --json`` prints (docs/json.md)."""
    points = [
        {
            "ram_bytes": point.ram_bytes,
            "flash_bytes": point.flash_bytes,
            "estimated_cycles": point.cycles,
            "estimated_instructions": point.instructions,
            "chosen_by": list(point.chosen_by),
            "layers": [{"name": name, "variant": kernel} for name, kernel in point.layers],
        }
        for point in frontier.points
    ]
    return {"macs": frontier.macs, "points": points}


def budgets(frontier: Frontier) -> list[int]:
    """Limits of flash for which curves are drawn: what the smallest plan needs, what the largest does, and between.

    Each is about twice the one before.
    """
    sizes = sorted({point.flash_bytes for point in frontier.points})
    limits: list[int] = []
    wanted = float(sizes[0])
    while len(limits) < len(COLORS) - 1 and wanted < sizes[-1]:
        limits.append(max(size for size in sizes if size <= wanted * 1.25))
        wanted = limits[-1] * 2
    return [*(limit for limit in limits if limit < sizes[-1]), sizes[-1]]


def svg(frontier: Frontier, title: str) -> str:
    """Cycles over RAM, a stepped curve for each of several limits of flash."""
    axes = _Axes(frontier.points)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"',
        ' font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="24" font-size="15">{escape(title)}: estimated cycles over RAM</text>',
        *axes.grid(),
    ]
    for number, (limit, color) in enumerate(zip(reversed(budgets(frontier)), COLORS, strict=False)):
        parts += _curve(axes, frontier.fastest(limit), color)
        y = TOP + 16 + 18 * number
        parts.append(f'<text x="{WIDTH - RIGHT + 16}" y="{y}" fill="{color}">flash ≤ {limit / 1024:,.0f} KiB</text>')
    parts += [_label(axes, point) for point in frontier.points if point.chosen_by]
    return "\n".join([*parts, "</svg>", ""])


class _Axes:
    """Where RAM (logarithmic) and cycles (linear from 0) lie in the drawing."""

    def __init__(self, points: Sequence[Point]) -> None:
        self.low = min(point.ram_bytes for point in points) * 0.9
        self.high = max(point.ram_bytes for point in points) * 1.1
        self.most = max(point.cycles for point in points) * 1.05

    def x(self, ram: float) -> float:
        share = log(ram / self.low) / log(self.high / self.low)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(self, cycles: float) -> float:
        return round(HEIGHT - BOTTOM - cycles / self.most * (HEIGHT - TOP - BOTTOM), 1)

    def grid(self) -> Iterator[str]:
        """Lines and their labels."""
        bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
        for i in range(TICKS + 1):
            ram = self.low * (self.high / self.low) ** (i / TICKS)
            x, text = self.x(ram), f"{ram / 1024:,.0f}"
            yield f'<path d="M{x} {TOP}V{bottom}" stroke="#e4e4e4"/>'
            yield f'<text x="{x}" y="{bottom + 18}" text-anchor="middle">{text}</text>'
            count = self.most * i / TICKS
            y = self.y(count)
            yield f'<path d="M{LEFT} {y}H{right}" stroke="#e4e4e4"/>'
            yield f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{count / 1e6:,.1f}</text>'
        yield f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 14}" text-anchor="middle">RAM of the model, KiB</text>'
        yield f'<text x="{LEFT - 48}" y="{TOP - 12}">million cycles</text>'


def _curve(axes: _Axes, points: Sequence[Point], color: str) -> Iterator[str]:
    """A step down wherever more RAM allows a faster plan."""
    rising = list(reversed(points))
    path = f"M{axes.x(rising[0].ram_bytes)} {axes.y(rising[0].cycles)}"
    path += "".join(f"H{axes.x(point.ram_bytes)}V{axes.y(point.cycles)}" for point in rising[1:])
    yield f'<path d="{path}H{WIDTH - RIGHT}" fill="none" stroke="{color}" stroke-width="1.5"/>'
    for point in rising:
        yield f'<circle cx="{axes.x(point.ram_bytes)}" cy="{axes.y(point.cycles)}" r="2.5" fill="{color}"/>'


def _label(axes: _Axes, point: Point) -> str:
    x, y = axes.x(point.ram_bytes), axes.y(point.cycles)
    text = ", ".join(point.chosen_by)
    return (
        f'<circle cx="{x}" cy="{y}" r="5" fill="none" stroke="#000"/>'
        f'<text x="{x + 8}" y="{y - 8}" font-weight="bold">{text}</text>'
    )
