"""The verdict in plain words, made from the numbers alone. Where a plain baseline wins, that is said first."""

from __future__ import annotations

from sequela.evaluate.metric import Metric
from sequela.evaluate.report import numbers
from sequela.evaluate.report.run import MAIN, Run, better, label
from sequela.metrics.table import METRICS

NARROW = 1.5  # an interval of observed over expected that is wider tells nothing


def verdict(run: Run) -> list[str]:
    """Sentences in the order in which they matter."""
    said = [sentence for model in MAIN if model in run.models for sentence in _comparisons(run, model)]
    beaten = [words for wins, words in said if wins]
    others = [words for wins, words in said if not wins]
    return [*beaten, *(others or ([] if beaten else [_alone(run)])), *_decision(run), *_calibration(run), _judged_on(run)]


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
    who, plain = label(model).lower(), baseline.removeprefix("baseline:").replace("_", " ")
    which = f"{plain}, the strongest plain baseline" if strongest else f"{plain}, a plain baseline"
    shown = _against(run, model, baseline, row)
    if _wins(row) and certain(row):
        return f"{which[:1].upper()}{which[1:]}, beats the {who}: {shown}."
    if _wins(row):
        return f"The {who} does not beat {which}: {shown}; {_unsure(row)}."
    if certain(row):
        return f"The {who} beats {which}: {shown}."
    return f"The {who} is not shown to beat {which}: {shown}; {_unsure(row)}."


def _unsure(row: Metric) -> str:
    """Why the difference decides nothing."""
    if row.low is None or row.high is None:
        return "it has no interval, so nothing is said of chance"
    return "the interval holds zero, so either may be the better one"


def _against(run: Run, model: str, baseline: str, row: Metric) -> str:
    own, other = run.number(model, run.headline), run.number(baseline, run.headline)
    values = [numbers.number(_value(one), run.headline) for one in (own, other)]
    return f"{numbers.name(run.headline)} {values[0]} against {values[1]}, difference {numbers.interval(row)}"


def _alone(run: Run) -> str:
    row = run.number(run.main, run.headline)
    if row is None or row.value is None:
        reason = f" ({row.reason})" if row is not None and row.reason else ""
        return f"{numbers.name(run.headline)} is undefined on these rows{reason}: no verdict can be given."
    return f"{label(run.main)}: {numbers.name(run.headline)} {numbers.interval(row)}. It was held against no plain baseline."


def _decision(run: Run) -> list[str]:
    """What the threshold does, in natural frequencies."""
    found, right = run.number(run.main, "sensitivity"), run.number(run.main, "ppv")
    alarms = run.number(run.main, "specificity")
    if run.kind != "binary" or not all(row is not None and row.value is not None for row in (found, right, alarms)):
        return []
    cut = numbers.number(found.threshold) if found and not run.several else ""
    where = f"the threshold {cut}" if cut else "its thresholds"
    return [
        f"At {where}, chosen on the tune part, the {label(run.main).lower()} finds {_of_100(found)} events, raises "
        f"{100 * (1 - _value(alarms)):.0f} false alarms among 100 rows without it, and {_of_100(right)} of its calls are right."
    ]


def _of_100(row: Metric | None) -> str:
    return f"{100 * _value(row):.0f} of 100"


def _calibration(run: Run) -> list[str]:
    """Whether risks are too high, too low, or as they should be; of shares that are no risks, that they are none."""
    if run.shares:
        return ["Its answers are shares of normal rows that look less odd, not risks: read no calibration into them."]
    row = run.number(run.main, "observed_expected")
    if run.kind != "binary" or row is None or row.value is None or row.low is None or row.high is None:
        return []
    shown = f"{numbers.number(row.value)} events occurred for each that was foreseen {numbers.limits(row)}"
    if row.high < 1:
        return [f"Its risks are too high on average: {shown}."]
    if row.low > 1:
        return [f"Its risks are too low on average: {shown}."]
    if row.high > NARROW * row.low:
        return [f"Whether its risks are right on average is not told by so few events: {shown}."]
    return [f"Its risks are right on average: {shown}."]


def _events(run: Run, row: Metric) -> str:
    """How many rows have the event, or any of the events."""
    of = row if run.kind == "survival" else run.number(run.main, "auroc") if run.kind == "binary" else None
    if of is None or of.events is None:
        return ""
    return f", {numbers.count(of.events)} with {'an' if run.kind == 'survival' else 'the'} event"


def _judged_on(run: Run) -> str:
    row = run.number(run.main, run.headline) or next(iter(run.rows), None)
    if row is None:
        return "There are no numbers to report."
    events = _events(run, row)
    over = f"The mean over {len(run.facts.splits)} splits, " if run.several else ""
    rows = f"{numbers.count(row.n)} {run.asked_of} of the {run.part} {'parts' if run.several else 'part'}{events}"
    return f"{over}{rows} in all." if over else f"Judged on {rows}."
