"""Groups held against each other: what was found in each, how far they lie apart, and what was done about it."""

from __future__ import annotations

from collections.abc import Sequence

from sequela.evaluate.fairness.facts import FairnessFacts, Gap, GroupingFacts, LevelFacts, MitigationFacts, SideFacts
from sequela.evaluate.fairness.groupings import UNKNOWN
from sequela.evaluate.report import numbers
from sequela.evaluate.report.html import EMPTY, Piece, Safe, bullets, folded, joined, paragraph, section, table, tag
from sequela.evaluate.report.run import Run, label
from sequela.evaluate.report.words import later, say

NAMES = {
    "selection_rate": later("Called"),
    "bias": later("Mean error"),
    "equalised_odds_difference": later("Equalised odds, difference"),
    "equalised_odds_ratio": later("Equalised odds, ratio"),
    "selection_rate_difference": later("Share called, difference"),
    "selection_rate_ratio": later("Share called, ratio"),
    "mae_difference": later("MAE, difference"),
}
RATIOS = ("observed_expected",)
LOSS = later("The loss of each group of {by} counts alike in training, whatever its size (weights {least} to {largest}).")
INDEPENDENT = later(
    "Training rows are weighed so that {by} and outcome are independent (Kamiran and Calders 2012; weights {least} to {largest})."
)
OPEN = 3  # groupings whose tables are not folded


def fairness(run: Run) -> Safe:
    """Each grouping's numbers, gaps and spreads; nothing where no group was examined."""
    facts = run.trusted.fairness
    if facts is None or not facts.groupings:
        return EMPTY
    tables = [_grouping(facts, one) for one in facts.groupings]
    shown, rest = tables[:OPEN], tables[OPEN:]
    more = folded(say("{n} more groupings", n=numbers.count(len(rest))), *rest) if rest else EMPTY
    said = [*_how(facts), *_unseen(facts), _found(facts), *shown, more, paragraph(_meaning()), _mitigated(facts)]
    return section(say("Groups held against each other"), *said)


def covers_groups(run: Run) -> bool:
    """Whether all that the tables by group would show stands in this section."""
    return run.kind == "binary" and not run.several and run.trusted.fairness is not None


# -------------------------------------------------------------------------------------------------------------- in words


def _how(facts: FairnessFacts) -> list[Safe]:
    who = say(
        "{who}: each group is held against the one with the most rows. Groups of fewer than {rows} rows, or of fewer than "
        "{events} with or without the event, are suppressed; a PPV of fewer than {events} calls is, too.",
        who=label(facts.model),
        rows=numbers.count(facts.min_group),
        events=numbers.count(facts.min_events),
    )
    gaps = sum(facts.family.values())
    if not gaps or not facts.resamples:
        return [paragraph(who)]
    most = max(facts.family.values())
    how = say(
        "Intervals are by {resamples} resamples of the patients, the same for every group. Up to {most} gaps of one number are "
        "looked at together, so the intervals of gaps are so wide that all gaps of that number lie in theirs at once with "
        "{confidence} confidence, and p is adjusted likewise, by the largest of them.",
        resamples=numbers.count(facts.resamples),
        most=numbers.count(most),
        confidence=numbers.percent(facts.confidence),
    )
    left = say("Classes not asked about, as they have the fewest events: {n}.", n=numbers.count(facts.left_out))
    return [paragraph(who), paragraph(how)] + ([paragraph(left)] if facts.left_out else [])


def _unseen(facts: FairnessFacts) -> list[Safe]:
    """Groups that training did not have, by name."""
    found = {
        f"{grouping.name} = {level.level}": level.rows
        for grouping in facts.groupings
        for level in grouping.levels
        if level.trained == 0
    }
    unseen = later("Training had no row of {group}: what is said of its {rows} rows here rests on other groups.")
    said = [say(unseen, group=group, rows=numbers.count(rows)) for group, rows in found.items()]
    return [bullets([tag("strong", one) for one in said])] if said else []


