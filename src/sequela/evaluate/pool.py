"""Several splits as one result: the mean over them, with an interval that knows that their test parts overlap.

A subject drawn in a resample is drawn in every split that tests on it, so that splits which share subjects vary together.

Where every split tests one subject (leave-one-out), a mean over them is none: no AUROC is defined within one, and the calibration
error of one row is how far its risk is from 0 or 1. Their test parts are then judged as one, but for what decides by thresholds
that were chosen split by split.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sequela import config
from sequela.errors import DataError
from sequela.evaluate.evaluation import Estimate, Judged, as_metric, difference, estimates, paired, with_interval
from sequela.evaluate.intervals import Draws
from sequela.evaluate.metric import Metric
from sequela.evaluate.question import Question
from sequela.evaluate.questions import UNRULED
from sequela.metrics.table import Kind
from sequela.types import Cohort, Part, Target

MEAN = "mean"  # the name of the split that stands for all

OF_ROWS: tuple[Kind, ...] = ("binary", "multiclass", "multilabel", "regression")  # kinds that are judged row by row

_Key = tuple[str, str, str, str]  # model, metric, class, group


def _key(one: Estimate) -> _Key:
    return one.question.model, one.question.metric, one.question.class_, one.group


def pool(kind: Kind, splits: Sequence[Judged], settings: config.Evaluate, *, part: Part, seed: int) -> list[Metric]:
    """Rows with split = "mean": each number's mean over the splits, and each paired difference's.

    n and events count rows over all splits. A number that is undefined in some splits is the mean of the others and says so.
    Raises DataError where there is nothing to pool.
    """
    if not splits:
        raise DataError("there are no splits to pool")
    subjects = np.unique(np.concatenate([judged.cohort.subject_id for judged in splits]))
    drawn = Draws(subjects, settings.bootstrap, seed)
    each: dict[_Key, list[Estimate]] = {}
    for judged in splits:
        for one in estimates(kind, judged, settings, drawn):
            each.setdefault(_key(one), []).append(one)
    means = [mean(several) for several in each.values()]
    whole = left_out_one_by_one(kind, splits)
    if whole is not None:
        means = _together(means, estimates(kind, whole, settings, drawn), alike=_cut_alike(splits))
    answers = list(dict.fromkeys(name for judged in splits for name in judged.answers))
    return [as_metric(one, part, MEAN, settings) for one in means] + _differences(kind, answers, means, part, settings)


def left_out_one_by_one(kind: Kind, splits: Sequence[Judged]) -> Judged | None:
    """The rows of all splits as one, at their mean thresholds; None where a split tests several subjects, or one twice."""
    subject = np.concatenate([one.cohort.subject_id for one in splits])
    alone = all(len(np.unique(one.cohort.subject_id)) == 1 for one in splits) and len(np.unique(subject)) == len(splits)
    if kind not in OF_ROWS or not alone or any(one.safety != UNRULED for one in splits):
        return None
    cohort = _cohort([one.cohort for one in splits])
    answers = {
        name: replace(answer, values=np.concatenate([one.answers[name].values for one in splits]))
        for name, answer in splits[0].answers.items()
        if all(name in one.answers for one in splits)
    }
    cuts = {key: float(np.mean([one.thresholds[key] for one in splits])) for key in splits[0].thresholds}
    return Judged(cohort, answers, cuts, MEAN)


def _cohort(each: Sequence[Cohort]) -> Cohort:
    """The rows of several cohorts after one another."""
    first = each[0]
    names = ("subject_id", "source_id", "row_id", "start", "time", "part")
    columns = {name: np.concatenate([getattr(one, name) for one in each]) for name in names}
    values, known = (np.concatenate([getattr(one.target, name) for one in each]) for name in ("values", "known"))
    groups = {name: np.concatenate([one.groups[name] for one in each]) for name in first.groups}
    return replace(first, **columns, target=Target(values, known, first.target.names), groups=groups, event=None, units={})


def _cut_alike(splits: Sequence[Judged]) -> bool:
    return all(one.thresholds == splits[0].thresholds for one in splits)


def _together(means: Sequence[Estimate], whole: Sequence[Estimate], *, alike: bool) -> list[Estimate]:
    """What is told of all rows as one in place of the means; not what decides, unless all splits decide alike."""
    told = {_key(one): one for one in whole if alike or one.question.threshold is None}
    return [told.get(_key(one), one) for one in means]


def _differences(kind: Kind, answers: list[str], means: list[Estimate], part: Part, settings: config.Evaluate) -> list[Metric]:
    rows = []
    for left, right in paired(kind, answers, means):
        plain = difference(as_metric(left, part, MEAN, settings), right, left.point - right.point)
        rows.append(plain if plain.value is None else with_interval(plain, left.samples - right.samples, settings))
    return rows


def mean(each: Sequence[Estimate]) -> Estimate:
    """The mean of one number over splits, resample by resample; splits in which it is undefined are left out of both."""
    defined = [one for one in each if not np.isnan(one.point)]
    if not defined:  # some undefined, others suppressed: these have no resamples
        return replace(each[0], question=_over(each, each[0].question.reason), samples=np.zeros(0))
    first = defined[0]
    left_out = len(each) - len(defined)
    return replace(
        first,
        question=_over(defined, f"undefined in {left_out} of {len(each)} splits" if left_out else first.question.reason),
        point=float(np.mean([one.point for one in defined])),
        samples=np.mean([one.samples for one in defined], 0),
        subjects=min(one.subjects for one in defined),
    )


def _over(defined: Sequence[Estimate], reason: str) -> Question:
    """The question asked of the rows of all splits: their counts added up, their thresholds averaged."""
    questions = [one.question for one in defined]
    events = [question.events for question in questions if question.events is not None]
    cuts = [question.threshold for question in questions if question.threshold is not None]
    return replace(
        questions[0],
        rows=np.concatenate([question.rows for question in questions]),
        events=sum(events) if events else None,
        threshold=float(np.mean(cuts)) if cuts else None,
        reason=reason,
    )
