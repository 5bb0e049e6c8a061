"""Pieces of a drawn signal, in millimetres: lines thinned to what can be seen, moments with labels, a legend."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from sequela.evaluate.report.html import text
from sequela.types import Array

FINE = 50  # units of a line's path to a millimetre
COLUMN = 0.15  # millimetres: no more than the lowest and highest sample of so much is drawn
POINTS = 16_000  # of all lines of a drawing: with shading it stays below 200 kB
INK, QUIET, RIGHT, WRONG = "#1d2329", "#5b6570", "#17406d", "#b02a00"
SIZE = 3.2  # of letters
LETTER = 0.56  # width of a letter, in its size
ROW = 7.0  # height of a row of moments
CROWD = 80  # of more moments, neighbours of one label are drawn as one stretch


@dataclass(frozen=True, slots=True)
class Moment:
    """What is true or said of a moment, or with `until` of a stretch: in seconds from the first sample."""

    at: float
    label: str
    until: float | None = None
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """Where time lies on the drawing."""

    left: float  # millimetres, as all below
    width: float
    speed: float  # a second

    def x(self, seconds: float) -> float:
        return self.left + seconds * self.speed

    @property
    def right(self) -> float:
        return self.left + self.width


@dataclass(frozen=True, slots=True)
class Lane:
    """The room of one channel: from `top`, with its zero at `zero`, for `height`; so many millimetres a unit."""

    top: float
    zero: float
    height: float
    gain: float


# ------------------------------------------------------------------------------------------------------------------------- lines


def trace(values: Array, rate_hz: float, frame: Frame, lane: Lane, columns: int) -> str:
    """A channel "L" as a path; it is open where there is a NaN, and does not leave its lane."""
    index, kept = thinned(values, columns)
    x = np.round((frame.left + index / rate_hz * frame.speed) * FINE)
    y = np.round(np.clip(lane.zero - kept * lane.gain, lane.top, lane.top + lane.height) * FINE)
    points = np.stack([x, y], 1)
    real = np.flatnonzero(~np.isnan(kept))
    runs = np.split(real, np.flatnonzero(np.diff(real) > 1) + 1) if len(real) else []
    drawn = "".join(_run(points[run].astype(np.int64)) for run in runs)
    return (
        f'<path d="{drawn}" transform="scale({1 / FINE:g})" fill="none" stroke="{INK}" stroke-width="{0.22 * FINE:g}" '
        'stroke-linejoin="round" stroke-linecap="round"/>'
    )


def thinned(values: Array, columns: int) -> tuple[Array, Array]:
    """Places and values of the lowest and highest sample of each of so many columns, in order; a column with a NaN is NaN.

    >>> thinned(np.array([0.0, 3, 1, 2, 2, 2, -1, 0]), 2)
    (array([0, 1, 4, 6]), array([ 0.,  3.,  2., -1.]))
    """
    if len(values) <= 2 * columns:
        return np.arange(len(values)), values
    width = -(-len(values) // columns)
    count = -(-len(values) // width)
    blocks = np.pad(values, (0, count * width - len(values)), mode="edge").reshape(count, width)
    within = np.sort(np.stack([blocks.argmin(1), blocks.argmax(1)], 1), 1)
    index = np.minimum((within + np.arange(count)[:, None] * width).ravel(), len(values) - 1)
    return index, values[index]


def columns_of(width: float, channels: int) -> int:
    """How many columns a channel may have."""
    return max(1, min(round(width / COLUMN), POINTS // (2 * channels)))


def _run(points: Array) -> str:
    """Points "P 2" without a gap among them."""
    begin = f"M{points[0, 0]} {points[0, 1]}"
    steps = " ".join(map(str, np.diff(points, axis=0).ravel().tolist())).replace(" -", "-")
    return f"{begin}l{steps}" if steps else f"{begin}h0"


def level(x: tuple[float, float], y: float, colour: str = QUIET, width: float = 0.25) -> str:
    """A line across."""
    return f'<path d="M{x[0]:.2f} {y:.2f}H{x[1]:.2f}" stroke="{colour}" stroke-width="{width}"/>'


def upright(x: float, y: tuple[float, float], colour: str = QUIET, width: float = 0.25, dashes: str = "") -> str:
    """A line down."""
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path d="M{x:.2f} {y[0]:.2f}V{y[1]:.2f}" stroke="{colour}" stroke-width="{width}"{dashed}/>'


def words(x: float, y: float, said: str, anchor: str = "start", colour: str = INK, *, bold: bool = False) -> str:
    """Text, its foot at y. Its style is its own, whatever the page has for others."""
    weight = ";font-weight:600" if bold else ""
    style = f"font-size:{SIZE}px;fill:{colour}{weight}"
    return f'<text x="{x:.2f}" y="{y:.2f}" text-anchor="{anchor}" style="{style}">{text(said)}</text>'


def wide(said: str) -> float:
    """About how many millimetres a text takes."""
    return len(said) * SIZE * LETTER


# ----------------------------------------------------------------------------------------------------------------------- moments


def moments(name: str, those: Sequence[Moment], frame: Frame, top: float) -> str:
    """A row of moments, named at its left; a wrong one is boxed and has a cross for its tick."""
    foot = top + ROW
    own = _gathered(sorted((one for one in those if _inside(one, frame)), key=lambda one: one.at))
    middles = [_middle(one, frame) for one in own]
    labels = [cut(one.label, room) for one, room in zip(own, _rooms(own, middles, frame), strict=True)]
    drawn = [_moment(one, at, said, frame, foot) for one, at, said in zip(own, middles, labels, strict=True)]
    named = words(frame.left - 2.5, foot - 2.6, name, "end", QUIET)
    return named + level((frame.left, frame.right), foot, "#d9dee3", 0.2) + "".join(drawn)


def _gathered(own: list[Moment]) -> list[Moment]:
    """As they are; where they are many, those of one label that follow each other as a stretch that ends with the last."""
    if len(own) <= CROWD:
        return own
    found, since = list[Moment](), own[0].at
    for (label, wrong), those in groupby(own, key=lambda one: (one.label, one.wrong)):
        last = list(those)[-1]
        until = last.at if last.until is None else last.until
        found.append(Moment(since, label, until, wrong))
        since = until
    return found


def cut(said: str, room: float) -> str:
    """As much of a text as there is room for, in millimetres; nothing where that is not one letter.

    >>> cut("ventricular", 12.0), cut("V", 2.0), cut("V", 1.0)
    ('ventr…', 'V', '')
    """
    letters = int(room / (SIZE * LETTER))
    return said if len(said) <= letters else (said[: letters - 1] + "…" if letters > 1 else "")


def _inside(one: Moment, frame: Frame) -> bool:
    until = one.at if one.until is None else one.until
    return frame.x(until) >= frame.left and frame.x(one.at) <= frame.right


def _ends(one: Moment, frame: Frame) -> tuple[float, float]:
    """Of a stretch, as much as is on the drawing."""
    until = one.at if one.until is None else one.until
    return max(frame.x(one.at), frame.left), min(frame.x(until), frame.right)


def _middle(one: Moment, frame: Frame) -> float:
    """Where the label stands: it does not leave the drawing."""
    low, high = _ends(one, frame)
    half = wide(one.label) / 2 if one.until is None else 0.0
    return float(np.clip((low + high) / 2, frame.left + min(half, 5), frame.right - min(half, 5)))


def _rooms(own: Sequence[Moment], middles: Sequence[float], frame: Frame) -> list[float]:
    """How wide each label may be: as far as the nearer neighbour, or as its stretch; a box of a wrong one takes a little more."""
    apart = np.diff([-np.inf, *middles, np.inf])
    found = []
    for one, before, after in zip(own, apart[:-1].tolist(), apart[1:].tolist(), strict=True):
        low, high = _ends(one, frame)
        room = min(before, after, 2 * frame.width) if one.until is None else high - low
        found.append(room - (0.8 if one.wrong else 0.2))
    return found


def _moment(one: Moment, at: float, said: str, frame: Frame, foot: float) -> str:
    colour = WRONG if one.wrong else RIGHT
    low, high = _ends(one, frame)
    tick = upright(low, (foot - 1.6, foot), colour, 0.4) if not one.wrong or one.until is not None else ""
    if one.until is not None:
        tick += upright(high, (foot - 1.6, foot), colour, 0.4) + level((low, high), foot - 0.8, colour, 0.4)
    tick += cross((low + high) / 2, foot - 0.9) if one.wrong else ""
    label = words(at, foot - 2.6, said, "middle", colour, bold=one.wrong)
    return f"<g>{tick}{boxed(at, foot - 2.6, said) if one.wrong and said else ''}{label}<title>{text(one.label)}</title></g>"


def cross(x: float, y: float) -> str:
    """What marks a wrong call, whatever its colour looks like."""
    return f'<path d="M{x - 0.8:.2f} {y - 0.8:.2f}l1.6 1.6m0-1.6l-1.6 1.6" stroke="{WRONG}" stroke-width=".4"/>'


def boxed(x: float, y: float, said: str) -> str:
    """The box around a text in the middle of x, its foot at y."""
    width = wide(said) + 0.8
    return (
        f'<rect x="{x - width / 2:.2f}" y="{y - SIZE + 0.35:.2f}" width="{width:.2f}" height="{SIZE + 0.4:.2f}" rx=".5" '
        f'fill="#fff" stroke="{WRONG}" stroke-width=".3"/>'
    )


# ------------------------------------------------------------------------------------------------------------------------ legend


@dataclass(frozen=True, slots=True)
class Entry:
    """A sign of the legend, drawn at (0, 0) and so wide, and what it says."""

    sign: str
    width: float
    said: str


def legend(entries: Iterable[Entry], ends: tuple[float, float], top: float) -> tuple[str, float]:
    """The legend in lines between the left and the right end, and where it ends below."""
    left, right = ends
    pieces, x, y = list[str](), left, top + SIZE + 1
    for one in entries:
        width = one.width + 1.2 * (one.width > 0) + 0.88 * wide(one.said) + 4
        if x + width > right + 4 and x > left:
            x, y = left, y + SIZE + 1.8
        pieces.append(f'<g transform="translate({x:.2f} {y:.2f})">{one.sign}</g>' if one.sign else "")
        pieces.append(words(x + one.width + 1.2 * (one.width > 0), y, one.said, colour=QUIET))
        x += width
    return "".join(pieces), y + 2
