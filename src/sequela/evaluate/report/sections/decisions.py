"""Decisions given and withheld: how many are wrong where only the surest are given, and what abstention did."""

from __future__ import annotations

from sequela.evaluate.intervals import wilson
from sequela.evaluate.report import numbers, svg
from sequela.evaluate.report.html import EMPTY, Piece, Safe, figure, figures, joined, paragraph, table, tag
from sequela.evaluate.report.run import Run
from sequela.evaluate.report.words import say
from sequela.evaluate.uncertainty.facts import RiskCurve, UncertaintyFacts, Withheld

SHARES = (0.0, 1.0)


def decisions(run: Run, facts: UncertaintyFacts) -> Safe:
    if facts.curve is None:
        return EMPTY
    return joined(
        [
            tag("h3", say("Decisions given and withheld")),
            figures(_curve(run, facts.curve, facts.withheld)),
            EMPTY if facts.withheld is None else _withheld(facts.withheld),
            undecided(facts.withheld) if facts.withheld is not None and run.kind == "binary" else EMPTY,
        ]
    )


def _curve(run: Run, curve: RiskCurve, withheld: Withheld | None) -> Safe:
    highest = max([*curve.high, *curve.wrong, 0.01]) * 1.1
    axes = svg.Axes(SHARES, (0.0, min(1.0, highest)), say("Share of decisions given, the surest first"), say("Wrong among them"))
    layers = [svg.band(axes, curve.given, curve.low, curve.high), svg.line(axes, curve.given, curve.wrong)]
    if withheld is not None:
        layers.append(svg.guide(axes, SHARES, (withheld.fitted.risk, withheld.fitted.risk)))
    return figure(
        svg.plot(axes, layers, say("Risk and coverage")),
        say(
            "Risk and coverage. How many of the decisions are wrong where only the surest are given; the band is the "
            "{confidence} interval by subject. The mean over all shares is {area}. A curve that does not rise means that the "
            "model does not know where it is wrong.",
            confidence=confidence(run),
            area=numbers.number(curve.area),
        ),
    )


def _withheld(one: Withheld) -> Safe:
    fitted = one.fitted
    asked = say(
        "The study asks that at most {risk} of the decisions given are wrong, with a confidence of {confidence} (an exact "
        "binomial test on {subjects} subjects of tune, one row of each).",
        risk=numbers.percent(fitted.risk),
        confidence=numbers.percent(fitted.confidence),
        subjects=numbers.count(fitted.subjects),
    )
    if fitted.cut is None:
        return paragraph(asked, " ", _why(one), class_="warning")
    found = say(
        "Decisions are given from a confidence of {cut} on. Here {given} of {rows} are given, and {wrong} of these are wrong "
        "({share}{limits}).",
        cut=numbers.number(fitted.cut),
        given=numbers.count(one.given),
        rows=numbers.count(one.rows),
        wrong=numbers.count(one.wrong),
        share=numbers.percent(None if one.wrong is None else one.wrong / max(one.given, 1)),
        limits="" if one.low is None or one.high is None else f", {numbers.percent(one.low)} – {numbers.percent(one.high)}",
    )
    rows: list[list[Piece]] = [
        [name, numbers.count(all_), numbers.count(given), numbers.count(wrong), numbers.percent(wrong / given if given else None)]
        for name, (all_, given, wrong) in one.by_class.items()
    ]
    head = [say("True class"), say("Rows"), say("Decision given"), say("Wrong"), say("Share wrong")]
    kept = say(
        "The promise is of all decisions given together, of patients like those of tune. It is no promise within a class: where "
        "the event is rare it can be kept by saying no alone, so look at each class. It does not survive another prevalence."
    )
    return joined([paragraph(asked, " ", found), table(head, rows), paragraph(kept)])


def undecided(one: Withheld) -> Safe:
    """The two-by-two table with the rows that are not decided, and its rates with and without them."""
    if len(one.by_class) != 2 or not one.given:
        return EMPTY
    (others, passed, false), (events, found, missed) = one.by_class.values()
    counts: list[list[Piece]] = [
        [say("Called"), numbers.count(found - missed), numbers.count(false)],
        [say("Not called"), numbers.count(missed), numbers.count(passed - false)],
        [say("Undecided"), numbers.count(events - found), numbers.count(others - passed)],
    ]
    right = found - missed, passed - false
    rates: list[list[Piece]] = [
        [say("Among the decided"), _rate(right[0], found), _rate(right[1], passed)],
        [say("Among all, undecided rows taken as not right"), _rate(right[0], events), _rate(right[1], others)],
    ]
    caption = say("What is decided, with the rows that are left undecided.")
    told = say("Both rates with Wilson's 95 % interval. Among the decided they are those of the surer rows alone.")
    heads = ["", numbers.name("sensitivity"), numbers.name("specificity")]
    return table(["", say("Event"), say("No event")], counts, caption) + table(heads, rates, told)


def _rate(part: int, whole: int) -> str:
    if not whole:
        return "–"
    low, high = wilson(part, whole)
    return f"{numbers.number(part / whole)} [{numbers.number(low)}, {numbers.number(high)}]"


def _why(one: Withheld) -> str:
    fitted = one.fitted
    return say(
        "No confidence was found from which on this can be promised, so every decision is withheld: where it came nearest, "
        "{wrong} of {given} were wrong, and the share may be as high as {bound}.",
        wrong=numbers.count(fitted.wrong),
        given=numbers.count(fitted.given),
        bound=numbers.percent(fitted.bound),
    )


# --------------------------------------------------------------------------------------------------------- spread, rare inputs


def confidence(run: Run) -> str:
    """Of the intervals of a run."""
    return f"{100 * run.study.evaluate.confidence:g} %"
