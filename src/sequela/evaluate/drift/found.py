"""All checks of later data against development; the families that can be asked share the chance of a false alarm alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from msgspec.structs import replace

from sequela.evaluate.drift import cells, course, foreseen, labels, performance
from sequela.evaluate.drift.cells import Test
from sequela.evaluate.drift.changes import RESAMPLES, Changes, changes
from sequela.evaluate.drift.course import Told
from sequela.evaluate.drift.facts import Check, CumulativeSum, Family, Foreseen, Shifted, Window
from sequela.evaluate.question import Question
from sequela.study.development import Calls, Development, Prevalence, Summary
from sequela.types import Array, Plain


@dataclass(frozen=True, slots=True)
class Asked:
    """Later rows, as development told its own: what is held against it. Rows of N, of which `each` holds one a subject."""

    development: Development
    metrics: Sequence[Mapping[str, Any]]  # of development, as the bundle has them
    model: str  # whose answers they are
    confidence: float  # of the metrics' intervals
    each: Array  # int64: one row of every subject
    plain: Plain  # of these alone
    scores: Array  # float64 "each K"
    risks: Mapping[str, Array]  # class or label -> risk of each, where the answer is such
    outcomes: Mapping[str, Array]  # class or label -> 1.0, 0.0, or NaN where nobody knows, of each; {}: no labels
    questions: Sequence[Question]  # of all N rows, about their labels
    subject: Array  # int64 "N"
    time: Array  # datetime64 "each": NaT where there is none


@dataclass(frozen=True, slots=True)
class Settings:
    """How sure the checks are."""

    false_alarms: float = 0.05  # chance that any check raises an alarm where nothing has changed
    power: float = 0.8
    days: float | None = None  # of a window; None: windows of like number
    seed: int = 0
    resamples: int = RESAMPLES


@dataclass(frozen=True, slots=True)
class Found:
    families: list[Family]
    checks: list[Check]
    foreseen: list[Foreseen]
    shifted: list[Shifted]
    windows: list[Window]
    course: CumulativeSum | None


def found(asked: Asked, settings: Settings) -> Found:
    """Every check that these rows allow."""
    told = _in_time(asked)
    tested = _metrics(asked, settings)
    held = _held(asked)
    along = told is not None and told.event is not None
    families: list[Family] = list(held)
    families += ["performance"] if any(p is not None for _, _, p in tested) else []
    families += ["course"] if along else []
    chance = settings.false_alarms / len(families)
    changed = {family: changes(tests, settings.seed, settings.resamples) for family, tests in held.items()}
    checks = [_named(check, asked) for family, one in changed.items() for check in one.checks(family, chance)]
    checks += [check for _, check in _holm(tested, chance)]
    summed = course.course(told, chance, settings.seed) if told is not None and along else None
    checks += [] if summed is None else [_course_check(summed)]
    windows = [] if told is None else course.windows(told, asked.development.scores[0], settings.false_alarms, settings.days)
    ahead = [*_columns_ahead(asked, changed, chance, settings), *_metrics_ahead(asked, tested, chance, settings)]
    return Found(families, checks, ahead, _shifted(asked), windows, summed)


# ---------------------------------------------------------------------------------------------------------------------- columns


def _held(asked: Asked) -> dict[Family, list[Test]]:
    """The tests of each family that has any."""
    columns: dict[Family, Sequence[Summary]] = {
        "inputs": asked.development.columns,
        "score": asked.development.scores,
        "labels": _label_columns(asked),
    }
    found = {family: cells.tests(those, _values(asked, family)) for family, those in columns.items()}
    found["labels"] = [test for test in found["labels"] if test.measure == "distribution"]  # whether a label is known is no news
    return {family: tests for family, tests in found.items() if tests}


def _named(check: Check, asked: Asked) -> Check:
    """Of labels, whether it is of the outcome itself or of what was called."""
    return replace(check, measure="prevalence" if asked.outcomes else "called") if check.family == "labels" else check


def _values(asked: Asked, family: Family) -> Mapping[str, Array]:
    if family == "inputs":
        return cells.by_name(asked.plain, asked.development.columns)
    if family == "score":
        return {one.name: asked.scores[:, k] for k, one in enumerate(asked.development.scores)}
    if asked.outcomes:
        return asked.outcomes
    return {one.name: (asked.risks[one.name] >= one.threshold).astype(np.float64) for one in _told_calls(asked)}


def _label_columns(asked: Asked) -> list[Summary]:
    """Prevalences where labels are known, else the shares called, as columns of 0 and 1."""
    if asked.outcomes:
        known = [one for one in asked.development.prevalences if np.isfinite(asked.outcomes[one.name]).any()]
        return [_of_prevalence(one) for one in known]
    return [_of_calls(one) for one in _told_calls(asked)]


def _told_calls(asked: Asked) -> list[Calls]:
    return [one for one in asked.development.calls if one.name in asked.risks]


def _of_prevalence(one: Prevalence) -> Summary:
    return Summary(name=one.name, rows=one.rows, missing=0, edges=[0.5], counts=[one.rows - one.events, one.events])


def _of_calls(one: Calls) -> Summary:
    rows, called = one.events + one.others, one.called_events + one.called_others
    return Summary(name=one.name, rows=rows, missing=0, edges=[0.5], counts=[rows - called, called])


def _shifted(asked: Asked) -> list[Shifted]:
    return [labels.shifted(one, asked.risks[one.name], asked.confidence) for one in _told_calls(asked)]


# ------------------------------------------------------------------------------------------------------------------ performance

Tested = tuple[performance.Before, Check, float | None]


def _metrics(asked: Asked, settings: Settings) -> list[Tested]:
    """Each metric with its check and its p alone."""
    found: list[Tested] = []
    for question in asked.questions:
        then = performance.before(asked.metrics, question.metric, asked.model, asked.confidence)
        if then is not None:
            subject = asked.subject[question.rows]
            found.append((then, *performance.check(then, question, subject, settings.seed, asked.confidence)))
    return found


def _holm(tested: Sequence[Tested], chance: float) -> list[tuple[float, Check]]:
    """The checks with a p that holds for all of them (Holm 1979), the smallest first; those without one last."""
    asked = sorted((p, k) for k, (_, _, p) in enumerate(tested) if p is not None)
    largest, told = 0.0, []
    for place, (p, k) in enumerate(asked):
        largest = max(largest, min(1.0, p * (len(asked) - place)))
        told.append((largest, replace(tested[k][1], p=largest, alarm=largest <= chance)))
    return told + [(1.0, check) for _, check, p in tested if p is None]


# ------------------------------------------------------------------------------------------------------------------------- time


def _in_time(asked: Asked) -> Told | None:
    """The rows that have a time, in its order; None where fewer than two windows' worth do."""
    timed = np.flatnonzero(~np.isnat(asked.time))
    if len(timed) < 2 * course.FEWEST or not asked.development.scores:
        return None
    order = timed[np.argsort(asked.time[timed], kind="stable")]
    if len(asked.risks) != 1:
        return Told(asked.time[order], asked.scores[order, 0])
    ((name, risk),) = asked.risks.items()
    outcome = asked.outcomes.get(name)
    if outcome is None:
        return Told(asked.time[order], asked.scores[order, 0], risk[order])
    order = order[np.isfinite(outcome[order])]
    if len(order) < 2 * course.FEWEST:
        return None
    off = performance.before(asked.metrics, "calibration_intercept", asked.model, asked.confidence)
    by = (0.0, 0.0) if off is None else (off.value, off.error)
    return Told(asked.time[order], asked.scores[order, 0], risk[order], outcome[order] > 0, by)


