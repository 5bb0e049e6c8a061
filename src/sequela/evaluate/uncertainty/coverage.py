"""Whether the promises held, on rows that had no part in them. Intervals resample subjects; small groups are not shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from sequela.config import Evaluate
from sequela.evaluate.evaluation import Judged
from sequela.evaluate.intervals import bootstrap, percentiles, wilson
from sequela.evaluate.uncertainty import abstention, sets
from sequela.evaluate.uncertainty.abstention import Abstention
from sequela.evaluate.uncertainty.facts import Covered, RiskCurve, Withheld
from sequela.evaluate.uncertainty.ranges import Ranges
from sequela.types import Answer, Array

RESAMPLES = 500
POINTS = 40  # of the curve


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows whose coverage is told together."""

    class_: str
    group: str
    rows: Array


def slices(judged: Judged, names: tuple[str, ...], *, groups: bool = True) -> Iterator[Slice]:
    """Everybody, each class, and each class of each group, of the rows whose class is known."""
    truth = sets.true(judged.cohort.target)
    yield Slice("", "", np.flatnonzero(truth >= 0))
    levels: Mapping[str, Array] = judged.cohort.groups if groups else {}
    parts = [("", np.ones(len(truth), bool))]
    parts += [(f"{name}={level or 'unknown'}", of == level) for name, of in levels.items() for level in np.unique(of)]
    for group, chosen in parts:
        for place, name in enumerate(names):
            yield Slice(name, group, np.flatnonzero(chosen & (truth == place)))


def covered(judged: Judged, possible: Array, names: tuple[str, ...], settings: Evaluate, *, groups: bool = True) -> list[Covered]:
    """How often the sets bool "N K" held the true class."""
    truth = sets.true(judged.cohort.target)
    held = possible[np.arange(len(truth)), np.maximum(truth, 0)]
    size = possible.sum(1).astype(np.float64)
    subject = judged.cohort.subject_id
    return [_covered(one, held, size, subject, settings) for one in slices(judged, names, groups=groups)]


def within(judged: Judged, answer: Answer, promised: Ranges, settings: Evaluate) -> list[Covered]:
    """How often the ranges held the truth of each quantity, over all rows and in each group."""
    low, high = promised.around(answer)
    cohort, found = judged.cohort, []
    levels = [(f"{name}={level or 'unknown'}", of == level) for name, of in cohort.groups.items() for level in np.unique(of)]
    for column, name in enumerate(promised.names):
        if promised.halves[column] is None:
            continue
        truth, known = cohort.target.values[:, column], cohort.target.known[:, column]
        held = (truth >= low[:, column]) & (truth <= high[:, column])
        for group, chosen in [("", np.ones(len(known), bool)), *levels]:
            one = Slice(name, group, np.flatnonzero(known & chosen))
            found.append(_covered(one, held, (high - low)[:, column], cohort.subject_id, settings))
    return found


def _covered(one: Slice, held: Array, size: Array, subject: Array, settings: Evaluate) -> Covered:
    rows = one.rows
    of = np.unique(subject[rows])
    told = Covered(class_=one.class_, group=one.group, rows=len(rows), subjects=len(of))
    fewest = settings.min_events if one.class_ else settings.min_group
    if one.group and len(rows) < max(fewest, 1):
        return Covered(
            class_=one.class_, group=one.group, rows=len(rows), subjects=len(of), suppressed=f"fewer than {fewest} rows"
        )
    if not len(rows):
        return told
    share = _means(held[rows].astype(np.float64), subject[rows])
    low, high = limits(share, settings)
    return Covered(
        class_=one.class_,
        group=one.group,
        rows=len(rows),
        subjects=len(of),
        share=float(share.mean()),
        low=low,
        high=high,
        size=float(_means(size[rows], subject[rows]).mean()),
    )


def _means(values: Array, subject: Array) -> Array:
    """The mean of each subject."""
    _, place, count = np.unique(subject, return_inverse=True, return_counts=True)
    found: Array = np.bincount(place, values) / count
    return found


