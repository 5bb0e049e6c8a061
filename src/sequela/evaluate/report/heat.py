"""Parts of one row as a small map: a line a feature, a column a step; full for, half against, so that grey tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sequela.evaluate.report.html import Safe, text
from sequela.evaluate.report.shading import AGAINST, FOR, LEVELS
from sequela.types import Array

HEIGHT, LETTER, GAP = 14.0, 6.1, 6.0  # pixels: of a line, of a letter, between names and cells
WIDTH = 480.0  # of all columns, where there are many
WIDEST = 15.0  # of one
LONGEST = 34  # letters of a name
SEEN = "#eceff2"


@dataclass(frozen=True, slots=True)
class Heat:
    """What is drawn."""

    title: str  # of the input
    lines: Sequence[str]  # names; "" of the lines of a picture
    values: Array  # float64 "lines columns": NaN where nothing was seen
    ends: tuple[str, str] = ("", "")  # what the first and the last column are


def drawn(heats: Sequence[Heat], alt: str) -> Safe:
    """The maps one below another, in shades of the largest part of all of them."""
    largest = max((float(np.nanmax(np.abs(one.values))) for one in heats if np.isfinite(one.values).any()), default=0.0)
    named = max((len(_short(name)) for one in heats for name in (*one.lines, one.title)), default=0)
    left = named * LETTER + GAP
    pieces, top, width = list[str](), 2.0, left
    for one in heats:
        cell = min(WIDEST, WIDTH / max(1, one.values.shape[1]))
        height = HEIGHT if any(one.lines) else cell
        pieces.append(_words(0, top + 10, one.title, bold=True))
        top += 15
        pieces += [_words(left - GAP, top + (k + 0.8) * height, _short(name), "end") for k, name in enumerate(one.lines) if name]
        pieces.append(_cells(one.values / largest if largest else one.values * 0, (left, top), (cell, height)))
        top += len(one.lines) * height + 12
        right = left + one.values.shape[1] * cell
        pieces.append(_words(left, top, one.ends[0]) + _words(right, top, one.ends[1], "end"))
        top, width = top + 10, max(width, right)
    size = f'viewBox="0 0 {width + 2:.0f} {top:.0f}" width="{width + 2:.0f}" height="{top:.0f}"'
    return Safe(f'<svg {size} role="img" aria-label="{text(alt)}">{"".join(pieces)}</svg>')


def _cells(shares: Array, corner: tuple[float, float], size: tuple[float, float]) -> str:
    """The cells of one map, those of one shade together."""
    levels = np.round(np.nan_to_num(shares) * LEVELS).astype(np.int64)
    paths: dict[int, list[str]] = {}
    for line, column in np.argwhere(np.isfinite(shares)).tolist():
        own = int(levels[line, column])
        paths.setdefault(0, []).append(_box(corner, size, (line, column), 1.0))
        if own:
            paths.setdefault(own, []).append(_box(corner, size, (line, column), 1.0 if own > 0 else 0.5))
    return "".join(_shade(own, "".join(paths[own])) for own in sorted(paths, key=abs))


def _box(corner: tuple[float, float], size: tuple[float, float], at: tuple[int, int], share: float) -> str:
    """A cell, or the lower share of it, with a hair's breadth between neighbours."""
    hair = 0.5 if size[0] > 3 else 0.0
    high = (size[1] - hair) * share
    x, y = corner[0] + at[1] * size[0], corner[1] + at[0] * size[1] + (size[1] - hair) - high
    return f"M{x:.1f} {y:.1f}h{size[0] - hair:.1f}v{high:.1f}h-{size[0] - hair:.1f}z"


def _shade(own: int, path: str) -> str:
    colour = SEEN if own == 0 else FOR if own > 0 else AGAINST
    opacity = 1.0 if own == 0 else abs(own) / LEVELS
    return f'<path d="{path}" fill="{colour}" fill-opacity="{opacity:.3f}"/>'


def _words(x: float, y: float, said: str, anchor: str = "start", *, bold: bool = False) -> str:
    weight = ' style="font-weight:600"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{weight}>{text(said)}</text>' if said else ""


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"
