"""The changes of a sequence as a drawing: a column for each letter, a row for each that is put there, the sequence beneath.

What raises the answer is filled orange, what lowers it blue with a dash across, so that both can be told apart in grey; the
stronger, the fuller. A dot stands where the sequence has that letter itself; what was not asked is left open.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sequela.evaluate.report.html import Safe, paragraph, text
from sequela.evaluate.report.words import later, say
from sequela.explain.mutagenesis import LEFT_OUT, Map

CELL, FOOT, GAP, LEFT = 9.0, 16.0, 8.0, 46.0  # millimetres of the drawing's own
COLUMNS = 60  # letters in a line
LINES = 20  # that are drawn at most: those with the strongest changes
UP, DOWN, INK = "#c65f00", "#17569b", "#1d2329"
SHOWN = 0.04  # of the strongest: a weaker change is left blank
LEGEND = later(
    "Orange raises the answer, blue with a dash lowers it; the stronger, the fuller. A dot is the letter that the sequence has. "
    "Only changes one by one were asked: what takes two does not show."
)


def drawn(found: Map, q: int, title: str) -> Safe:
    """The changes of the q-th number that is told, as SVG."""
    change = found.change[q]
    asked = np.abs(change[~np.isnan(change)])
    strongest = float(asked.max()) if len(asked) else 0.0
    lines = _lines(change)
    height = len(found.letters) * CELL + FOOT + GAP
    body = "".join(_line(found, change, line, k * height, strongest) for k, line in enumerate(lines))
    width = LEFT + min(COLUMNS, len(change)) * CELL + 4
    return Safe(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {max(1, len(lines)) * height:.0f}" '
        f'style="max-width:{width * 1.6:.0f}px;width:100%;font-family:monospace" role="img" aria-label="{text(title)}">'
        f"<title>{text(title)}</title>{body}</svg>"
    )


def legend(found: Map, q: int) -> Safe:
    """What the signs mean, and how strong the fullest is."""
    change = found.change[q]
    asked = np.abs(change[~np.isnan(change)])
    fullest = say(" At its fullest a change is {change}.", change=f"{asked.max():.2g}") if len(asked) else ""
    blocks = say(" Stretches that count little as a whole were not asked letter by letter.") if _left(change) else ""
    return paragraph(say(LEGEND) + fullest + blocks, class_="hint")


def _left(change: np.ndarray) -> bool:
    return bool(np.isnan(change).all(1).any())


def _lines(change: np.ndarray) -> list[slice]:
    """Stretches of COLUMNS places in which something was asked, the strongest LINES of them in order."""
    each = [slice(first, min(first + COLUMNS, len(change))) for first in range(0, len(change), COLUMNS)]
    size = [float(np.abs(np.nan_to_num(change[one])).max()) for one in each]
    asked = [k for k, one in enumerate(each) if not np.isnan(change[one]).all()]
    kept = sorted(sorted(asked, key=lambda k: -size[k])[:LINES])
    return [each[k] for k in kept]


def _line(found: Map, change: np.ndarray, line: slice, top: float, strongest: float) -> str:
    marks = [_words(LEFT - 3, top + (k + 0.78) * CELL, letter, "end") for k, letter in enumerate(found.letters)]
    foot = top + len(found.letters) * CELL
    for column, place in enumerate(range(line.start, line.stop)):
        x = LEFT + column * CELL
        wild = found.text[found.begin[place] : found.end[place]]
        marks += _column(change[place], found.letters, wild, (x, top), strongest)
        marks.append(_words(x + CELL / 2, foot + 7, wild, size=7.0 if len(wild) < 2 else 4.0))
        if (place + 1) % 10 == 0 or place == line.start:
            marks.append(_words(x + CELL / 2, foot + 13.5, str(place + 1), size=5.0))
    return "".join(marks)


def _column(change: np.ndarray, letters: Sequence[str], wild: str, at: tuple[float, float], strongest: float) -> list[str]:
    found = []
    for row, (value, letter) in enumerate(zip(change.tolist(), letters, strict=True)):
        x, y = at[0], at[1] + row * CELL
        if letter != LEFT_OUT and letter == wild.upper():
            found.append(f'<circle cx="{x + CELL / 2:g}" cy="{y + CELL / 2:g}" r="1.3" fill="{INK}"/>')
        elif strongest and abs(value) >= SHOWN * strongest:
            found.append(_cell(x, y, value / strongest))
    return found


def _cell(x: float, y: float, level: float) -> str:
    """A filled square; `level` between -1 and 1."""
    side = CELL - 0.6
    fill = f'<rect x="{x:g}" y="{y:g}" width="{side:g}" height="{side:g}" fill="{UP if level > 0 else DOWN}"'
    square = f'{fill} fill-opacity="{0.15 + 0.85 * abs(level):.2f}"/>'
    if level > 0:
        return square
    ink = "#ffffff" if level < -0.45 else INK
    return square + f'<path d="M{x + 2:g} {y + side / 2:g}h{side - 4:g}" stroke="{ink}" stroke-width="1"/>'


def _words(x: float, y: float, said: str, anchor: str = "middle", size: float = 7.0) -> str:
    return f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" text-anchor="{anchor}" fill="{INK}">{text(said)}</text>'
