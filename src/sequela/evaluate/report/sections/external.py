"""A bundle on other data: go or no-go, how the patients differ, how sites differ, and what it takes to recalibrate here."""

from __future__ import annotations

from collections.abc import Sequence

from sequela.evaluate.acceptance import Judgement
from sequela.evaluate.external.facts import (
    CaseMix,
    ColumnMix,
    Decision,
    ExternalFacts,
    LocalFacts,
    PooledFacts,
    SiteFacts,
    SiteNumber,
    WayAt,
)
from sequela.evaluate.report import numbers
from sequela.evaluate.report.html import EMPTY, Piece, Safe, paragraph, section, table, tag
from sequela.evaluate.report.run import Run
from sequela.evaluate.report.sections.plan import judgements
from sequela.evaluate.report.words import later, retold, say

DECISIONS: dict[Decision, str] = {
    "go": later("Go: all that was to be met is met on these data."),
    "no-go": later("No-go: not all that was to be met is met on these data."),
    "cannot be told": later("Neither go nor no-go: of what was to be met, not all can be told on these data."),
    "nothing was to be met": later("The study of this bundle says nothing that is to be met, so there is no go or no-go."),
}
WAYS = {
    "none": later("as it comes"),
    "intercept": later("intercept"),
    "slope": later("intercept and slope"),
    "full": later("full (beta)"),
}
METRICS = ("auroc", "observed_expected", "calibration_intercept", "calibration_slope")


def elsewhere(run: Run) -> Safe:
    """The decision, first of all; nothing where no bundle was judged elsewhere."""
    facts = run.trusted.external
    if facts is None:
        return EMPTY
    return section(
        say("Go or no-go"),
        *_decided(facts.decision, facts.accepted, ""),
        *(
            _decided(facts.decision_recalibrated, facts.accepted_recalibrated, say("Recalibrated here: "))
            if facts.accepted
            else []
        ),
    )


def _decided(decision: Decision, accepted: Sequence[Judgement], who: str) -> list[Safe]:
    if who and not accepted:
        return []
    return [
        paragraph(tag("strong", who + say(DECISIONS[decision])), class_="verdict"),
        judgements(accepted) if accepted else EMPTY,
    ]


def case_mix(run: Run) -> Safe:
    """The patients here beside those of development."""
    mix = run.trusted.external.mix if run.trusted.external is not None else None
    if mix is None:
        return EMPTY
    said = say(
        "{here} patients here, one row of each, beside {then} of development, of whom the bundle holds summaries alone. A "
        "difference is one of the means, in standard deviations of development.",
        here=numbers.count(mix.subjects_here),
        then=numbers.count(mix.subjects),
    )
    return section(say("Case mix"), paragraph(said), *_levels(mix), _prevalences(mix), _scores(mix), _columns(mix))


def _levels(mix: CaseMix) -> list[Safe]:
    said = []
    if mix.unseen:
        said.append(say("Groups of which the bundle's own results tell nothing: {names}.", names=", ".join(mix.unseen)))
    said += [
        say("Of {share} of the rows the group {name} is not known.", share=numbers.percent(share), name=name)
        for name, share in mix.unknown.items()
    ]
    return [paragraph(one) for one in said]


def _prevalences(mix: CaseMix) -> Safe:
    rows: list[list[Piece]] = [[one.name, numbers.percent(one.then), numbers.percent(one.here)] for one in mix.prevalences]
    return table([say("Prevalence"), say("Development"), say("Here")], rows)


def _scores(mix: CaseMix) -> Safe:
    caption = say(
        "The linear predictor, in log-odds: another mean says that patients are more or less severe, another spread that "
        "they differ more or less (Debray 2015). That of development is of its tune part."
    )
    return table(_head(say("Answer")), [_column(one) for one in mix.scores], caption)


def _columns(mix: CaseMix) -> Safe:
    caption = say("The columns that differ most; {n} more were held against each other.", n=numbers.count(mix.left_out))
    return table(_head(say("Column")), [_column(one) for one in mix.columns], caption)


def _head(first: str) -> list[str]:
    return [
        first,
        say("Mean then"),
        say("Mean here"),
        say("Spread then"),
        say("Spread here"),
        say("Missing then"),
        say("Missing here"),
        say("Difference"),
    ]


