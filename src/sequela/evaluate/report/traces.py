"""Signals as pictures: an electrocardiogram as on paper, and channels beneath each other, with what is true and what is said.

Drawn in millimetres, at real size where the page has room: 25 mm a second and 10 mm a millivolt, as the paper of an
electrocardiograph is ruled (a large square is 0.2 s and 0.5 mV at any size). What was not seen is left open.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sequela.errors import DataError
from sequela.evaluate.report import ink, shading, svg
from sequela.evaluate.report.html import Safe, text
from sequela.evaluate.report.ink import Entry, Frame, Lane, Moment
from sequela.evaluate.report.shading import Shading, Stretch
from sequela.evaluate.report.words import later, say
from sequela.types import Array

__all__ = ["Drawing", "Moment", "Shading", "Stretch", "ecg_strip", "montage"]

SPEED, GAIN = 25.0, 10.0  # millimetres a second and a millivolt
SMALL, LARGE = 1, 5  # millimetres: the squares of the paper
REACH = (12, 30), (8, 30)  # millimetres of a lead above and below its median, at least and at most
LEFT, RIGHT = 15.0, 3.0
NARROWEST = 150.0  # millimetres of a drawing, for its legend
WIDEST = 238.0  # millimetres of a montage
BAR_ROOM = 19.0  # to the right of a montage, for its scale
LANES = ((1, 44.0), (3, 28.0), (8, 18.0), (10_000, 12.0))  # channels, up to so many -> millimetres of each
USUAL = 2.0  # the scale is no coarser than a channel needs that varies so many times as much as the middle one
NICE = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn over a signal, in seconds from its first sample."""

    title: str = ""
    shading: Shading | None = None
    shaded: tuple[str, str] = (later("speaks for the answer"), later("speaks against it"))  # what orange and blue say
    true: Sequence[Moment] = ()
    said: Sequence[Moment] = ()
    window: tuple[float, float] | None = None  # what is judged
    focus: float | None = None  # the moment that it is about
    begin: float = 0.0  # what the axis says of the first sample


NOTHING = Drawing()


def ecg_strip(values: Array, rate_hz: float, names: Sequence[str], drawing: Drawing = NOTHING) -> Safe:
    """Leads "C L" in millivolts on ruled paper at 25 mm/s and 10 mm/mV, each about its median, with the pulse of calibration.

    What leaves 30 mm to either side is cut off there, and the legend says of which lead. Raises DataError where names, weights
    and values do not fit each other.
    """
    centred = _centred(values, rate_hz, names)
    frame = Frame(LEFT, centred.shape[1] / rate_hz * SPEED, SPEED)
    top = _top(drawing)
    lanes = list[Lane]()
    for lead in centred:
        up, down = _reach(lead)
        lanes.append(Lane(top, top + up, up + down, GAIN))
        top += up + down
    paper = _ruled(frame, lanes[0].top, top)
    pulses = "".join(_pulse(frame, lane) for lane in lanes)
    labels = "".join(
        ink.words(frame.left + 1, lane.top + ink.SIZE + 0.6, name, bold=True) for lane, name in zip(lanes, names, strict=True)
    )
    scale = [Entry("", 0, say("25 mm/s, 10 mm/mV: a large square is 0.2 s and 0.5 mV"))]
    signal = _Signal(centred, rate_hz, names, frame, lanes)
    return _whole(signal, drawing, paper, pulses + labels, scale, frame.right + RIGHT)


