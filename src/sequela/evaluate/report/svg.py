"""A small writer of plots as inline SVG: axes, lines, bands, bars, points. Dashes and greys tell curves apart without colour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sequela.evaluate.report.html import Safe, text

STYLES = (  # colour, dashes, width
    ("#17406d", "", 2.2),
    ("#b0561a", "7 3", 2.0),
    ("#555555", "2 2.5", 1.7),
    ("#8a8a8a", "9 3 2 3", 1.7),
    ("#3d7d5a", "5 2 1.5 2", 1.7),
    ("#7a4f8f", "1.5 3.5", 1.7),
    ("#a0a0a0", "12 4", 1.5),
)
Y = Sequence[float | None]


def style(place: int) -> tuple[str, str, float]:
    return STYLES[place % len(STYLES)]


@dataclass(frozen=True, slots=True)
class Axes:
    """The frame of a plot: data ranges, labels, and the size of the drawing in pixels."""

    x: tuple[float, float]
    y: tuple[float, float]
    x_label: str
    y_label: str
    width: int = 400
    height: int = 330
    left: int = 52
    bottom: int = 42
    top: int = 10
    right: int = 12
    x_ticks: bool = True

    def px(self, value: float) -> float:
        share = (value - self.x[0]) / ((self.x[1] - self.x[0]) or 1)
        return self.left + share * (self.width - self.left - self.right)

    def py(self, value: float) -> float:
        share = (value - self.y[0]) / ((self.y[1] - self.y[0]) or 1)
        return self.height - self.bottom - share * (self.height - self.top - self.bottom)


def plot(axes: Axes, layers: Sequence[str], alt: str, legend: Sequence[tuple[str, int]] = ()) -> Safe:
    """A whole plot; `legend` is text and style number, set below the axes. `alt` is what a screen reader says."""
    inner = (axes.width - axes.left - axes.right, axes.height - axes.top - axes.bottom)
    lines = (len(legend) + 1) // 2 if legend else 0
    height = axes.height + 17 * lines + (4 if lines else 0)
    pieces = [
        f'<svg viewBox="0 0 {axes.width} {height}" width="{axes.width}" height="{height}" role="img" aria-label="{text(alt)}">',
        _frame(axes),
        f'<svg x="{axes.left}" y="{axes.top}" width="{inner[0]}" height="{inner[1]}" '  # it cuts off what leaves the axes
        f'viewBox="{axes.left} {axes.top} {inner[0]} {inner[1]}">',
        *layers,
        "</svg>",
        *[_legend_entry(axes, place, words, number) for place, (words, number) in enumerate(legend)],
        "</svg>",
    ]
    return Safe("".join(pieces))


def _frame(axes: Axes) -> str:
    bottom, right = axes.height - axes.bottom, axes.width - axes.right
    pieces = []
    for tick in ticks(axes.x) if axes.x_ticks else ():
        at = axes.px(tick)
        pieces.append(f'<path class="grid" d="M{at:.1f} {axes.top}V{bottom}"/>')
        pieces.append(f'<text x="{at:.1f}" y="{bottom + 15}" text-anchor="middle">{_tick(tick)}</text>')
    for tick in ticks(axes.y):
        at = axes.py(tick)
        pieces.append(f'<path class="grid" d="M{axes.left} {at:.1f}H{right}"/>')
        pieces.append(f'<text x="{axes.left - 6}" y="{at + 3.5:.1f}" text-anchor="end">{_tick(tick)}</text>')
    middle = (axes.top + bottom) / 2
    pieces.append(f'<path class="axis" d="M{axes.left} {axes.top}V{bottom}H{right}"/>')
    centre = (axes.left + right) / 2
    pieces.append(f'<text class="label" x="{centre:.0f}" y="{bottom + 33}" text-anchor="middle">{text(axes.x_label)}</text>')
    pieces.append(
        f'<text class="label" x="14" y="{middle:.0f}" text-anchor="middle" transform="rotate(-90 14 {middle:.0f})">'
        f"{text(axes.y_label)}</text>"
    )
    return "".join(pieces)


def _legend_entry(axes: Axes, place: int, words: str, number: int) -> str:
    colour, dashes, width = style(number)
    x = axes.left - 30 + (place % 2) * (axes.width - axes.left + 30) / 2
    y = axes.height + 8 + 17 * (place // 2)
    shown = words if len(words) <= 30 else words[:29] + "…"
    return (
        f'<path d="M{x:.0f} {y}h24" stroke="{colour}" stroke-width="{width}" stroke-dasharray="{dashes}" fill="none"/>'
        f'<text x="{x + 30:.0f}" y="{y + 4}">{text(shown)}</text>'
    )


def ticks(span: tuple[float, float], about: int = 5) -> list[float]:
    """Round numbers inside a span.

    >>> ticks((0, 1))
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    low, high = span
    if not high > low:
        return [low]
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 12) for k in range(first, math.floor(high / step + 1e-9) + 1)]


