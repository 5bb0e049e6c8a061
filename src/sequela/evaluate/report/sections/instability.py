"""How far one patient's answer moves over networks that learnt from other patients like those of training."""

from __future__ import annotations

from sequela.evaluate.instability import Band, InstabilityFacts
from sequela.evaluate.report import numbers, svg
from sequela.evaluate.report.html import EMPTY, Piece, Safe, figure, figures, paragraph, section, table
from sequela.evaluate.report.run import Run
from sequela.evaluate.report.words import later, say

OF = {
    "risk": later("risk"),
    "probability of the class said": later("probability of the class said"),
    "value": later("value"),
}


def instability(run: Run) -> Safe:
    """The spread by tenths of the answer, and a picture of it; nothing where no network was trained on a resample."""
    facts = run.trusted.instability
    if facts is None:
        return EMPTY
    return section(say("Instability of single answers"), *_said(facts), figures(_picture(facts)), _bands(facts))


def _said(facts: InstabilityFacts) -> list[Safe]:
    spread = say(
        "{models} networks learnt from bootstrap samples of the training patients, by the same settings and nothing chosen "
        "anew. Over {rows} answers of {subjects} patients they lie {error} from the model's in the mean, and 95 % of them "
        "within a range of {width} (Riley and Collins 2023).",
        models=numbers.count(facts.models),
        rows=numbers.count(facts.rows),
        subjects=numbers.count(facts.subjects),
        error=numbers.number(facts.error, _metric(facts)),
        width=numbers.number(facts.width, _metric(facts)),
    )
    flips = [] if facts.flips is None else [say("{share} of their decisions are others.", share=numbers.percent(facts.flips))]
    return [paragraph(" ".join([spread, *flips]))]


def _metric(facts: InstabilityFacts) -> str:
    """Whose decimals these numbers have."""
    return "mae" if facts.of == "value" else ""


def _picture(facts: InstabilityFacts) -> Safe:
    lowest = min(min(one.low, one.answer) for one in facts.points)
    highest = max(max(one.high, one.answer) for one in facts.points)
    span = (lowest, highest) if highest > lowest else (lowest - 1, lowest + 1)
    named = say(OF[facts.of])
    axes = svg.Axes(span, span, say("{of}, of the model", of=named), say("{of}, of the resampled networks", of=named))
    layers = [svg.guide(axes, list(span), list(span))]
    layers += [svg.guide(axes, [one.answer, one.answer], [one.low, one.high]) for one in facts.points]
    layers += [svg.dot(axes, one.answer, one.answer) for one in facts.points[:: max(1, len(facts.points) // 30)]]
    caption = say(
        "Each line is a row: the range in which 95 % of the resampled networks' answers lie, over the model's own. {n} of "
        "{all} rows.",
        n=numbers.count(len(facts.points)),
        all=numbers.count(facts.rows),
    )
    return figure(svg.plot(axes, layers, say("Instability of single answers")), caption)


def _bands(facts: InstabilityFacts) -> Safe:
    head = [
        say("Tenth of the answers"),
        say("Rows"),
        say("Mean answer"),
        say("Mean distance"),
        say("Range of 95 %"),
        say("Other decisions"),
    ]
    rows = [[str(k), *_band(one, _metric(facts))] for k, one in enumerate(facts.bands, 1)]
    return table(head, rows, say("By rising answer of the model."))


def _band(one: Band, metric: str) -> list[Piece]:
    told = [numbers.number(value, metric) for value in (one.answer, one.error, one.width)]
    return [numbers.count(one.rows), *told, numbers.percent(one.flips)]