def _found(facts: FairnessFacts) -> Safe:
    """The gaps that chance does not explain, the surest first; or that there is none, and what was not excluded."""
    gaps = [(grouping, gap) for grouping in facts.groupings for gap in grouping.gaps]
    tested = [(grouping, gap) for grouping, gap in gaps if gap.p is not None]
    if not tested:
        return paragraph(say("No gap could be tested: there are too few groups with enough rows and events."))
    beyond = [(grouping, gap) for grouping, gap in tested if gap.p is not None and gap.p <= 1 - facts.confidence + 1e-9]
    sure = sorted(beyond, key=lambda one: one[1].p or 0.0)
    if not sure:
        said = say(
            "None of {n} gaps is larger than chance explains. That is not proof of none: each interval below tells how large a "
            "gap these rows cannot exclude.",
            n=numbers.count(len(tested)),
        )
        return paragraph(said)
    return paragraph(
        say("{n} of {all} gaps are larger than chance explains:", n=numbers.count(len(sure)), all=numbers.count(len(tested)))
    ) + bullets([_sentence(grouping, gap) for grouping, gap in sure])


def _sentence(grouping: GroupingFacts, gap: Gap) -> str:
    of = f", {grouping.class_}" if grouping.class_ else ""
    values = {
        "metric": _name(gap.metric),
        "grouping": grouping.name.replace("_", " ") + of,
        "level": _level(gap.level),
        "reference": _level(grouping.reference),
        "gap": _number(gap.value, gap.metric, signed=True),
        "limits": _limits(gap.low_all, gap.high_all, gap.metric),
        "p": numbers.p_value(gap.p),
    }
    if gap.metric in RATIOS:
        return say("{grouping}: {metric} of {level} is {gap} times that of {reference} {limits}, adjusted {p}.", **values)
    return say("{grouping}: {metric} of {level} less that of {reference} is {gap} {limits}, adjusted {p}.", **values)


def _meaning() -> str:
    return say(
        "A gap says that the model serves these groups unequally on these rows; it does not say why. Groups differ in how ill "
        "they are, in how they were measured and in how their outcome was recorded, and rates at one threshold differ wherever "
        "risks are spread otherwise, even where every risk is right. Unless groups have the same share of events, calibration "
        "within groups and equal error rates cannot both hold (Kleinberg 2017; Chouldechova 2017): which of them matters is a "
        "clinical and an ethical choice. The largest distance between several groups is never 0; beside each stands what chance"
        " gives."
    )


# ------------------------------------------------------------------------------------------------------------------- tables


def _grouping(facts: FairnessFacts, one: GroupingFacts) -> Safe:
    title = one.name.replace("_", " ") + (f": {one.class_}" if one.class_ else "")
    return joined([tag("h3", title), _levels(one), _gaps(one), _spreads(one)])


def _levels(one: GroupingFacts) -> Safe:
    metrics = list(dict.fromkeys(told.metric for level in one.levels for told in level.told))
    head = [one.name.replace("_", " "), say("Rows"), say("Events"), say("In training"), *map(_name, metrics)]
    rows = [_row(level, metrics) for level in one.levels]
    return table(head, rows, say("Within each group, with the interval of each number alone."))


def _row(level: LevelFacts, metrics: Sequence[str]) -> list[Piece]:
    counts: list[Piece] = [_level(level.level), numbers.count(level.rows), numbers.count(level.events)]
    trained: Piece = tag("strong", say("never seen")) if level.trained == 0 else numbers.count(level.trained)
    if level.suppressed:
        return [*counts, trained, tag("em", say("suppressed")), *["–"] * (len(metrics) - 1)] if metrics else [*counts, trained]
    told = {one.metric: one for one in level.told}
    cells = [_cell(told[name].value, told[name].low, told[name].high, name) if name in told else "–" for name in metrics]
    return [*counts, trained, *cells]


def _gaps(one: GroupingFacts) -> Safe:
    metrics = list(dict.fromkeys(gap.metric for gap in one.gaps))
    found = {(gap.level, gap.metric): gap for gap in one.gaps}
    levels = list(dict.fromkeys(gap.level for gap in one.gaps))
    rows = [[_level(level), *[_gap(found.get((level, name))) for name in metrics]] for level in levels]
    caption = say(
        "Less {reference}; of observed / expected, over it. Intervals hold for all gaps of a number at once.",
        reference=_level(one.reference),
    )
    return table([say("Gap of"), *map(_name, metrics)], rows, caption)


