"""How the answers hold as the inputs are spoilt: a plot for each kind, then single channels and units."""

from __future__ import annotations

from collections.abc import Sequence

from sequela.evaluate.report import numbers, svg
from sequela.evaluate.report.html import EMPTY, Piece, Safe, figure, figures, folded, joined, paragraph, section, table, tag
from sequela.evaluate.report.run import Run, label
from sequela.evaluate.report.words import later, say
from sequela.evaluate.robustness.facts import Alone, Curve, Measured, Point, RobustnessFacts

TITLES = {
    "missing": later("Left out at random"),
    "noise": later("Noise"),
    "rate": later("Recorded more coarsely"),
    "first": later("Only the beginning"),
    "last": later("Only the end"),
    "corrupt": later("Garbled records"),
    "swapped": later("Tokens put for others"),
    "gradient": later("A step that hurts most"),
    "channels": later("Channels absent"),
    "units": later("Another unit"),
}
LEVELS = {
    "missing": later("Share left out"),
    "noise": later("Noise, in spreads"),
    "rate": later("Times as coarse"),
    "first": later("Share left out, at the end"),
    "last": later("Share left out, at the beginning"),
    "corrupt": later("Share garbled"),
    "swapped": later("Tokens put for others"),
    "gradient": later("Step, in spreads of the scaled input"),
}
MEANINGS = {
    "missing": later("Entries, words, seconds of a signal or blocks of a picture are taken away at random."),
    "noise": later("Every number moves at random, by so many spreads of its column in training, or of the signal or picture."),
    "rate": later("Every so-many-th moment alone is kept, or a signal or picture as a coarser device would have it."),
    "first": later("The record ends too early."),
    "last": later("The record begins too late."),
    "corrupt": later(
        "Entries come as no number, infinite, huge, or as words; characters as none that anybody wrote. What is no number is "
        "read as missing; a huge value is read as the largest known where the input is clipped."
    ),
    "swapped": later(
        "Codes, words or letters are put for others of the same rows, the worst of {draws} draws for each row. Whoever searches "
        "longer finds worse: this is the least that can be done to the answers, not the most."
    ),
    "gradient": later(
        "Every number that is seen moves one step in the direction in which the loss rises (fast gradient sign). Stronger "
        "attacks exist: this is the least that can be done to the answers, not the most."
    ),
}
KEPT = ("first", "last")  # whose levels are of what is kept
MOST = 15  # lines of a table that stands open


def robustness(run: Run) -> Safe:
    """Nothing where it was not examined."""
    facts = run.trusted.robustness
    if facts is None:
        return EMPTY
    said = paragraph(
        say(
            "Inputs of {rows} rows of {subjects} subjects of this part, drawn by the seed, were spoilt, read again and answered; "
            "{metric} is of the rows that were answered, and left out where too few of them have the event, or have it not. "
            "Bands are {share} intervals by subject, from {resamples} resamples.",
            rows=numbers.count(facts.rows),
            subjects=numbers.count(facts.subjects),
            metric=numbers.name(facts.metric),
            share=f"{run.study.evaluate.confidence:.0%}".replace("%", " %"),
            resamples=numbers.count(facts.resamples),
        )
    )
    kinds = list(dict.fromkeys(curve.kind for curve in facts.curves))
    each = [_kind(facts, kind) for kind in kinds]
    return section(say("Robustness"), said, _worst(facts), *each, _channels(facts), _units(facts), _skipped(facts))


def _worst(facts: RobustnessFacts) -> Safe:
    """The kind that flips the most calls at its first level: what a reader should know first."""
    first = [
        (curve, curve.points[1]) for curve in facts.curves if not curve.model.startswith("baseline:") and len(curve.points) > 1
    ]
    told = [(curve, point) for curve, point in first if point.flipped.value is not None]
    if not told:
        return EMPTY
    curve, point = max(told, key=lambda one: one[1].flipped.value or 0.0)
    return paragraph(
        say(
            "At the mildest level the most calls change by: {kind} ({level}), {share} of the rows {limits}.",
            kind=say(TITLES[curve.kind]),
            level=_level(curve.kind, point),
            share=numbers.percent(point.flipped.value),
            limits=_limits(point.flipped, percent=True),
        )
    )


