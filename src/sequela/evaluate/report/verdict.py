"""The verdict in plain words, made from the numbers alone. Where a plain baseline wins, that is said first."""

from __future__ import annotations

from sequela.evaluate.metric import Metric
from sequela.evaluate.report import numbers
from sequela.evaluate.report.run import MAIN, Run, better, label
from sequela.evaluate.report.words import later, retold, say
from sequela.metrics.table import METRICS

NARROW = 1.5  # an interval of observed over expected that is wider tells nothing


def verdict(run: Run) -> list[str]:
    """Sentences in the order in which they matter."""
    said = [sentence for model in MAIN if model in run.models for sentence in _comparisons(run, model)]
    beaten = [words for wins, words in said if wins]
    others = [words for wins, words in said if not wins]
    return [*beaten, *(others or ([] if beaten else [_alone(run)])), *_decision(run), *_calibration(run), _judged_on(run)]


def answer(run: Run) -> str:
    """What matters most, in short; where the answer that is given is not the model's, also how that one fares."""
    first = verdict(run)[0]
    given = [sentence for _, sentence in _comparisons(run, run.main)[:1] if run.main != MAIN[0] and sentence != first]
    return " ".join([first, *given])


def _comparisons(run: Run, model: str) -> list[tuple[bool, str]]:
    """Whether the baseline wins, and the sentence: of the strongest baseline, and of every other that wins."""
    baselines = [name for name in run.models if name.startswith("baseline:")]
    found = [(name, run.number(model, run.headline, against=name)) for name in baselines]
    defined = [(name, row) for name, row in found if row is not None and row.value is not None]
    strength = {name: run.number(name, run.headline) for name, _ in defined}
    highest = METRICS[run.headline].better == "higher"
    ranked = sorted(defined, key=lambda one: _value(strength[one[0]]), reverse=highest)
    return [
        (_wins(row), _sentence(run, model, name, row, place == 0))
        for place, (name, row) in enumerate(ranked)
        if place == 0 or _wins(row)
    ]


def _value(row: Metric | None) -> float:
    return float("nan") if row is None or row.value is None else row.value


def _wins(row: Metric) -> bool:
    """Whether the baseline has the better value, by however little."""
    return row.value is not None and row.value != 0 and not better(row.metric, row.value)


def certain(row: Metric) -> bool:
    """Whether the interval of a difference leaves zero out."""
    return row.low is not None and row.high is not None and (row.low > 0 or row.high < 0)


def _sentence(run: Run, model: str, baseline: str, row: Metric, strongest: bool) -> str:
    who, plain = label(model).lower(), retold(baseline.removeprefix("baseline:").replace("_", " "))
    if strongest:
        which = say("{baseline}, the strongest plain baseline", baseline=plain)
    else:
        which = say("{baseline}, a plain baseline", baseline=plain)
    shown = _against(run, model, baseline, row)
    if _wins(row) and certain(row):
        return say("{which}, beats the {who}: {shown}.", which=f"{which[:1].upper()}{which[1:]}", who=who, shown=shown)
    if _wins(row):
        return say("The {who} does not beat {which}: {shown}; {why}.", who=who, which=which, shown=shown, why=_unsure(row))
    if certain(row):
        return say("The {who} beats {which}: {shown}.", who=who, which=which, shown=shown)
    return say("The {who} is not shown to beat {which}: {shown}; {why}.", who=who, which=which, shown=shown, why=_unsure(row))


def _unsure(row: Metric) -> str:
    """Why the difference decides nothing."""
    if row.low is None or row.high is None:
        return say("it has no interval, so nothing is said of chance")
    return say("the interval holds zero, so either may be the better one")


def _against(run: Run, model: str, baseline: str, row: Metric) -> str:
    own, other = run.number(model, run.headline), run.number(baseline, run.headline)
    return say(
        "{metric} {own} against {other}, difference {difference}",
        metric=numbers.name(run.headline),
        own=numbers.number(_value(own), run.headline),
        other=numbers.number(_value(other), run.headline),
        difference=numbers.interval(row),
    )


