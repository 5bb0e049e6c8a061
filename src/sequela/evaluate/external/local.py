"""Three ways to recalibrate a model where it is used, and how much local data each needs (Janssen 2008; Van Calster 2019).

intercept   one number is added to the log-odds: the prevalence is another
slope       log-odds are also stretched (Platt): risks are too extreme or too timid
full        a beta calibration of three numbers (Kull 2017): the curve is bent as well
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import numpy as np
from scipy.special import expit

from sequela import seed as streams
from sequela.errors import DataError, UsageError
from sequela.evaluate import calibrate
from sequela.evaluate.calibrate import Calibrator, Curve
from sequela.evaluate.external.facts import LocalFacts, WayAt
from sequela.evaluate.size.developing import NORMAL
from sequela.evaluate.size.validating import slope, tells_slope
from sequela.metrics.calibration import calibration_intercept, logit
from sequela.metrics.probability import ece, log_loss
from sequela.types import Answer, Array, Target

Way = Literal["intercept", "slope", "full"]
WAYS: tuple[Way, ...] = ("intercept", "slope", "full")
SIZES = (25, 50, 100, 200, 500, 1000, 2000, 5000)  # patients to learn from, as long as as many are left to be judged on
DRAWS = 20
WIDTH = 0.2  # of the interval that is asked of intercept and slope


def fit(way: Way, answer: Answer, target: Target) -> Calibrator:
    """The calibration of the answer to rows whose labels are known. Raises DataError where an outcome does not occur."""
    if way == "full":
        return calibrate.fit(answer, target, "beta")
    platt = calibrate.fit(answer, target, "platt")
    if way == "slope":
        return platt
    exclusive = len(answer.names) > 1 and target.values.shape[1] == 1
    columns = []
    for k in range(len(answer.names)):
        column = 0 if exclusive else k
        known = target.known[:, column]
        event = target.values[known, column] == k if exclusive else target.values[known, column] > 0
        columns.append(Curve(float(calibration_intercept(answer.values[known, k], event)), 1.0))
    return Calibrator("platt", platt.names, tuple(columns), exclusive=exclusive)


def crossed(way: Way, kind: str, answer: Answer, target: Target, subject: Array) -> Answer:
    """The answer to each half of the subjects after what the other half teaches: no row is judged by a calibration that saw it.

    Raises UsageError for a task whose answers are no probabilities, DataError where a half has too few events.
    """
    if kind not in ("binary", "multiclass", "multilabel"):
        raise UsageError("recalibration is of probabilities; this bundle answers values")
    values = np.empty_like(answer.values)
    for learn, apply in _halves(subject):
        try:
            fitted = fit(way, answer.take(learn), target.take(learn))
        except DataError as error:
            raise DataError(
                f"there are too few events here to recalibrate ({way}): {error.message}",
                hint="judge the bundle as it is: leave --recalibrate out",
            ) from error
        values[apply] = fitted.apply(answer.take(apply)).values
    return replace(answer, values=values)


def _halves(subject: Array) -> Iterator[tuple[Array, Array]]:
    subjects = np.unique(subject)
    half = streams.generator(0, "recalibration").permutation(len(subjects)) % 2
    side = half[np.searchsorted(subjects, subject)]
    for this in (0, 1):
        yield np.flatnonzero(side != this), np.flatnonzero(side == this)


# -------------------------------------------------------------------------------------------------------------- what it needs


def needs(way: str, answer: Answer, target: Target, subject: Array, seed: int) -> LocalFacts:
    """How near each way comes with so many patients to learn from, and how many a narrow interval takes; of yes-or-no answers."""
    known = np.flatnonzero(target.known[:, 0])
    answer, target, subject = answer.take(known), target.take(known), subject[known]
    event = target.values[:, 0] > 0
    if event.all() or not event.any():
        return LocalFacts(way=way, events=int(event.sum()), reason="only one outcome occurs here")
    scores = logit(answer.values[:, 0])
    rows = slope(scores, WIDTH) if tells_slope(scores) else None
    return LocalFacts(
        way=way,
        events=int(event.sum()),
        ways=list(_learning(answer, target, subject, seed)),
        width=WIDTH,
        rows_for_intercept=_rows_for_intercept(scores),
        rows_for_slope=rows,
    )


def _rows_for_intercept(scores: Array) -> int:
    """Rows for an interval of that width: the variance of an intercept alone is 1 over the sum of p (1 - p)."""
    risk = expit(scores)
    return int(np.ceil((2 * NORMAL / WIDTH) ** 2 / float((risk * (1 - risk)).mean())))


def _learning(answer: Answer, target: Target, subject: Array, seed: int) -> Iterator[WayAt]:
    subjects = np.unique(subject)
    for size in (size for size in SIZES if 2 * size <= len(subjects)):
        found: dict[str, list[tuple[float, float]]] = {way: [] for way in ("none", *WAYS)}
        for draw in range(DRAWS):
            chosen = streams.generator(seed, "local", size, draw).permutation(subjects)[:size]
            learn = np.isin(subject, chosen)
            for way, numbers in _judged(answer, target, np.flatnonzero(learn), np.flatnonzero(~learn)):
                found[way].append(numbers)
        for way, each in found.items():
            error, loss = np.mean(each, 0).tolist() if each else (None, None)
            yield WayAt(way=way, subjects=size, error=error, log_loss=loss, draws=len(each))


def _judged(answer: Answer, target: Target, learn: Array, apply: Array) -> Iterator[tuple[str, tuple[float, float]]]:
    """Of the answer as it is and by each way that can be learnt: calibration error and log loss on the rows to apply it to."""
    event, plain = target.values[apply, 0] > 0, answer.take(apply)
    if event.all() or not event.any():
        return
    yield "none", _error(plain.values[:, 0], event)
    for way in WAYS:
        try:
            fitted = fit(way, answer.take(learn), target.take(learn))
        except DataError:
            continue  # a draw without an event: told by the number of draws
        risk = fitted.apply(plain).values[:, 0]
        if np.isfinite(risk).all():
            yield way, _error(risk, event)


def _error(risk: Array, event: Array) -> tuple[float, float]:
    return float(ece(risk, event)), float(log_loss(risk, event))