def _kind(facts: RobustnessFacts, kind: str) -> Safe:
    curves = sorted((one for one in facts.curves if one.kind == kind), key=lambda one: one.model.startswith("baseline:"))
    drawn = [_score(facts, kind, curves), _flipped(kind, curves)]
    told = table(_head(facts, kind), [_row(facts, kind, one, point) for one in curves for point in one.points])
    return joined(
        [
            tag("h3", say(TITLES[kind])),
            paragraph(_meaning(facts, kind)),
            figures(*drawn),
            folded(say("The numbers"), told),
        ]
    )


def _meaning(facts: RobustnessFacts, kind: str) -> str:
    return say(MEANINGS[kind], draws=numbers.count(facts.draws)) if kind == "swapped" else say(MEANINGS[kind])


def _score(facts: RobustnessFacts, kind: str, curves: Sequence[Curve]) -> Safe:
    told = [(one, [point for point in one.points if point.score.value is not None]) for one in curves]
    told = [(one, points) for one, points in told if points]
    if not told:
        return EMPTY
    ends = [end for _, points in told for point in points for end in _ends(point.score)]
    low, high = min(ends), max(ends)
    room = (high - low) * 0.06 or 0.01
    axes = _axes(kind, curves, (low - room, high + room), numbers.name(facts.metric))
    first = told[0][1]
    limits = [[_ends(point.score)[end] for point in first] for end in (0, 1)]
    layers = [svg.band(axes, _x(kind, first), limits[0], limits[1])]
    layers += [svg.line(axes, _x(kind, points), [point.score.value for point in points], k) for k, (_, points) in enumerate(told)]
    legend = [(label(one.model), k) for k, (one, _) in enumerate(told)]
    caption = say("{metric} of the rows that were answered.", metric=numbers.name(facts.metric))
    return figure(svg.plot(axes, layers, f"{numbers.name(facts.metric)}: {say(TITLES[kind])}", legend), caption)


def _flipped(kind: str, curves: Sequence[Curve]) -> Safe:
    """How many calls change, and how many rows are refused."""
    told = [(one, [point for point in one.points if point.flipped.value is not None]) for one in curves]
    told = [(one, points) for one, points in told if points]
    if not told:
        return EMPTY
    first = told[0][1]
    refused = [(point, point.refused / max(point.rows + point.refused, 1)) for point in curves[0].points]
    top = max([0.05, *(point.flipped.high or 0.0 for _, points in told for point in points), *(share for _, share in refused)])
    axes = _axes(kind, curves, (0, min(1.0, top * 1.05)), say("Share of rows"))
    layers = [svg.band(axes, _x(kind, first), [point.flipped.low for point in first], [point.flipped.high for point in first])]
    layers += [
        svg.line(axes, _x(kind, points), [point.flipped.value for point in points], k) for k, (_, points) in enumerate(told)
    ]
    layers.append(svg.guide(axes, _x(kind, [point for point, _ in refused]), [share for _, share in refused]))
    legend = [(label(one.model), k) for k, (one, _) in enumerate(told)]
    caption = say("Share of rows that are called otherwise than unspoilt; the thin grey line is the share that is refused.")
    return figure(svg.plot(axes, layers, f"{say('Called otherwise')}: {say(TITLES[kind])}", legend), caption)


def _axes(kind: str, curves: Sequence[Curve], y: tuple[float, float], name: str) -> svg.Axes:
    x = [at for one in curves for at in _x(kind, one.points)]
    return svg.Axes((min(x), max(x)), y, say(LEVELS[kind]), name, height=250)