def limits(share: Array, settings: Evaluate) -> tuple[float | None, float | None]:
    """Of the mean over subjects of what lies in [0, 1]: Wilson's where each is 0 or 1, else by resampling; None of too few."""
    if np.isin(share, (0.0, 1.0)).all():
        return wilson(float(share.sum()), len(share), settings.confidence)
    if not settings.bootstrap:
        return None, None
    samples = bootstrap(
        np.arange(len(share)), [lambda weights: weights @ share / len(share)], min(settings.bootstrap, RESAMPLES), 0
    )
    return percentiles(samples[0], settings.confidence) or (None, None)


# ------------------------------------------------------------------------------------------------------------------ abstention


def curve(judged: Judged, answer: Answer, threshold: float | None, settings: Evaluate) -> RiskCurve | None:
    """The share of wrong decisions over the share of rows given, the surest first; None where no class is known."""
    sure, wrong, subject = _decided(judged, answer, threshold)
    if not len(sure):
        return None
    order = np.argsort(-sure, kind="stable")
    count = np.unique(np.maximum(1, np.round(np.linspace(0.025, 1, POINTS) * len(sure)).astype(np.int64)))
    place = np.unique(subject, return_inverse=True)[1]
    draws = min(settings.bootstrap, RESAMPLES)
    statistic = _Falling(wrong[order].astype(np.float64), count / len(sure))
    samples = bootstrap(place[order], [statistic], draws, 0)[0] if draws else np.zeros((0, len(count)))
    told = np.cumsum(wrong[order])[count - 1] / count
    ends = [
        percentiles(column, settings.confidence) or (float(value), float(value))
        for column, value in zip(samples.T, told, strict=True)
    ]
    every = np.cumsum(wrong[order]) / np.arange(1, len(sure) + 1)
    return RiskCurve(
        given=(count / len(sure)).tolist(),
        wrong=told.tolist(),
        low=[low for low, _ in ends],
        high=[high for _, high in ends],
        area=float(every.mean()),
    )


@dataclass(frozen=True, slots=True)
class _Falling:
    """The share of wrong rows among the surest that have these shares of the weight, "R k" for weights "R N"."""

    wrong: Array  # float64 "N", surest first
    given: Array  # float64 "k"

    def __call__(self, weights: Array) -> Array:
        weight, missed = np.cumsum(weights, 1), np.cumsum(weights * self.wrong, 1)
        found = np.empty((len(weights), len(self.given)))
        for row in range(len(weights)):
            place = np.searchsorted(weight[row], self.given * weight[row, -1] - 1e-9)
            found[row] = missed[row, place] / np.maximum(weight[row, place], 1e-12)
        return found


def _decided(judged: Judged, answer: Answer, threshold: float | None) -> tuple[Array, Array, Array]:
    """How sure the decision about each row of known class is, whether it is wrong, and whose it is."""
    truth = sets.true(judged.cohort.target)
    known = np.flatnonzero(truth >= 0)
    wrong = abstention.decided(answer, threshold)[known] != truth[known]
    return abstention.surety(answer, threshold)[known], wrong, judged.cohort.subject_id[known]


def withheld(judged: Judged, answer: Answer, threshold: float | None, fitted: Abstention, settings: Evaluate) -> Withheld:
    """How many answers are given, and how many of these are wrong, over all rows and by class."""
    sure, wrong, subject = _decided(judged, answer, threshold)
    gives = fitted.gives(sure)
    truth = sets.true(judged.cohort.target)
    truth = truth[truth >= 0]
    by_class = {
        name: (int((truth == k).sum()), int((gives & (truth == k)).sum()), int((gives & wrong & (truth == k)).sum()))
        for k, name in enumerate(sets.classes(answer))
    }
    if not gives.any():
        return Withheld(fitted=fitted, rows=len(sure), given=0, by_class=by_class)
    low, high = limits(_means(wrong[gives].astype(np.float64), subject[gives]), settings)
    count = int((gives & wrong).sum())
    return Withheld(fitted=fitted, rows=len(sure), given=int(gives.sum()), wrong=count, low=low, high=high, by_class=by_class)