def montage(values: Array, rate_hz: float, names: Sequence[str], unit: str, drawing: Drawing = NOTHING) -> Safe:
    """Channels "C L" beneath each other about their medians, all at one scale, which a bar tells; `unit` may name one each.

    With units that differ ("mV,mmHg") each unit has a scale of its own. A channel that leaves its room is cut off there, and the
    legend says so. Raises DataError as ecg_strip.
    """
    centred = _centred(values, rate_hz, names)
    units = unit.split(",") if unit.count(",") + 1 == len(names) else [unit] * len(names)
    frame = Frame(LEFT + _overhang(names), WIDEST, WIDEST * rate_hz / centred.shape[1])
    height = next(each for most, each in LANES if len(names) <= most)
    top = _top(drawing)
    gains = {one: _gain(centred[[k for k, own in enumerate(units) if own == one]], height) for one in units}
    lanes = [Lane(top + k * height, top + (k + 0.5) * height, height, gains[own]) for k, own in enumerate(units)]
    labels = "".join(
        ink.words(frame.left - 1.5, lane.zero + 1, name, "end", bold=True) for lane, name in zip(lanes, names, strict=True)
    )
    bars = "".join(_bar(frame, lanes[units.index(own)], own) for own in dict.fromkeys(units))
    signal = _Signal(centred, rate_hz, names, frame, lanes)
    return _whole(signal, drawing, _seconds_ruled(signal, drawing.begin), labels + bars, [], frame.right + BAR_ROOM)


@dataclass(frozen=True, slots=True)
class _Signal:
    """A signal and where it is drawn."""

    values: Array  # "C L", each channel about its median
    rate_hz: float
    names: Sequence[str]
    frame: Frame
    lanes: Sequence[Lane]

    @property
    def foot(self) -> float:
        last = self.lanes[-1]
        return last.top + last.height

    @property
    def seconds(self) -> float:
        return len(self.values[0]) / self.rate_hz

    def lines(self) -> str:
        columns = ink.columns_of(self.frame.width, len(self.lanes))
        drawn = zip(self.values, self.lanes, strict=True)
        return "".join(ink.trace(one, self.rate_hz, self.frame, lane, columns) for one, lane in drawn)

    def cut_off(self) -> list[str]:
        """The channels that do not fit into their room."""
        found = []
        for values, lane, name in zip(self.values, self.lanes, self.names, strict=True):
            y = lane.zero - values[~np.isnan(values)] * lane.gain
            if ((y < lane.top - 0.05) | (y > lane.top + lane.height + 0.05)).any():
                found.append(name)
        return found


def _whole(signal: _Signal, drawing: Drawing, paper: str, labels: str, scale: Sequence[Entry], width: float) -> Safe:
    frame, foot = signal.frame, signal.foot
    axis = _axis(signal, drawing.begin)
    width = max(width, NARROWEST)
    told, bottom = ink.legend([*scale, *_entries(signal, drawing)], (frame.left, width - RIGHT), foot + 5.5)
    height = bottom if told else foot + 6
    shade = shading.shaded(drawing.shading, signal.rate_hz, signal.values.shape[1], frame, signal.lanes)
    top = 5.0 if drawing.title else 0.0
    marked = "".join(ink.moments(name, those, frame, top + k * ink.ROW) for k, (name, those) in enumerate(_rows(drawing)))
    at = "" if drawing.focus is None else _focus(frame.x(drawing.focus), signal.lanes[0].top, foot)
    title = ink.words(frame.left, 3.6, drawing.title, bold=True) if drawing.title else ""
    described = f"<title>{text(drawing.title or say('Recording'))}</title><desc>{text(_description(signal, drawing))}</desc>"
    return Safe(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.1f} {height:.1f}" width="{width:.1f}mm" '
        f'height="{height:.1f}mm" role="img" font-family="Helvetica, Arial, Liberation Sans, sans-serif">{described}'
        f'<rect width="100%" height="100%" fill="#fff"/>{paper}{shade}{at}{signal.lines()}{labels}{axis}{title}{marked}{told}'
        "</svg>"
    )


def _centred(values: Array, rate_hz: float, names: Sequence[str]) -> Array:
    """The channels about their medians. Raises DataError for what cannot be drawn."""
    if values.ndim != 2 or len(values) != len(names) or not len(values) or not values.shape[1] or not rate_hz > 0:
        raise DataError(
            f"a signal of shape {values.shape} at {rate_hz:g} Hz and {len(names)} names of channels do not make a picture",
            hint='values are "C L", with a name for each C',
        )
    held = np.asarray(values, np.float64)
    real = ~np.isnan(held)
    middle = np.array([np.median(row[own]) if own.any() else 0.0 for row, own in zip(held, real, strict=True)])
    centred: Array = held - middle[:, None]
    return centred