def _x(kind: str, points: Sequence[Point]) -> list[float]:
    """Where the points stand: from unspoilt on the left."""
    return [1 - point.level if kind in KEPT else point.level for point in points]


def _ends(one: Measured) -> tuple[float, float]:
    value = one.value or 0.0
    return (value if one.low is None else one.low), (value if one.high is None else one.high)


def _level(kind: str, point: Point) -> str:
    words = say(LEVELS[kind])
    return f"{words}: {1 - point.level if kind in KEPT else point.level:g}"


# ----------------------------------------------------------------------------------------------------------------------- tables


def _head(facts: RobustnessFacts, kind: str) -> list[str]:
    calibration = [numbers.name(facts.calibration)] if facts.calibration else []
    head = [say("Answer"), say(LEVELS[kind]), say("Answered"), say("Refused"), numbers.name(facts.metric), say("Change")]
    return [*head, *calibration, say("Called otherwise"), say("Remarked on as rare")]


def _row(facts: RobustnessFacts, kind: str, curve: Curve, point: Point) -> list[Piece]:
    calibration = [_told(point.calibration)] if facts.calibration else []
    level = f"{1 - point.level if kind in KEPT else point.level:g}"
    return [
        label(curve.model),
        level,
        numbers.count(point.rows),
        numbers.count(point.refused),
        _told(point.score),
        _told(point.drop, signed=True),
        *calibration,
        _told(point.flipped, percent=True),
        numbers.percent(point.unusual),
    ]


def _told(one: Measured, *, signed: bool = False, percent: bool = False) -> str:
    value = numbers.percent(one.value) if percent else numbers.number(one.value, signed=signed)
    return f"{value} {_limits(one, signed=signed, percent=percent)}".strip()


def _limits(one: Measured, *, signed: bool = False, percent: bool = False) -> str:
    if one.low is None or one.high is None:
        return ""
    ends = [numbers.percent(end) if percent else numbers.number(end, signed=signed) for end in (one.low, one.high)]
    return f"[{ends[0]}, {ends[1]}]"


def _channels(facts: RobustnessFacts) -> Safe:
    if not facts.channels:
        return EMPTY
    caption = say(
        "Each absent altogether, as if it had never been recorded. A change is of {metric}, over all rows drawn for this.",
        metric=numbers.name(facts.metric),
    )
    return _alone(say(TITLES["channels"]), say("Channel or code"), facts.channels, caption, named=False)


def _units(facts: RobustnessFacts) -> Safe:
    if not facts.units:
        return EMPTY
    caption = say(
        "Those that matter most, each recorded in another unit than it is read in. Nothing here warns of a unit but a share of "
        "rows that is refused: units are checked where data is imported."
    )
    return _alone(say(TITLES["units"]), say("Channel or code"), facts.units, caption, named=True)


def _alone(title: str, what: str, those: Sequence[Alone], caption: str, *, named: bool) -> Safe:
    head = [
        what,
        *([say("How")] if named else []),
        say("Rows that have it"),
        say("Refused"),
        say("Change"),
        say("Called otherwise"),
    ]
    rows = [_alone_row(one, named) for one in those]
    rest = folded(say("All {n}", n=numbers.count(len(rows))), table(head, rows)) if len(rows) > MOST else EMPTY
    return joined([tag("h3", title), table(head, rows[:MOST], caption), rest])


def _alone_row(one: Alone, named: bool) -> list[Piece]:
    point = one.point
    cells = [numbers.count(one.having), numbers.count(point.refused), _told(point.drop, signed=True)]
    return [one.name, *([one.how] if named else []), *cells, _told(point.flipped, percent=True)]


def _skipped(facts: RobustnessFacts) -> Safe:
    if not facts.skipped:
        return EMPTY
    names = ", ".join(f"{say(TITLES[name])}: {reason}" for name, reason in facts.skipped.items())
    return paragraph(say("Not done: {names}.", names=names))
