"""A line chart as SVG, written by hand: a plotting library would be the suite's largest package."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 58, 170, 34, 44
COLOURS: Final = (
    "#1b6ca8", "#d1495b", "#2e933c", "#8e5ea2", "#e08e1b", "#3aafa9",
    "#7a4b2a", "#c2185b", "#607d8b", "#9e9d24", "#000000", "#5c6bc0",
)  # fmt: skip
STEPS: Final = (1, 2, 5)

Points = Sequence[tuple[float, float]]


def chart(title: str, across: str, up: str, lines: Mapping[str, Points]) -> str:
    """Return a chart with logarithmic axes.

    Args:
        title: What it shows.
        across: Name of the horizontal axis.
        up: Name of the vertical axis.
        lines: Points by label; positive numbers.

    Raises:
        ValueError: There are no points, or some aren't positive.
    """
    points = [point for line in lines.values() for point in line]
    if not points or min(min(point) for point in points) <= 0:
        raise ValueError("chart: lines need points, and logarithms positive numbers")
    x_range, y_range = _range([x for x, _ in points]), _rounded([y for _, y in points])

    def place(x: float, y: float) -> tuple[float, float]:
        right, above = _share(x, x_range), _share(y, y_range)
        return (
            LEFT + right * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - above * (HEIGHT - TOP - BOTTOM),
        )

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(LEFT, 18, title, 'font-size="14"'),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, across, 'text-anchor="middle"'),
        f'<g transform="translate(14,{HEIGHT / 2}) rotate(-90)">'
        + _text(0, 0, up, 'text-anchor="middle"')
        + "</g>",
    ]
    for x in _ticks(x_range):
        parts += _grid(place(x, y_range[0]), place(x, y_range[1]), f"{x:g}", (0, 14), "middle")
    for y in _ticks(y_range):
        parts += _grid(place(x_range[0], y), place(x_range[1], y), f"{y:g}", (-5, 4), "end")
    for k, (label, line) in enumerate(lines.items()):
        colour, dash = COLOURS[k % len(COLOURS)], "" if k < len(COLOURS) else "4 3"
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in line))
        style = f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
        parts.append(f'<polyline points="{path}" {style}/>')
        parts.append(_text(WIDTH - RIGHT + 12, TOP + 12 + 16 * k, label, f'fill="{colour}"'))
    return "\n".join([*parts, "</svg>", ""])


def _range(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low / 2, high * 2)


def _rounded(values: list[float]) -> tuple[float, float]:
    """Return the range between the ticks around some values."""
    low, high = _range(values)
    ticks = _ticks((low / 10, high * 10))
    return max(t for t in ticks if t <= low), min(t for t in ticks if t >= high)


def _share(value: float, bounds: tuple[float, float]) -> float:
    low, high = map(math.log, bounds)
    return (math.log(value) - low) / (high - low)


def _ticks(bounds: tuple[float, float]) -> list[float]:
    decades = range(math.floor(math.log10(bounds[0])), math.ceil(math.log10(bounds[1])) + 1)
    every = (step * 10.0**decade for decade in decades for step in STEPS)
    return [tick for tick in every if bounds[0] <= tick <= bounds[1]]


def _grid(
    start: tuple[float, float],
    end: tuple[float, float],
    label: str,
    offset: tuple[int, int],
    anchor: str,
) -> list[str]:
    (x1, y1), (x2, y2) = start, end
    return [
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>',
        _text(x1 + offset[0], y1 + offset[1], label, f'text-anchor="{anchor}"'),
    ]


def _text(x: float, y: float, text: str, style: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(text)}</text>'
