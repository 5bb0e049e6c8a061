"""What a model is worth now, against what it was worth in development, each with its own uncertainty."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from sequela.evaluate.drift.facts import Check
from sequela.evaluate.intervals import draws, percentiles
from sequela.evaluate.question import Question
from sequela.types import Array

FEWEST = 10  # events, and as many others: fewer say nothing
RATIOS = ("observed_expected",)  # held against each other as factors
RESAMPLES = 400


@dataclass(frozen=True, slots=True)
class Before:
    """A number of development: its value and standard error, as a logarithm where it is a ratio."""

    metric: str
    value: float
    error: float
    rows: int

    @property
    def ratio(self) -> bool:
        return self.metric in RATIOS


def before(metrics: Sequence[Mapping[str, Any]], metric: str, model: str, confidence: float) -> Before | None:
    """From the bundle's metrics: on test, or where that was not opened on tune; None where it has no interval."""
    for part in ("test", "tune"):
        for row in metrics:
            told = (row["part"], row["metric"], row["model"], row["class"], row["group"], row["against"])
            if told == (part, metric, model, "", "", "") and row["low"] is not None:
                return _read(row, metric, confidence)
    return None


def _read(row: Mapping[str, Any], metric: str, confidence: float) -> Before | None:
    width = 2 * NormalDist().inv_cdf((1 + confidence) / 2)
    value, low, high = row["value"], row["low"], row["high"]
    if metric not in RATIOS:
        return Before(metric, value, (high - low) / width, row["n"])
    return None if low <= 0 else Before(metric, math.log(value), (math.log(high) - math.log(low)) / width, row["n"])


def check(then: Before, question: Question, subject: Array, seed: int, confidence: float) -> tuple[Check, float | None]:
    """The number now with its interval by subject, held against development; and its p alone, two-sided.

    `subject` is of the question's rows. Where there is too little to tell the p is None, with the reason.
    """
    value = float(question.value(None)) if len(question.rows) else float("nan")
    bare = Check(family="performance", what=then.metric, measure=then.metric, before=_shown(then, then.value))
    reason = question.reason or _too_few(question)
    if reason or not np.isfinite(value):
        return _because(bare, reason or "it is not defined on these rows"), None
    samples = _samples(question, subject, seed)
    limits = percentiles(samples, confidence)
    scaled = np.log(samples[samples > 0]) if then.ratio else samples[np.isfinite(samples)]
    if limits is None or len(scaled) < 2 or (then.ratio and value <= 0):
        return _because(bare, "it is not defined in most resamples of these rows"), None
    error = math.hypot(float(scaled.std(ddof=1)), then.error)
    apart = (math.log(value) if then.ratio else value) - then.value
    p = 2 * NormalDist().cdf(-abs(apart) / error) if error > 0 else float(apart == 0)
    told = Check(
        family="performance",
        what=then.metric,
        measure=then.metric,
        before=bare.before,
        now=value,
        low=limits[0],
        high=limits[1],
    )
    return told, p


def _shown(then: Before, value: float) -> float:
    return math.exp(value) if then.ratio else value


def _because(bare: Check, reason: str) -> Check:
    return Check(family=bare.family, what=bare.what, measure=bare.measure, before=bare.before, reason=reason)


def _too_few(question: Question) -> str:
    rows, events = len(question.rows), question.events
    if events is not None and min(events, rows - events) < FEWEST:
        return f"{events} events among {rows} rows: {FEWEST} of each outcome are needed"
    return "" if rows >= 2 * FEWEST else f"{rows} rows with a known outcome: {2 * FEWEST} are needed"


def _samples(question: Question, subject: Array, seed: int) -> Array:
    """Its values over resamples of the subjects."""
    drawn = draws(subject, RESAMPLES, seed)
    unit = drawn.units(subject)
    return np.concatenate([np.atleast_1d(question.value(counts[:, unit])) for counts in drawn.chunks(len(subject))])