def _alone(run: Run) -> str:
    row = run.number(run.main, run.headline)
    if row is None or row.value is None:
        reason = f" ({retold(row.reason)})" if row is not None and row.reason else ""
        metric = numbers.name(run.headline)
        return say("{metric} is undefined on these rows{reason}: no verdict can be given.", metric=metric, reason=reason)
    return say(
        "{who}: {metric} {value}. It was held against no plain baseline.",
        who=label(run.main),
        metric=numbers.name(run.headline),
        value=numbers.interval(row),
    )


def _decision(run: Run) -> list[str]:
    """What the threshold does, in natural frequencies."""
    found, right = run.number(run.main, "sensitivity"), run.number(run.main, "ppv")
    alarms = run.number(run.main, "specificity")
    if run.kind != "binary" or not all(row is not None and row.value is not None for row in (found, right, alarms)):
        return []
    cut = numbers.number(found.threshold) if found and not run.several else ""
    withheld = None if run.trusted.uncertainty is None else run.trusted.uncertainty.withheld
    if withheld is not None and not withheld.given:
        return [say("Every decision is withheld: none is as sure as the study asks for.")]
    return [
        say(
            "At {where}, chosen on the tune part, the {who} finds {found} of 100 events, raises {alarms} false alarms among 100 "
            "rows without it, and {right} of 100 of its calls are right.",
            where=say("the threshold {cut}", cut=cut) if cut else say("its thresholds"),
            who=label(run.main).lower(),
            found=_of_100(_value(found)),
            alarms=_of_100(1 - _value(alarms)),
            right=_of_100(_value(right)),
        )
    ]


def _of_100(share: float) -> str:
    return f"{100 * share:.0f}"


def _calibration(run: Run) -> list[str]:
    """Whether risks are too high, too low, or as they should be; of shares that are no risks, that they are none."""
    if run.shares:
        return [say("Its answers are shares of normal rows that look less odd, not risks: read no calibration into them.")]
    row = run.number(run.main, "observed_expected")
    if run.kind != "binary" or row is None or row.value is None or row.low is None or row.high is None:
        return []
    value, limits = numbers.number(row.value), numbers.limits(row)
    shown = say("{value} events occurred for each that was foreseen {limits}", value=value, limits=limits)
    if row.high < 1:
        return [say("Its risks are too high on average: {shown}.", shown=shown)]
    if row.low > 1:
        return [say("Its risks are too low on average: {shown}.", shown=shown)]
    if row.high > NARROW * row.low:
        return [say("Whether its risks are right on average is not told by so few events: {shown}.", shown=shown)]
    return [say("Its risks are right on average: {shown}.", shown=shown)]


def _events(run: Run, row: Metric) -> str:
    """How many rows have the event, or any of the events."""
    of = row if run.kind == "survival" else run.number(run.main, "auroc") if run.kind == "binary" else None
    if of is None or of.events is None:
        return ""
    count = numbers.count(of.events)
    return say(", {count} with an event", count=count) if run.kind == "survival" else say(", {count} with the event", count=count)


def _judged_on(run: Run) -> str:
    row = run.number(run.main, run.headline) or next(iter(run.rows), None)
    if row is None:
        return say("There are no numbers to report.")
    n, of, part, events = numbers.count(row.n), say(run.asked_of), say(run.part), _events(run, row)
    if run.trusted.external is not None:
        return say("Judged on {n} {of} of these records{events}.", n=n, of=of, events=events)
    if not run.several:
        return say("Judged on {n} {of} of the {part} part{events}.", n=n, of=of, part=part, events=events)
    splits = len(run.facts.splits)
    told = later("The mean over {splits} splits, {n} {of} of the {part} parts{events} in all.")
    return say(told, splits=splits, n=n, of=of, part=part, events=events)