def _top(drawing: Drawing) -> float:
    """Where the lanes begin."""
    return 5.0 * bool(drawing.title) + ink.ROW * len(_rows(drawing)) + 1.0


def _rows(drawing: Drawing) -> list[tuple[str, Sequence[Moment]]]:
    """The rows of moments above the lanes."""
    window = [] if drawing.window is None else [Moment(drawing.window[0], say("judged"), drawing.window[1])]
    rows = ((say("true"), drawing.true), (say("said"), drawing.said), (say("window"), window))
    return [(name, those) for name, those in rows if len(those)]


# ------------------------------------------------------------------------------------------------------------- electrocardiogram


def _reach(lead: Array) -> tuple[float, float]:
    """Whole small squares above and below its zero; together whole large ones."""
    real = lead[~np.isnan(lead)]
    highest, lowest = (float(real.max()), float(real.min())) if len(real) else (0.0, 0.0)
    up = int(np.clip(math.ceil(highest * GAIN) + 5, *REACH[0]))  # five for the lead's name
    down = int(np.clip(math.ceil(-lowest * GAIN) + 1, *REACH[1]))
    return up, down + -(up + down) % LARGE


def _ruled(frame: Frame, top: float, foot: float) -> str:
    """Small and large squares from the left and the top."""
    return _rules(frame, top, foot, SMALL, "#f7dcd7", 0.1) + _rules(frame, top, foot, LARGE, "#eaa9a0", 0.2)


def _rules(frame: Frame, top: float, foot: float, step: int, colour: str, width: float) -> str:
    down = "".join(f"M{frame.left + k} {top:g}V{foot:g}" for k in range(0, math.floor(frame.width + 1e-6) + 1, step))
    across = "".join(f"M{frame.left:g} {top + k:g}H{frame.right:.2f}" for k in range(0, round(foot - top) + 1, step))
    return f'<path d="{down}{across}" stroke="{colour}" stroke-width="{width}" fill="none"/>'


def _pulse(frame: Frame, lane: Lane) -> str:
    """A millivolt for 0.2 s, left of the lead."""
    return (
        f'<path d="M{frame.left - 8.5:g} {lane.zero:g}h1.5v-{GAIN:g}h5v{GAIN:g}h1.5" fill="none" stroke="{ink.INK}" '
        'stroke-width=".25"/>'
    )


# ----------------------------------------------------------------------------------------------------------------------- montage


def _overhang(names: Sequence[str]) -> float:
    """How much more room long names need at the left."""
    return max(0.0, max(map(ink.wide, names)) + 2 - LEFT)


def _gain(channels: Array, height: float) -> float:
    """Millimetres a unit, so that channels fit their room; one that varies much more than the others need not."""
    spread = np.array([_spread(row[~np.isnan(row)]) for row in channels])
    reach = min(float(spread.max()), USUAL * float(np.median(spread[spread > 0]))) if (spread > 0).any() else 1.0
    return 0.92 * height / reach


def _spread(real: Array) -> float:
    """Twice the farther end from zero: channels lie about their medians."""
    return 2 * float(np.abs(real).max()) if len(real) else 0.0


def _bar(frame: Frame, lane: Lane, unit: str) -> str:
    """A round amount of the unit, about half of the room high."""
    amount = _round(0.55 * lane.height / lane.gain)
    x, half = frame.right + 2, amount * lane.gain / 2
    bar = ink.upright(x, (lane.zero - half, lane.zero + half), ink.INK, 0.6)
    return bar + ink.words(x + 1.5, lane.zero + 1, _amount(amount, unit))