def _course_check(summed: CumulativeSum) -> Check:
    highest = max([*summed.more, *summed.fewer])
    crossed = summed.crossed is not None
    return Check(
        family="course", what="events", measure="cumulative sum", before=summed.limit, now=highest, alarm=crossed, p=None
    )


# ------------------------------------------------------------------------------------------------------------------------ ahead


def _columns_ahead(asked: Asked, changed: Mapping[Family, Changes], chance: float, settings: Settings) -> list[Foreseen]:
    told, count = [], len(asked.each)
    before = {"inputs": asked.development.subjects, "score": asked.development.judged}
    families: tuple[Family, ...] = ("inputs", "score")
    for family in families:
        if family in changed and changed[family].tests:
            power = foreseen.distribution_power(changed[family].level(chance), before[family])
            told.append(foreseen.of_change(family, "any column", foreseen.INPUT_SHIFT, count, power, settings.power))
    if "labels" in changed and changed["labels"].tests:
        level = changed["labels"].level(chance)
        measure = "prevalence" if asked.outcomes else "called"
        shares = [one for one in _label_columns(asked) if one.counts[1]]
        told += [foreseen.of_share(one, level, count, settings.power, measure) for one in shares]
    return told


def _metrics_ahead(asked: Asked, tested: Sequence[Tested], chance: float, settings: Settings) -> list[Foreseen]:
    """Holm's first step decides, so its level is foreseen."""
    told = []
    for then, _, _ in tested:
        change, factor = foreseen.named(then)
        power = foreseen.metric_power(chance / len(tested), then)
        told.append(foreseen.of_change("performance", then.metric, change, len(asked.each), power, settings.power, factor=factor))
    return told
