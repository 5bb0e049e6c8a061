"""Everything found on one part of one split: each number with its interval, beside the baselines, by group, with the curves.

All numbers of all answers see the same resamples of the subjects, so the difference of two answers is paired throughout.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as replaced

import numpy as np
from msgspec.structs import replace

from sequela import config
from sequela.errors import ConfigError
from sequela.evaluate import alerts, gathered, incidence
from sequela.evaluate import curves as drawing
from sequela.evaluate.blocks import by_block
from sequela.evaluate.intervals import Draws, delong_difference, distinct, draws, percentiles, wilson
from sequela.evaluate.metric import Evaluation, Metric
from sequela.evaluate.question import Question
from sequela.evaluate.questions import COMPARED, UNRULED, Asked, Safety, check
from sequela.evaluate.resampled import resampled
from sequela.evaluate.threshold import decide, key
from sequela.metrics.table import Kind
from sequela.types import Answer, Array, Cohort, Part

ALL = ""  # the group of everybody
UNDRAWN = "no interval: of baselines none is drawn by group"
RECALIBRATED = "recalibrated"  # the name of an answer that was calibrated on the data it is judged on


@dataclass(frozen=True, slots=True)
class Judged:
    """One part of one split with everybody's answers to it: rows of the cohort and of each answer agree."""

    cohort: Cohort
    answers: Mapping[str, Answer]  # "model", "ensemble", "baseline:NAME"
    thresholds: Mapping[str, float]  # by threshold.key
    split: str
    safety: Safety = UNRULED


@dataclass(frozen=True, slots=True)
class Estimate:
    """A question's value on the rows as they are, and on each resample."""

    question: Question
    group: str
    point: float
    samples: Array  # "resamples"; empty where it was suppressed or no resampling is asked for
    subjects: int
    suppressed: str = ""  # why it is not shown


@dataclass(frozen=True, slots=True)
class Slice:
    """Some rows of the cohort and what is asked of them."""

    group: str
    rows: Array
    questions: Sequence[Question]


def evaluate(
    kind: Kind,
    cohort: Cohort,
    answers: Mapping[str, Answer],
    settings: config.Evaluate,
    thresholds: Mapping[str, float],
    *,
    part: Part,
    split: str,
    seed: int,
    safety: Safety = UNRULED,
) -> Evaluation:
    """Metrics with intervals, paired differences, groups and curves of the answers to these rows.

    `cohort` and `safety` hold the rows of the part alone, in the order of the answers. `thresholds` come from tune
    (threshold.choose_all).
    Raises DataError where an answer does not fit the cohort, ConfigError where the settings name a class that is not there.
    """
    judged = Judged(by_block(cohort), answers, thresholds, split, safety)
    drawn = draws(judged.cohort.subject_id, settings.bootstrap, seed)
    found = estimates(kind, judged, settings, drawn)
    metrics = [as_metric(one, part, split, settings) for one in found]
    metrics += differences(kind, judged, found, part, settings)
    return Evaluation(metrics=metrics, curves=_curves(kind, judged, drawn, part))


# ------------------------------------------------------------------------------------------------------------------ numbers


def estimates(kind: Kind, judged: Judged, settings: config.Evaluate, drawn: Draws) -> list[Estimate]:
    """Every number asked of every answer, on all rows, without the subjects to leave out, and by group."""
    check(kind, len(judged.cohort), judged.cohort.target, judged.answers, judged.thresholds)
    target = judged.cohort.target
    fewer = check_names(settings, target.names)
    asked = Asked(kind, target, judged.answers, judged.thresholds, tuple(settings.classes), judged.safety, fewer)
    slices = [
        Slice(group, rows, [*asked.questions(rows), *alerts.questions(asked, judged.cohort, rows, settings)])
        for group, rows in _groups(judged.cohort, settings)
    ]
    return _estimated(slices, judged.cohort, settings, drawn)


def check_names(settings: config.Evaluate, names: tuple[str, ...]) -> gathered.Classes | None:
    """The fewer classes into which those of these names are gathered, where they are.

    Raises ConfigError where the settings name a class that is not there, or gather one not exactly once.
    """
    unknown = [name for name in settings.classes if name not in names]
    if unknown:
        raise ConfigError(f"evaluate.classes names {unknown[0]!r}, which is no class", hint=f"known: {', '.join(names)}")
    return gathered.classes(settings.gathered, names)


def _groups(cohort: Cohort, settings: config.Evaluate) -> Iterator[tuple[str, Array]]:
    everybody = np.arange(len(cohort))
    yield ALL, everybody
    left_out = np.isin(cohort.source_id, np.array(settings.without, dtype=str))
    if left_out.any():
        yield f"without {', '.join(settings.without)}", everybody[~left_out]
    for name, values in cohort.groups.items():
        for value in np.unique(values):
            yield f"{name}={value or 'unknown'}", np.flatnonzero(values == value)


