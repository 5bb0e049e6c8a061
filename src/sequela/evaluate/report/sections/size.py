"""Whether the study was large enough: what is there, what would be needed, how wide the intervals became."""

from __future__ import annotations

from sequela.evaluate.report import numbers
from sequela.evaluate.report.html import EMPTY, Piece, Safe, paragraph, section, table
from sequela.evaluate.report.run import Run
from sequela.evaluate.report.words import later, say
from sequela.evaluate.size.facts import Anticipated, Reached, SizeFacts
from sequela.evaluate.size.variance import SHARE

ASSUMED = {
    "cautious": later("if {share} of what can be explained is"),
    "reached": later("if as much is explained as its C statistic on tune says"),
}
CRITERIA = {
    "shrinkage": later("little shrinkage of effects"),
    "optimism": later("little optimism of R²"),
    "average": later("the average known"),
    "spread": later("the spread known"),
    "observed / expected": later("observed / expected"),
    "calibration slope": later("calibration slope"),
    "C statistic": later("C statistic"),
}


def size(run: Run) -> Safe:
    """Patients, events and columns beside what would be needed; nothing for questions of which no such reckoning is known."""
    facts = run.trusted.size
    if facts is None:
        return EMPTY
    return section(say("Sample size"), _there(facts), _developing(facts), _validating(facts), _reached(facts))


def _there(facts: SizeFacts) -> Safe:
    if not facts.subjects:
        return EMPTY
    said = say(
        "{subjects} patients to learn from and {columns} columns as a plain table: {each} patients, or patients with the "
        "event, for each column. The network has {weights} weights: what is needed here is reckoned for a regression with a "
        "coefficient a column, and is the least for it.",
        subjects=numbers.count(facts.subjects),
        columns=numbers.count(facts.parameters),
        each="–" if facts.events_per_parameter is None else f"{facts.events_per_parameter:.1f}",
        weights=numbers.count(facts.weights),
    )
    return paragraph(said)


def _developing(facts: SizeFacts) -> Safe:
    rows: list[list[Piece]] = [_needed(one) for one in facts.development]
    head = [say("To develop"), "R²", say("Patients needed"), say("Of which for"), say("Enough")]
    return table(head, rows, say("The least number of patients to develop a model (Riley 2020)."))


def _needed(one: Anticipated) -> list[Piece]:
    each = ", ".join(f"{say(CRITERIA[part.criterion])}: {numbers.count(part.rows)}" for part in one.needed.needed)
    explained, rows = numbers.number(one.needed.explained), numbers.count(one.needed.rows)
    return [
        say(ASSUMED[one.assumed], share=numbers.percent(SHARE)),
        explained,
        rows,
        each,
        say("yes") if one.enough else say("no"),
    ]


def _validating(facts: SizeFacts) -> Safe:
    if facts.validation is None:
        return EMPTY
    rows: list[list[Piece]] = [[say(CRITERIA[one.criterion]), numbers.count(one.rows)] for one in facts.validation.needed]
    caption = say(
        "The least number of patients to validate one whose risks are spread as here (Riley 2021); there are {n}.",
        n=numbers.count(facts.judged),
    )
    return table([say("To validate"), say("Patients needed")], rows, caption)


def _reached(facts: SizeFacts) -> Safe:
    head = [say("Interval"), say("Value"), say("Width"), say("Wanted")]
    return table(
        head, [_width(one) for one in facts.reached], say("How wide the intervals became, and what that reckoning wants.")
    )


def _width(one: Reached) -> list[Piece]:
    return [numbers.name(one.metric), *[numbers.number(value, one.metric) for value in (one.value, one.width, one.wanted)]]