def _amount(amount: float, unit: str) -> str:
    """In microvolts where a millivolt is too much."""
    if unit == "mV" and amount < 0.5:
        return f"{amount * 1000:g} µV"
    return f"{amount:g} {unit}".strip()


def _round(amount: float) -> float:
    """The largest round number that is no more.

    >>> _round(0.037), _round(9.0)
    (0.02, 5.0)
    """
    power = 10.0 ** math.floor(math.log10(amount))
    return round(max(step * power for step in NICE if step * power <= amount * 1.000001), 12)


def _seconds_ruled(signal: _Signal, begin: float) -> str:
    lines = "".join(
        f"M{signal.frame.x(tick - begin):.2f} {signal.lanes[0].top:g}V{signal.foot:g}" for tick in _ticks(signal, begin)
    )
    return f'<path d="{lines}" stroke="#dfe4e8" stroke-width=".2" fill="none"/>'


# ------------------------------------------------------------------------------------------------------------ what both have


def _ticks(signal: _Signal, begin: float) -> list[float]:
    return svg.ticks((begin, begin + signal.seconds), about=10)


def _axis(signal: _Signal, begin: float) -> str:
    """Seconds, beneath the last channel."""
    pieces = []
    for tick in _ticks(signal, begin):
        x = signal.frame.x(tick - begin)
        pieces.append(ink.upright(x, (signal.foot, signal.foot + 1.2)))
        pieces.append(ink.words(x, signal.foot + 4.3, f"{tick:g} s".replace("-", "−"), "middle", ink.QUIET))
    return "".join(pieces)


def _focus(x: float, top: float, foot: float) -> str:
    return ink.upright(x, (top, foot), ink.QUIET, 0.3, "1.2 .9")


def _entries(signal: _Signal, drawing: Drawing) -> list[Entry]:
    found = []
    if any(one.wrong for one in drawing.said):
        found.append(Entry(ink.cross(1.0, -1.1), 2, say("a wrong answer, boxed")))
    if drawing.focus is not None:
        found.append(Entry(ink.upright(0.5, (-3.2, 0.6), ink.QUIET, 0.3, "1.2 .9"), 1, say("the moment asked about")))
    found += _shades(drawing)
    if np.isnan(signal.values).any():
        found.append(Entry("", 0, say("open: not recorded")))
    if names := signal.cut_off():
        found.append(Entry("", 0, say("cut off at the edge: {names}", names=", ".join(names))))
    return found


def _shades(drawing: Drawing) -> list[Entry]:
    """What the two kinds of shading say, where there are such."""
    given = drawing.shading
    if given is None or not len(given):
        return []
    weights = np.nan_to_num(given) if isinstance(given, np.ndarray) else np.array([one.weight for one in given])
    full = f'<rect y="-2.6" width="4" height="3" fill="{shading.FOR}" fill-opacity="{shading.DENSEST}"/>'
    stripes = "".join(f"M{k} -2.6h.5v3h-.5z" for k in range(4))
    against = f'<path d="{stripes}" fill="{shading.AGAINST}" fill-opacity="{shading.DENSEST}"/>'
    least = 0.5 / shading.LEVELS  # below it nothing is drawn
    signs = [(weights.max() > least, full, drawing.shaded[0]), (weights.min() < -least, against, drawing.shaded[1])]
    return [Entry(sign, 4, say(said)) for there, sign, said in signs if there]


def _description(signal: _Signal, drawing: Drawing) -> str:
    """What a screen reader says."""
    told = [say("{count} seconds of {names}.", count=f"{signal.seconds:.3g}", names=", ".join(signal.names))]
    for name, those in ((say("True"), drawing.true), (say("Said"), drawing.said)):
        if counted := Counter(one.label for one in those):
            each = [say("{label} {count} times", label=label, count=count) for label, count in counted.items()]
            told.append(f"{name}: {', '.join(each)}.")
    if wrong := sum(one.wrong for one in drawing.said):
        told.append(say("Of what is said, {count} are wrong.", count=wrong))
    return " ".join(told)