def _gap(gap: Gap | None) -> Piece:
    if gap is None:
        return "–"
    shown = _cell(gap.value, gap.low_all, gap.high_all, gap.metric, signed=gap.metric not in RATIOS)
    return shown if gap.p is None else tag("span", shown, " ", tag("small", numbers.p_value(gap.p)))


def _spreads(one: GroupingFacts) -> Safe:
    apart: list[list[Piece]] = [
        [_name(spread.name), numbers.number(spread.value), numbers.number(spread.chance), numbers.p_value(spread.p) or "–"]
        for spread in one.spreads
    ]
    worst: list[list[Piece]] = [
        [_name(least.metric), _level(least.level), _cell(least.value, least.low, least.high, least.metric)] for least in one.worst
    ]
    return joined(
        [
            table([say("Over all groups"), say("Found"), say("By chance"), "p"], apart),
            table([say("Worst served"), say("Group"), say("Value")], worst),
        ]
    )


def _cell(value: float | None, low: float | None, high: float | None, metric: str, *, signed: bool = False) -> Safe:
    limits = _limits(low, high, metric, signed=signed)
    return tag("span", _number(value, metric, signed=signed), tag("small", f" {limits}") if limits else "")


def _limits(low: float | None, high: float | None, metric: str, *, signed: bool = False) -> str:
    if low is None or high is None:
        return ""
    return f"[{_number(low, metric, signed=signed)}, {_number(high, metric, signed=signed)}]"


def _number(value: float | None, metric: str, *, signed: bool = False) -> str:
    return numbers.number(value, metric, signed and metric not in RATIOS)


def _name(metric: str) -> str:
    return say(NAMES[metric]) if metric in NAMES else numbers.name(metric)


def _level(level: str) -> str:
    return say("unknown") if level == UNKNOWN else level


# --------------------------------------------------------------------------------------------------------------- mitigation


def _mitigated(facts: FairnessFacts) -> Safe:
    one = facts.mitigation
    if one is None:
        return EMPTY
    rows = [_side(side) for side in one.sides]
    head = ["", say("Part"), say("Rows"), *map(numbers.name, ("auroc", "brier", "sensitivity", "specificity"))]
    head += [say("Sensitivity, gap"), say("Specificity, gap"), say("Observed / expected, ratio")]
    caption = say("With it and without. Gaps are of the group with the largest value and that with the smallest.")
    return joined([tag("h3", say("What was done about it")), paragraph(_done(one)), _cuts(one), table(head, rows, caption)])


def _done(one: MitigationFacts) -> str:
    by = one.by.replace("_", " ")
    if one.how == "thresholds":
        return say(
            "Each group of {by} has a threshold at which, on tune, as large a share of its events is called as of everybody's. A "
            "bundle does not know a row's group and keeps the one threshold: these are for comparison.",
            by=by,
        )
    least, largest = (numbers.number(one.weights.get(name), "mae") for name in ("least", "largest"))
    said = LOSS if one.how == "loss" else INDEPENDENT
    cost = say(
        "One network trained without the weights and one with them, both before any calibration and at a threshold chosen "
        "there, are compared on tune; on the part shown only the model that is given was judged, as it is given. Baselines are "
        "not weighed."
    )
    return f"{say(said, by=by, least=least, largest=largest)} {cost}"


def _cuts(one: MitigationFacts) -> Safe:
    rows = [[_level(level), numbers.number(cut)] for level, cut in one.thresholds.items()]
    return table([one.by.replace("_", " "), say("Threshold")], rows)


def _side(side: SideFacts) -> list[Piece]:
    name = say("with it") if side.side == "with" else say("without it")
    rates = [numbers.number(value) for value in (side.auroc, side.brier, side.sensitivity, side.specificity)]
    gaps = [numbers.number(value) for value in (side.sensitivity_gap, side.specificity_gap, side.observed_expected_gap)]
    return [name, side.part, numbers.count(side.rows), *rates, *gaps]
