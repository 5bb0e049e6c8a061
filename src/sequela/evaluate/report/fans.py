"""The plots of forecasts: errors and coverage over the time ahead, and fans of single rows."""

from __future__ import annotations

from collections.abc import Sequence

from sequela.evaluate.facts import FanFacts
from sequela.evaluate.report import svg
from sequela.evaluate.report.html import EMPTY, Safe, figure
from sequela.evaluate.report.words import say

Curve = tuple[str, Sequence[float | None]]  # legend, a value for each time ahead
SCALES = ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))
LONGEST = 3.0  # times the reach of the forecast: how much of the past is drawn


def scaled(longest: float) -> tuple[float, str]:
    """How many seconds the unit of a time axis of this length has, and its name.

    >>> scaled(60.0), scaled(7200.0)
    ((1.0, 'seconds'), (60.0, 'minutes'))
    """
    return next(((size, name) for size, name in SCALES if longest >= 2.5 * size), SCALES[-1])


def errors(times: Sequence[float], curves: Sequence[Curve]) -> Safe:
    """The mean absolute error of everybody over the time ahead."""
    values = [value for _, curve in curves for value in curve if value is not None]
    if not values:
        return EMPTY
    axes = _axes(times, (0, max(values) * 1.06), say("Mean absolute error"))
    return figure(
        svg.plot(axes, _lines(axes, times, curves), say("Error over the time ahead"), _legend(curves)),
        say("Error over the time ahead, in the unit of the target. The lower the better; all are judged on the same rows."),
    )


def coverage(times: Sequence[float], curves: Sequence[Curve], promised: float | None) -> Safe:
    """The share of the truth inside everybody's intervals over the time ahead."""
    values = [value for _, curve in curves for value in curve if value is not None]
    if not values:
        return EMPTY
    low = min([*values, promised or 1.0])
    axes = _axes(times, (max(0.0, low - 0.1), 1.0), say("Share of the truth inside"))
    wanted = [] if promised is None else [svg.guide(axes, axes.x, (promised, promised))]
    said = "" if promised is None else say(" The grey line is what they promise, {promised}.", promised=f"{promised:g}")
    caption = say(
        "Coverage of the intervals over the time ahead.{promise} Above it they are wider than they need be, below it too narrow.",
        promise=said,
    )
    drawn = svg.plot(axes, [*wanted, *_lines(axes, times, curves)], say("Coverage over the time ahead"), _legend(curves))
    return figure(drawn, caption)


def fan(one: FanFacts) -> Safe:
    """One row: what was seen, the quantiles of what was to come, and what came."""
    size, unit = scaled(max(one.at))
    past = [(at / size, value) for at, value in zip(one.seen_at, one.seen, strict=True) if at >= -LONGEST * max(one.at)]
    ahead = [at / size for at in one.at]
    came = [value for value in one.truth if value is not None]
    every = [value for _, value in past] + came + [value for column in one.quantiles for value in column]
    room = 0.05 * (max(every) - min(every)) or 1.0
    begin = min([at for at, _ in past], default=0.0)
    along = say("{unit} from the prediction", unit=say(unit.capitalize()))
    axes = svg.Axes((begin, max(ahead)), (min(every) - room, max(every) + room), along, one.quantity)
    layers = [
        svg.band(axes, ahead, [column[k] for column in one.quantiles], [column[-1 - k] for column in one.quantiles])
        for k in range(len(one.levels) // 2)
    ]
    layers += [svg.line(axes, [at for at, _ in past], [value for _, value in past], 2)]
    layers += [svg.line(axes, ahead, one.said, 0), svg.line(axes, ahead, one.truth, 1), svg.upright(axes, 0.0, "")]
    bands = ", ".join(f"{one.levels[-1 - k] - one.levels[k]:.0%}" for k in range(len(one.levels) // 2)).replace("%", " %")
    legend = [(say("foreseen"), 0), (say("what came"), 1), (say("seen before"), 2)]
    caption = say("{row}. Bands hold, from the widest, {bands} of what may come.", row=one.row_id, bands=bands)
    return figure(svg.plot(axes, layers, say("Forecast of {row}", row=one.row_id), legend), caption)


def _axes(times: Sequence[float], height: tuple[float, float], words: str) -> svg.Axes:
    size, unit = scaled(max(times))
    first = 0.0 if len(times) == 1 else min(times) / size
    return svg.Axes((first, max(times) / size), height, say("{unit} ahead", unit=say(unit.capitalize())), words)


def _lines(axes: svg.Axes, times: Sequence[float], curves: Sequence[Curve]) -> list[str]:
    size, _ = scaled(max(times))
    return [svg.line(axes, [time / size for time in times], curve, place) for place, (_, curve) in enumerate(curves)]


def _legend(curves: Sequence[Curve]) -> list[tuple[str, int]]:
    return [(name, place) for place, (name, _) in enumerate(curves)]
