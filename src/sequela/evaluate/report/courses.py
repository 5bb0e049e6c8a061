"""The plots of survival: what came over time beside what was foreseen, thirds of like risk, and calibration at each horizon."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from sequela.evaluate.facts import OutlookFacts
from sequela.evaluate.incidence import AtHorizon, Course, Incidence
from sequela.evaluate.report import svg
from sequela.evaluate.report.html import EMPTY, Safe, figure, text
from sequela.evaluate.report.words import later, say
from sequela.types import UNITS

Named = Sequence[tuple[str, Incidence]]  # legend, an answer; the one that is told comes first
ROW = 15  # pixels of a line of numbers at risk
NEAR = 1e-4  # of a unit of time: rounding of the grid


def whole(those: Named) -> Safe:
    """Everybody's mean prediction over what was observed of all rows."""
    first = those[0][1]
    axes = _axes(first, [first.whole, *[one.whole for _, one in those[1:]]])
    days = _times(first)
    layers = [
        svg.band(axes, days, first.whole.low, first.whole.high),
        svg.line(axes, days, first.whole.observed),
        *[svg.line(axes, _times(one), one.whole.predicted, place) for place, (_, one) in enumerate(those, 1)],
    ]
    legend = [(say("observed"), 0), *[(name, place) for place, (name, _) in enumerate(those, 1)]]
    drawn = svg.plot(axes, layers, say("{cause}: observed and foreseen", cause=first.class_), legend)
    caption = say(
        "{cause}: the share to which it had come by each time (Aalen-Johansen, with its 95 % interval), and the mean of "
        "what each answer foresaw. Beneath, the rows under observation and free of any event.",
        cause=first.class_,
    )
    return figure(drawn + _at_risk(axes, first, [first.whole]), caption)


def thirds(name: str, one: Incidence) -> Safe:
    """What came of rows of low, middling and high risk, beside what was foreseen of them."""
    if not one.thirds:
        return EMPTY
    axes, days = _axes(one, one.thirds), _times(one)
    layers = [svg.band(axes, days, group.low, group.high, place) for place, group in enumerate(one.thirds)]
    layers += [svg.line(axes, days, group.observed, place) for place, group in enumerate(one.thirds)]
    layers += [svg.thin(axes, days, group.predicted, place) for place, group in enumerate(one.thirds)]
    legend = [(say(group.label), place) for place, group in enumerate(one.thirds)]
    drawn = svg.plot(axes, layers, say("{cause} by risk", cause=one.class_), legend)
    caption = say(
        "{cause}, rows by thirds of the risk that {name} gave them by the last horizon. Thick lines were observed, with "
        "95 % intervals; thin lines of the same colour were foreseen. Beneath, the rows at risk in each third.",
        cause=one.class_,
        name=name,
    )
    return figure(drawn + _at_risk(axes, one, one.thirds), caption)


def calibration(those: Sequence[tuple[str, AtHorizon]], cause: str) -> Safe:
    """Observed over foreseen at one horizon: tenths of like risk."""
    (name, first), *others = those
    reach = _reach(those)
    axes = svg.Axes((0, reach), (0, reach), say("Risk foreseen by {horizon}", horizon=first.label), say("Observed"))
    layers = [svg.guide(axes, (0, reach), (0, reach))]
    layers += [
        svg.whisker(axes, one.risk, one.observed, (one.low if one.low is not None else one.observed, one.high or one.observed))
        for one in first.tenths
    ]
    layers += [
        svg.line(axes, [one.risk for one in other.tenths], [one.observed for one in other.tenths], place)
        for place, (_, other) in enumerate(others, 1)
    ]
    legend = [(label, place) for place, (label, _) in enumerate(those)]
    caption = say(
        "{cause} by {horizon}. Tenths of the rows by risk: the share to which it had come (Aalen-Johansen) over the mean "
        "risk, of {name} as points with 95 % intervals. On the grey diagonal risks mean what they say; below it they are too "
        "high.",
        cause=cause,
        horizon=first.label,
        name=name,
    )
    alt = say("Calibration of {cause} by {horizon}", cause=cause, horizon=first.label)
    return figure(svg.plot(axes, layers, alt, legend), caption)