def _estimated(slices: Sequence[Slice], cohort: Cohort, settings: config.Evaluate, drawn: Draws) -> list[Estimate]:
    asked = [(one.group, question) for one in slices for question in one.questions]
    reasons = [_too_small(group, question, settings) for group, question in asked]
    drawing = [not reason and _is_drawn(group, question) for (group, question), reason in zip(asked, reasons, strict=True)]
    samples = iter(resampled([one for (_, one), draw in zip(asked, drawing, strict=True) if draw], cohort.subject_id, drawn))
    found = []
    for (group, question), reason, draw in zip(asked, reasons, drawing, strict=True):
        point = float("nan") if reason or not len(question.rows) else question.point()
        told = question if draw or reason or not drawn.count else replaced(question, reason=_joined(question.reason, UNDRAWN))
        subjects = _denominator_subjects(question, cohort)
        found.append(Estimate(told, group, point, next(samples) if draw else np.zeros(0), subjects, reason))
    return found


def _is_drawn(group: str, question: Question) -> bool:
    """Whether a number has an interval: by group only those of the answers that are given."""
    return "=" not in group or not question.model.startswith("baseline:")


def _too_small(group: str, question: Question, settings: config.Evaluate) -> str:
    """Why a group's number is suppressed; "" where it is shown, as everybody's always is."""
    n, events = len(question.rows), question.events
    if "=" not in group:
        return ""
    if n < settings.min_group:
        return f"suppressed: {n} rows, {settings.min_group} are needed"
    if events is not None and events < settings.min_events:
        return f"suppressed: {events} events, {settings.min_events} are needed"
    if events is not None and n - events < settings.min_events:
        return f"suppressed: {n - events} rows without the event, {settings.min_events} are needed"
    return ""


def _denominator_subjects(question: Question, cohort: Cohort) -> int:
    """Of a proportion how many subjects it is a share of; 0 of anything else."""
    if question.denominator is None:
        return 0
    return distinct(cohort.subject_id[question.rows[question.denominator]])


# --------------------------------------------------------------------------------------------------------------------- rows


def as_metric(one: Estimate, part: str, split: str, settings: config.Evaluate) -> Metric:
    """An estimate as a row of metrics.json; where its value is undefined it is null and says why."""
    question = one.question
    undefined = "its denominator is zero" if np.isnan(one.point) else ""
    plain = Metric(
        model=question.model,
        part=part,
        split=split,
        metric=question.metric,
        class_=question.class_,
        group=one.group,
        value=None if np.isnan(one.point) else one.point,
        n=len(question.rows),
        events=question.events,
        threshold=question.threshold,
        reason=one.suppressed or question.reason or undefined,
    )
    return (
        plain
        if plain.value is None
        else with_interval(plain, one.samples, settings, one.subjects if question.denominator is not None else 0)
    )


def with_interval(metric: Metric, samples: Array, settings: config.Evaluate, proportion_of: int = 0) -> Metric:
    """The row with the bootstrap's limits, or why it has none.

    Where every resample gives the same value (a proportion of 0 or 1) the bootstrap has no width: a proportion then gets Wilson's
    limits for as many trials as there are subjects (`proportion_of`), anything else none.
    """
    if len(samples) == 0:
        return metric
    limits = percentiles(samples, settings.confidence)
    undefined = int(np.isnan(samples).sum())
    if limits is None:
        return _noted(metric, f"no interval: undefined in {undefined} of {len(samples)} resamples")
    if limits[0] < limits[1]:
        rare = undefined <= len(samples) / 20
        bounded = replace(metric, low=limits[0], high=limits[1], method="bootstrap")
        return (
            bounded
            if rare
            else _noted(bounded, f"interval without {undefined} of {len(samples)} resamples, where it is undefined")
        )
    if not proportion_of or metric.value is None:
        return _noted(metric, "no interval: the same in every resample")
    low, high = wilson(metric.value * proportion_of, proportion_of, settings.confidence)
    return replace(metric, low=low, high=high, method="wilson")


def _noted(metric: Metric, note: str) -> Metric:
    return replace(metric, reason=_joined(metric.reason, note))


def _joined(*reasons: str) -> str:
    return "; ".join(filter(None, reasons))


# -------------------------------------------------------------------------------------------------------------- differences


def pairs(answers: Sequence[str]) -> list[tuple[str, str]]:
    """Who is held against whom: the model and the ensemble against each baseline, the ensemble against the model.

    An answer calibrated anew on other data is held against the answer as it came: the ensemble's, or else the model's.
    """
    baselines = [name for name in answers if name.startswith("baseline:")]
    held = [(name, baseline) for name in ("model", "ensemble") if name in answers for baseline in baselines]
    held += [("ensemble", "model")] if {"ensemble", "model"} <= set(answers) else []
    given = "ensemble" if "ensemble" in answers else "model"
    return held + ([(RECALIBRATED, given)] if RECALIBRATED in answers else [])


