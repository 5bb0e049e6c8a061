"""The pairs of one sequence as a map: the true ones below the diagonal, what is said above it, darker where it is likelier."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sequela.evaluate.contacts import Tally
from sequela.evaluate.report.html import Safe, text
from sequela.evaluate.report.ink import INK, RIGHT

SIDE = 300  # of the map, in pixels
EDGE = 34  # left of it and below it, for the places
TICKS = 5  # places that are named along a side, about
STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
FAINTEST = 0.02  # chance below which nothing is drawn


def drawn(one: Tally, alt: str) -> Safe:
    """The map of the one sequence of a tally, as SVG; `alt` is what a screen reader says."""
    letters = int(one.letters[0])
    size = SIDE / max(letters, 1)
    whole = SIDE + EDGE
    pieces = [
        f'<svg viewBox="0 0 {whole} {whole}" width="{whole}" height="{whole}" role="img" aria-label="{text(alt)}">',
        f'<rect x="{EDGE}" y="0" width="{SIDE}" height="{SIDE}" fill="#fff" stroke="#999"/>',
        f'<path d="M{EDGE} 0L{whole} {SIDE}" stroke="#bbb" stroke-width="0.7"/>',
        *_places(letters, size),
        *_squares(zip(one.truth.high.tolist(), one.truth.low.tolist(), [1.0] * len(one.truth.low), strict=True), size, INK),
        *_squares(_said(one), size, RIGHT),
        "</svg>",
    ]
    return Safe("".join(pieces))


def _said(one: Tally) -> Iterator[tuple[int, int, float]]:
    """Row, column and chance of the pairs that are likely enough to be seen."""
    assert one.said.score is not None
    for low, high, score in zip(one.said.low.tolist(), one.said.high.tolist(), one.said.score.tolist(), strict=True):
        if score >= FAINTEST:
            yield low, high, score


def _squares(pairs: Iterable[tuple[int, int, float]], size: float, colour: str) -> Iterator[str]:
    for row, column, chance in pairs:
        place = f'x="{EDGE + column * size:.2f}" y="{row * size:.2f}"'
        yield f'<rect {place} width="{size:.2f}" height="{size:.2f}" fill="{colour}" fill-opacity="{chance:.2f}"/>'


def _places(letters: int, size: float) -> Iterator[str]:
    """The places along the left side and below, counted from 1."""
    step = next((one for one in STEPS if one * TICKS >= letters), STEPS[-1])
    for place in [1, *range(step, letters + 1, step)]:
        middle = (place - 0.5) * size
        yield f'<text x="{EDGE - 5}" y="{middle + 3.5:.1f}" font-size="10" text-anchor="end">{place}</text>'
        yield f'<text x="{EDGE + middle:.1f}" y="{SIDE + 14}" font-size="10" text-anchor="middle">{place}</text>'