def _column(one: ColumnMix) -> list[Piece]:
    measured = [_figure(value) for value in (one.mean, one.mean_here, one.spread, one.spread_here)]
    shares = [numbers.percent(one.missing), numbers.percent(one.missing_here)]
    return [one.column, *measured, *shares, numbers.number(one.difference, signed=True)]


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}".replace("-", "−")


def sites(run: Run) -> Safe:
    """Each site, and all of them as one with how far a new one may lie from them."""
    facts = run.trusted.external
    if facts is None or not (facts.sites or facts.not_pooled):
        return EMPTY
    reason = paragraph(say("Sites are not told as one: {why}.", why=retold(facts.not_pooled))) if facts.not_pooled else EMPTY
    return section(say("By site"), reason, _pooled(facts), _sites(facts))


def _pooled(facts: ExternalFacts) -> Safe:
    caption = say(
        "Random effects over the sites (restricted maximum likelihood, Hartung-Knapp). The prediction interval is where the "
        "number of a new site is expected; it takes three sites."
    )
    head = [say("Number"), say("Sites"), say("Mean"), say("Prediction interval"), "I²"]
    return table(head, [_pooled_row(one) for one in facts.pooled], caption)


def _pooled_row(one: PooledFacts) -> list[Piece]:
    mean = f"{numbers.number(one.value, one.metric)} {_range(one.metric, one.low, one.high)}"
    predicted = _range(one.metric, one.predicted_low, one.predicted_high)
    return [numbers.name(one.metric), numbers.count(one.sites), mean, predicted, numbers.percent(one.inconsistency)]


def _range(metric: str, low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"[{numbers.number(low, metric)}, {numbers.number(high, metric)}]"


def _sites(facts: ExternalFacts) -> Safe:
    head = [facts.site, say("Rows"), say("Patients"), say("Events"), *map(numbers.name, METRICS)]
    return table(head, [_site(one) for one in facts.sites], say("Each site; rows of a patient are gathered in every interval."))


def _site(one: SiteFacts) -> list[Piece]:
    if one.reason:
        return [one.name, numbers.count(one.rows), numbers.count(one.subjects), "–", retold(one.reason), "–", "–", "–"]
    found = {number.metric: number for number in one.numbers}
    counts = [numbers.count(value) for value in (one.rows, one.subjects, one.events)]
    return [one.name, *counts, *[_cell(found.get(metric)) for metric in METRICS]]


def _cell(one: SiteNumber | None) -> Piece:
    return "–" if one is None else f"{numbers.number(one.value, one.metric)} {_range(one.metric, one.low, one.high)}"


def recalibration(run: Run) -> Safe:
    """What each way to recalibrate here comes to with so many patients, and how many it takes."""
    local = run.trusted.external.local if run.trusted.external is not None else None
    if local is None:
        return EMPTY
    if local.reason:
        return section(say("Recalibration here"), paragraph(say("Nothing can be learnt here: {why}.", why=retold(local.reason))))
    return section(say("Recalibration here"), *_needed(local), _ways(local))


def _needed(local: LocalFacts) -> list[Safe]:
    if local.rows_for_intercept is None or local.rows_for_slope is None:
        return []
    said = say(
        "With risks such as these, a 95 % interval {width} wide takes {intercept} patients for the intercept and {slope} for the "
        "slope; there are {events} events here.",
        width=f"{local.width:g}",
        intercept=numbers.count(local.rows_for_intercept),
        slope=numbers.count(local.rows_for_slope),
        events=numbers.count(local.events),
    )
    return [paragraph(said)]


def _ways(local: LocalFacts) -> Safe:
    sizes = sorted({one.subjects for one in local.ways})
    found = {(one.way, one.subjects): one for one in local.ways}
    rows: list[list[Piece]] = [[say(name), *[_way(found.get((way, size))) for size in sizes]] for way, name in WAYS.items()]
    caption = say(
        "Expected calibration error and, in brackets, log loss on the other patients here, after learning from so many of "
        "them; the mean over draws. Ten bins of equal width: a small error of risks that are all alike says little."
    )
    return table([say("Way"), *[say("{n} patients", n=numbers.count(size)) for size in sizes]], rows, caption) if sizes else EMPTY


def _way(one: WayAt | None) -> Piece:
    if one is None or one.error is None:
        return "–"
    return tag("span", numbers.number(one.error, "ece"), tag("small", f" ({numbers.number(one.log_loss, 'log_loss')})"))