def _tick(value: float) -> str:
    return f"{value:g}".replace("-", "−") if abs(value) < 1e5 else f"{value:,.0f}"


# -------------------------------------------------------------------------------------------------------------------- layers


def line(axes: Axes, x: Sequence[float], y: Y, number: int = 0) -> str:
    """A curve; it breaks where y is undefined."""
    colour, dashes, width = style(number)
    return f'<path d="{_path(axes, x, y)}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-dasharray="{dashes}"/>'


def thin(axes: Axes, x: Sequence[float], y: Y, number: int = 0) -> str:
    """A thin curve of the colour of another, to be held against it."""
    return f'<path d="{_path(axes, x, y)}" fill="none" stroke="{style(number)[0]}" stroke-width="1"/>'


def guide(axes: Axes, x: Sequence[float], y: Y) -> str:
    """A thin grey line to compare with."""
    return f'<path class="guide" d="{_path(axes, x, y)}"/>'


def _path(axes: Axes, x: Sequence[float], y: Y) -> str:
    pieces, pen = [], "M"
    for at, value in zip(x, y, strict=False):
        if value is None:
            pen = "M"
            continue
        pieces.append(f"{pen}{axes.px(at):.1f} {axes.py(value):.1f}")
        pen = "L"
    return "".join(pieces)


def band(axes: Axes, x: Sequence[float], low: Y, high: Y, number: int = 0) -> str:
    """The area between two curves, where both are defined."""
    points = [(a, b, c) for a, b, c in zip(x, low, high, strict=False) if b is not None and c is not None]
    if len(points) < 2:
        return ""
    there = [f"{axes.px(a):.1f} {axes.py(c):.1f}" for a, _, c in points]
    back = [f"{axes.px(a):.1f} {axes.py(b):.1f}" for a, b, _ in reversed(points)]
    return f'<path d="M{"L".join(there + back)}Z" fill="{style(number)[0]}" fill-opacity=".13" stroke="none"/>'


def whisker(axes: Axes, x: float, value: float, limits: tuple[float, float], number: int = 0) -> str:
    """A point with its interval."""
    colour = style(number)[0]
    at, y, low, high = axes.px(x), axes.py(value), axes.py(limits[0]), axes.py(limits[1])
    return (
        f'<path d="M{at:.1f} {low:.1f}V{high:.1f}" stroke="{colour}" stroke-width="1.2"/>'
        f'<circle cx="{at:.1f}" cy="{y:.1f}" r="3.4" fill="{colour}"/>'
    )


def dot(axes: Axes, x: float, y: float, number: int = 0) -> str:
    return (
        f'<circle cx="{axes.px(x):.1f}" cy="{axes.py(y):.1f}" r="4.5" fill="#fff" stroke="{style(number)[0]}" stroke-width="2"/>'
    )


def bar(axes: Axes, x: tuple[float, float], height: float, fill: str) -> str:
    """A bar from 0 to height (which may be negative)."""
    left, right = axes.px(x[0]), axes.px(x[1])
    top, foot = axes.py(max(height, 0)), axes.py(min(height, 0))
    width = max(right - left - 1, 0.5)
    return f'<rect x="{left + 0.5:.1f}" y="{top:.1f}" width="{width:.1f}" height="{foot - top:.1f}" fill="{fill}"/>'


def upright(axes: Axes, x: float, words: str) -> str:
    """A dashed line across the plot at x, named."""
    at = axes.px(x)
    anchor, shift = ("end", -4) if at > axes.width * 0.6 else ("start", 4)
    return (
        f'<path class="mark" d="M{at:.1f} {axes.top}V{axes.height - axes.bottom}"/>'
        f'<text x="{at + shift:.1f}" y="{axes.top + 11}" text-anchor="{anchor}">{text(words)}</text>'
    )