def successive(those: Sequence[OutlookFacts], cause: str) -> list[Safe]:
    """Each subject at each prediction, on one scale: curves begin when they were foreseen, an upright line tells what came."""
    values = [value for one in those for curves in one.incidence for value in curves[one.names.index(cause)]]
    top = min(1.0, max(values, default=0.0) * 1.06 or 0.1)
    return [_successive(one, cause, top) for one in those]


def _successive(one: OutlookFacts, cause: str, top: float) -> Safe:
    size, place = UNITS[one.unit], one.names.index(cause)
    begin, end = one.since[0] / size, (one.since[-1] + one.days[-1]) / size
    along = say("{unit} from the index event", unit=say(one.unit.capitalize()))
    axes = svg.Axes((begin, end), (0, top), along, say("Chance of {cause}", cause=cause))
    layers = [
        svg.line(axes, [(since + day) / size for day in one.days], curves[place], number)
        for number, (since, curves) in enumerate(zip(one.since, one.incidence, strict=True))
    ]
    came = one.cause or say("last seen, free of all")
    if begin <= one.ended / size <= end:
        layers.append(svg.upright(axes, one.ended / size, came))
    unit, told = say(one.unit), later("foreseen at {time} {unit}")
    legend = [(say(told, time=f"{since / size:.2g}", unit=unit), number) for number, since in enumerate(one.since)]
    caption = say(
        "{row}: {cause} as foreseen {count} times, each from what was known by then. A curve begins at 0 at the "
        "time of its prediction. After {time} {unit}: {came}.",
        row=one.row_id,
        cause=cause,
        count=len(one.since),
        time=f"{one.ended / size:.1f}",
        unit=unit,
        came=came,
    )
    alt = say("{cause} of {row} as foreseen at each prediction", cause=cause, row=one.row_id)
    return figure(svg.plot(axes, layers, alt, legend), caption)


def _reach(those: Sequence[tuple[str, AtHorizon]]) -> float:
    """The upper end of both axes: all of the points, rounded up to a tenth."""
    values = [value for _, one in those for tenth in one.tenths for value in (tenth.risk, tenth.observed, tenth.high or 0.0)]
    return min(1.0, (int(max(values, default=0.0) * 10) + 1) / 10)


def _axes(one: Incidence, courses: Sequence[Course]) -> svg.Axes:
    shares = [value for course in courses for of in (course.observed, course.high, course.predicted) for value in of if value]
    top = min(1.0, max(shares, default=0.1) * 1.06)
    along = say("{unit} from the prediction", unit=say(one.unit.capitalize()))
    return svg.Axes((0, _times(one)[-1]), (0, top), along, say("Share with the event"))


def _times(one: Incidence) -> list[float]:
    """The grid in the unit that times are told in."""
    return [day / UNITS[one.unit] for day in one.days]


def _at_risk(axes: svg.Axes, one: Incidence, courses: Sequence[Course]) -> Safe:
    """Numbers at risk at the ticks of the axis above, a line a group."""
    times, height, said = _times(one), ROW * (len(courses) + 1) + 4, text(say("Rows at risk"))
    pieces = [
        f'<svg viewBox="0 0 {axes.width} {height}" width="{axes.width}" height="{height}" role="img" aria-label="{said}">',
        f'<text class="label" x="{axes.left}" y="{ROW - 3}">{said}</text>',
    ]
    for line, course in enumerate(courses):
        y = ROW * (line + 2) - 3
        colour, dashes, width = svg.style(line)
        pieces.append(f'<path d="M14 {y - 4}h22" stroke="{colour}" stroke-width="{width}" stroke-dasharray="{dashes}"/>')
        counts = [(tick, course.at_risk[bisect_left(times, tick - NEAR)]) for tick in svg.ticks(axes.x)]
        pieces += [f'<text x="{axes.px(tick):.1f}" y="{y}" text-anchor="middle">{count:,}</text>' for tick, count in counts]
    return Safe("".join([*pieces, "</svg>"]))
