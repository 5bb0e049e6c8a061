"""Which calibration mends an answer best: each is fitted without a fifth of the subjects of tune, and judged on that fifth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from msgspec import structs

from sequela import seed as streams
from sequela.errors import ConfigError, DataError
from sequela.evaluate import calibrate
from sequela.evaluate.calibrate import Calibrator, Method, Tried
from sequela.metrics.calibration import NEAREST
from sequela.types import Answer, Array, Target

FOLDS = 5


def best(answer: Answer, target: Target, subject: Array, seed: int) -> Calibrator:
    """The calibration with the least cross-fitted log loss, fitted on all of these rows, with all that were tried.

    Raises ConfigError for an answer that is no probability, DataError where no way could be judged.
    """
    if answer.kind != "probabilities":
        raise ConfigError(
            "the best calibration is sought for probabilities; this task answers values", hint='set evaluate.recalibrate = "none"'
        )
    side = folds(subject, seed)
    without = losses(answer, target)
    tried = [_tried(method, answer, target, subject, side, without) for method in methods(answer, target)]
    judged = [one for one in tried if one.log_loss is not None]
    chosen = min(judged, key=lambda one: one.log_loss or 0.0)
    fitted = calibrate.fit(answer, target, chosen.method)
    return structs.replace(fitted, tried=tuple(tried))


def methods(answer: Answer, target: Target) -> tuple[Method, ...]:
    """Those that suit the answer; exclusive classes can share a temperature."""
    exclusive = len(answer.names) > 1 and target.values.shape[1] == 1
    shared: tuple[Method, ...] = ("temperature",) if exclusive else ()
    return ("none", *shared, "platt", "beta", "isotonic")


def folds(subject: Array, seed: int) -> Array:
    """The fold of each row; all rows of a subject are in one."""
    subjects, place = np.unique(subject, return_inverse=True)
    shuffled = streams.generator(seed, "recalibration").permutation(len(subjects)) % FOLDS
    found: Array = shuffled[place]
    return found


def losses(answer: Answer, target: Target) -> Array:
    """The log loss of each row, float64 "N": of exclusive classes of the true one, else the mean over known labels; or NaN."""
    values = np.clip(answer.values, NEAREST, 1 - NEAREST)
    if len(answer.names) > 1 and target.values.shape[1] == 1:
        truth = np.where(target.known[:, 0], target.values[:, 0], 0).astype(np.int64)
        return np.where(target.known[:, 0], -np.log(values[np.arange(len(values)), truth]), np.nan)
    each = np.where(target.values > 0, -np.log(values), -np.log1p(-values))
    known = target.known.sum(1)
    return np.where(known > 0, np.where(target.known, each, 0).sum(1) / np.maximum(known, 1), np.nan)


def _tried(method: Method, answer: Answer, target: Target, subject: Array, side: Array, without: Array) -> Tried:
    known = ~np.isnan(without)
    try:
        found = losses(_crossed(method, answer, target, side), target)[known]
    except DataError as error:
        return Tried(method, reason=error.message)
    gain = without[known] - found
    _, place, rows = np.unique(subject[known], return_inverse=True, return_counts=True)
    each = np.bincount(place, gain) / rows
    standard = float(each.std(ddof=1) / np.sqrt(len(each))) if len(each) > 1 else None
    return Tried(method, float(found.mean()), float(gain.mean()), standard)


def _crossed(method: Method, answer: Answer, target: Target, side: Array) -> Answer:
    """The answer about each fold after the calibration that the others teach. Raises DataError where they cannot."""
    values = np.empty_like(answer.values)
    for learn, apply in _sides(side):
        fitted = calibrate.fit(answer.take(learn), target.take(learn), method)
        values[apply] = fitted.apply(answer.take(apply)).values
    return replace(answer, values=values)


def _sides(side: Array) -> Iterator[tuple[Array, Array]]:
    for one in np.unique(side):
        yield np.flatnonzero(side != one), np.flatnonzero(side == one)