def differences(kind: Kind, judged: Judged, found: Sequence[Estimate], part: str, settings: config.Evaluate) -> list[Metric]:
    """Paired differences of everybody's numbers (and of those without the subjects to leave out), with intervals."""
    rows = []
    for left, right in paired(kind, list(judged.answers), found):
        plain = difference(as_metric(left, part, judged.split, settings), right, left.point - right.point)
        metric = plain if plain.value is None else with_interval(plain, left.samples - right.samples, settings)
        rows.append(_with_p(metric, left.question, right.question, judged))
    return rows


def paired(kind: Kind, answers: Sequence[str], found: Sequence[Estimate]) -> Iterator[tuple[Estimate, Estimate]]:
    """Both sides of each comparison; groups by value are not compared."""
    compared = [one for one in found if "=" not in one.group and one.question.metric in COMPARED[kind]]
    named = {(one.question.model, one.question.metric, one.question.class_, one.group): one for one in compared}
    for model, against in pairs(answers):
        for (who, metric, class_, group), left in named.items():
            other = named.get((against, metric, class_, group))
            if who == model and other is not None:
                yield left, other


def difference(of: Metric, right: Estimate, value: float) -> Metric:
    """The row of a difference, as yet without an interval; where either side is undefined, so is it."""
    reason = (
        of.reason if of.value is None else f"{right.question.model}: {right.question.reason}" if np.isnan(right.point) else ""
    )
    undefined = None if np.isnan(value) else value
    return replace(
        of, value=undefined, against=right.question.model, reason=reason, low=None, high=None, method="", threshold=None
    )


def _with_p(metric: Metric, left: Question, right: Question, judged: Judged) -> Metric:
    """DeLong's p beside a difference of AUROC in a yes-or-no question."""
    if metric.metric != "auroc" or metric.value is None or left.events is None:
        return metric
    target, column = judged.cohort.target, 0
    names = target.names
    exclusive = target.values.shape[1] == 1 and len(names) > 1
    place = names.index(left.class_) if left.class_ else 0
    column = 0 if exclusive else place
    event = target.values[left.rows, column] == place if exclusive else target.values[left.rows, column] > 0
    risks = [judged.answers[side.model].values[left.rows, place] for side in (left, right)]
    tested = delong_difference(risks[0], risks[1], event, judged.cohort.subject_id[left.rows], 0.95)
    return metric if tested.p is None or np.isnan(tested.p) else replace(metric, p=tested.p)


# ------------------------------------------------------------------------------------------------------------------- curves


def _curves(kind: Kind, judged: Judged, drawn: Draws, part: str) -> drawing.Curves:
    curves = drawing.Curves(kind=kind, part=part, split=judged.split)
    if kind in ("forecast", "next_event", "segment", "detect", "entities", "contact"):
        return curves
    if kind == "survival":
        return replace(curves, incidence=list(_incidences(judged, drawn)))
    if kind == "regression":
        return replace(curves, agreement=list(_agreements(judged)))
    questions = list(_yes_or_no(kind, judged, drawn))
    matrices = list(_confusions(judged)) if kind == "multiclass" else []
    return replace(curves, drawn=questions, confusion=matrices)


def _yes_or_no(kind: Kind, judged: Judged, drawn: Draws) -> Iterator[drawing.Drawn]:
    target, subject = judged.cohort.target, judged.cohort.subject_id
    for model, answer in judged.answers.items():
        for k, name in enumerate(answer.names):
            column = 0 if kind == "multiclass" else k
            rows = np.flatnonzero(target.known[:, column])
            event = target.values[rows, column] == k if kind == "multiclass" else target.values[rows, column] > 0
            if event.any() and not event.all():
                cut = None if kind == "multiclass" else judged.thresholds[key(model, name if kind == "multilabel" else "")]
                class_ = "" if kind == "binary" else name
                yield drawing.draw(answer.values[rows, k], event, subject[rows], drawn, model=model, class_=class_, cut=cut)


def _incidences(judged: Judged, drawn: Draws) -> Iterator[incidence.Incidence]:
    target = judged.cohort.target
    rows = np.flatnonzero(target.known[:, 0])
    for model, answer in judged.answers.items():
        yield from incidence.drawn(model, answer.take(rows), target.take(rows), judged.cohort.subject_id[rows], drawn)


def _confusions(judged: Judged) -> Iterator[drawing.Confusion]:
    target = judged.cohort.target
    rows = np.flatnonzero(target.known[:, 0])
    truth = target.values[rows, 0].astype(np.int64)
    for model, answer in judged.answers.items():
        yield drawing.confusion(model, decide("multiclass", model, answer, {})[rows], truth, answer.names)


def _agreements(judged: Judged) -> Iterator[drawing.Agreement]:
    target = judged.cohort.target
    for model, answer in judged.answers.items():
        for column, name in enumerate(answer.names):
            rows = np.flatnonzero(target.known[:, column])
            if len(rows):
                yield drawing.agreement(model, name, answer.values[rows, column], target.values[rows, column])
