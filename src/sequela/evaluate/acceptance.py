"""What is accepted, settled before the test part is opened: a strict small language, and what became of each sentence of it.

    auroc.low >= 0.8                        the lower limit of its interval
    sensitivity >= 0.7                      the value itself
    group sex=F auroc >= 0.75               in one level of a group
    group sex calibration_slope >= 0.8      in every level of it that is large enough to be shown
    class pneumonia auroc >= 0.9            of one class or label
    auroc over boosting > 0                 the paired difference to a baseline

Each is asked of the answer that the bundle gives.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Literal

from msgspec import Struct, structs

from sequela import registry
from sequela.errors import ConfigError
from sequela.evaluate.metric import Metric
from sequela.evaluate.questions import COMPARED
from sequela.metrics.table import METRICS, Kind

Verdict = Literal["met", "not met", "cannot be told"]
HINT = 'written as "auroc.low >= 0.8", "group sex=F auroc >= 0.75", "class NAME auroc >= 0.8" or "auroc over BASELINE > 0"'
_GRAMMAR = re.compile(
    r"(?:group (?P<group>\S[^=]*?(?:=.*?)?) )?(?:class (?P<class_>\S.*?) )?"
    r"(?P<metric>[a-z][a-z0-9_]*)(?:\.(?P<limit>low|high))?(?: over (?P<over>\S+))? (?P<relation>>=|<=|>|<) (?P<bound>\S+)"
)
_RELATIONS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
ORDER = {"low": 0, "": 1, "high": 2}  # of a limit, the value and the other limit: each is no more than the next
_INFINITE = float("inf")
_RANGES: Mapping[str, tuple[float, float]] = {  # of those whose values are no shares
    **dict.fromkeys(("calibration_intercept", "calibration_slope", "count_bias"), (-_INFINITE, _INFINITE)),
    "quadratic_kappa": (-1.0, 1.0),
    "r2": (-_INFINITE, 1.0),
    **dict.fromkeys(
        (
            *("log_loss", "observed_expected", "lr_positive", "lr_negative", "mae", "rmse", "mse", "mase", "pinball"),
            *("interval_width", "perplexity", "rank_mae", "set_size", "smin", "count_mae", "hd95", "volume_error"),
            *("volume_error_ml", "false_lesions", "alerts_per_100_patient_days", "number_needed_to_evaluate"),
            *("false_alarms_per_hour", "lead_time", "entities_right", "entities_boundary", "entities_type"),
            *("entities_both", "entities_spurious", "entities_missed"),
        ),
        (0.0, _INFINITE),
    ),
}


class Criterion(Struct, frozen=True, kw_only=True):
    """One sentence of plan.accept, read."""

    text: str
    metric: str
    relation: str
    bound: float
    limit: Literal["", "low", "high"] = ""  # of the interval; "": the value
    group: str = ""  # "sex=F", or "sex" for every level
    class_: str = ""
    over: str = ""  # a baseline, whose paired difference is meant


class Judgement(Struct, frozen=True, kw_only=True):
    """What became of one criterion: the number that it was asked of, and the verdict."""

    text: str
    verdict: Verdict
    value: float | None = None
    low: float | None = None
    high: float | None = None
    metric: str = ""
    n: int | None = None
    events: int | None = None
    group: str = ""  # of every level, the one that decided
    whole: bool | None = None  # whether the whole interval meets it, or (False) some of it does not; None without an interval
    reason: str = ""  # why it cannot be told


def read(text: str) -> Criterion:
    """Raises ConfigError for a sentence that is not of this language, an unknown metric, or a number out of its range."""
    found = _GRAMMAR.fullmatch(" ".join(text.split()))
    if found is None:
        raise ConfigError(f"plan.accept cannot be read: {text!r}", hint=HINT)
    given = {name: value or "" for name, value in found.groupdict().items()}
    if given["metric"] not in METRICS:
        raise ConfigError(
            f"plan.accept: there is no metric {given['metric']!r}, in {text!r}", registry.nearest(given["metric"], list(METRICS))
        )
    over = given["over"].removeprefix("baseline:")
    bound = _bound(given["bound"], given["metric"], text, difference=bool(over))
    limit: Literal["", "low", "high"] = "low" if given["limit"] == "low" else "high" if given["limit"] else ""
    return Criterion(
        text=" ".join(text.split()),
        metric=given["metric"],
        relation=given["relation"],
        bound=bound,
        limit=limit,
        group=given["group"],
        class_=given["class_"],
        over=f"baseline:{over}" if over else "",
    )


def _bound(text: str, metric: str, sentence: str, difference: bool) -> float:
    try:
        bound = float(text)
    except ValueError:
        raise ConfigError(f"plan.accept: {text!r} is no number, in {sentence!r}", hint=HINT) from None
    low, high = _RANGES.get(metric, (0.0, 1.0))
    if difference:
        low, high = low - high, high - low
    if not low <= bound <= high or abs(bound) == _INFINITE:
        raise ConfigError(f"plan.accept: {bound:g} lies outside of what {metric} can be, {low:g} to {high:g}, in {sentence!r}")
    return bound


def criteria(accept: Sequence[str], kind: Kind, groups: Sequence[str], *, bootstrap: int = 1) -> list[Criterion]:
    """Every sentence read, and known to be one that this study can be asked, before anything is trained.

    `groups`: the names of cohort.groups; `bootstrap`: resamples, without which nothing has limits. Raises ConfigError.
    """
    found = [read(text) for text in accept]
    for one in found:
        _can_be_asked(one, kind, groups, bootstrap)
    _agree(found)
    return found


def _can_be_asked(one: Criterion, kind: Kind, groups: Sequence[str], bootstrap: int) -> None:
    if kind not in METRICS[one.metric].kinds:
        known = [name for name, entry in METRICS.items() if kind in entry.kinds]
        raise ConfigError(f"plan.accept: a {kind} task has no {one.metric}, in {one.text!r}", hint=f"it has: {', '.join(known)}")
    name = one.group.partition("=")[0]
    if name and name not in groups:
        hint = f"known: {', '.join(groups)}" if groups else "name it in cohort.groups"
        raise ConfigError(f"plan.accept: {name!r} is none of cohort.groups, in {one.text!r}", hint=hint)
    if one.limit and not bootstrap:
        raise ConfigError(f"plan.accept: there are no limits without resamples, in {one.text!r}", hint="set evaluate.bootstrap")
    if one.over and (one.metric not in COMPARED[kind] or one.group):
        raise ConfigError(f"plan.accept: answers are not held against one another by {one.text!r}", hint=HINT)


def _agree(found: Sequence[Criterion]) -> None:
    """Raises ConfigError for a sentence that is said twice, and for two that no number can meet together."""
    for k, one in enumerate(found):
        for other in found[:k]:
            if _subject(one) == _subject(other):
                _can_both_be_met(one, other)


def _can_both_be_met(one: Criterion, other: Criterion) -> None:
    if one.relation[0] == other.relation[0]:
        if one.limit == other.limit:
            raise ConfigError(f"plan.accept asks the same twice: {other.text!r} and {one.text!r}", hint="keep one of them")
        return
    least, most = (one, other) if one.relation[0] == ">" else (other, one)
    strict = len(least.relation) + len(most.relation) < 4
    above = least.bound > most.bound or (strict and least.bound == most.bound)
    if above and ORDER[least.limit] <= ORDER[most.limit]:  # what must be high is never more than what must be low
        raise ConfigError(f"plan.accept: no number meets both {other.text!r} and {one.text!r}")


def _subject(one: Criterion) -> tuple[str, ...]:
    return one.metric, one.group, one.class_, one.over


def check_names(found: Sequence[Criterion], names: Sequence[str], levels: Mapping[str, Collection[str]]) -> None:
    """Raises ConfigError for a class that is none of these, or a level that nobody of the cohort has.

    `levels`: of each group of the cohort what rows have, "" where it is not known.
    """
    for one in found:
        group, _, level = one.group.partition("=")
        known = {value or "unknown" for value in levels.get(group, ())}
        if level and level not in known:
            hint = registry.nearest(level, sorted(known))
            raise ConfigError(f"plan.accept: nobody of the cohort has {group} = {level!r}, in {one.text!r}", hint)
        if one.class_ and one.class_ not in names:
            raise ConfigError(
                f"plan.accept: there is no class {one.class_!r}, in {one.text!r}", registry.nearest(one.class_, list(names))
            )


# --------------------------------------------------------------------------------------------------------------------- judging


def judged(found: Sequence[Criterion], metrics: Sequence[Metric], model: str) -> list[Judgement]:
    """Each criterion held against the numbers of one part and split, those of `model`."""
    rows = [row for row in metrics if row.model == model]
    return [_judged(one, [row for row in rows if _meant(one, row)]) for one in found]


def _meant(one: Criterion, row: Metric) -> bool:
    every = bool(one.group) and "=" not in one.group
    group = row.group.partition("=")[0] == one.group and "=" in row.group if every else row.group == one.group
    return row.metric == one.metric and row.class_ == one.class_ and row.against == one.over and group


def _judged(one: Criterion, rows: Sequence[Metric]) -> Judgement:
    """Of every level the worst: one that does not meet it decides; then one that cannot be told, unless it is too small."""
    if not rows:
        return Judgement(text=one.text, verdict="cannot be told", metric=one.metric, reason="it was not computed")
    each = [_of(one, row) for row in rows]
    every = bool(one.group) and "=" not in one.group
    shown = [found for found in each if not found.reason.startswith("suppressed")] if every else each
    order: dict[Verdict, int] = {"not met": 0, "cannot be told": 1, "met": 2}
    worst = min(shown or each, key=lambda found: (order[found.verdict], found.whole is not False))
    left = len(each) - len(shown)
    return structs.replace(worst, reason="; ".join(filter(None, [worst.reason, _left(left, len(each))])))


def _left(left: int, levels: int) -> str:
    return f"{left} of {levels} levels are too small to be judged" if left else ""


def _of(one: Criterion, row: Metric) -> Judgement:
    """One criterion held against one number."""
    meets = _RELATIONS[one.relation]
    asked = row.value if not one.limit else row.low if one.limit == "low" else row.high
    bounded = row.low is not None and row.high is not None
    verdict: Verdict = "cannot be told" if asked is None else "met" if meets(asked, one.bound) else "not met"
    return Judgement(
        text=one.text,
        verdict=verdict,
        value=row.value,
        low=row.low,
        high=row.high,
        metric=one.metric,
        n=row.n,
        events=row.events,
        group=row.group,
        whole=_whole(row, meets, one.bound) if bounded else None,
        reason=(row.reason or "it has no such limit") if asked is None else "",
    )


def _whole(row: Metric, meets: Callable[[float, float], bool], bound: float) -> bool:
    return all(limit is not None and meets(limit, bound) for limit in (row.low, row.high))


def verdict(found: Sequence[Judgement]) -> Literal["", "met", "not met", "cannot be told"]:
    """Of all together: met where each is, not met where one is not; "" where nothing was to be met."""
    if not found:
        return ""
    told = {one.verdict for one in found}
    return "not met" if "not met" in told else "cannot be told" if "cannot be told" in told else "met"
