"""What spoilt answers are worth, beside what was said of the same rows unspoilt: the same resamples of subjects for both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from sequela.evaluate.intervals import bootstrap, percentiles, wilson
from sequela.evaluate.question import Question
from sequela.evaluate.questions import Asked
from sequela.evaluate.robustness.facts import Measured, Point
from sequela.evaluate.threshold import decide
from sequela.metrics.table import Kind
from sequela.types import Answer, Array, Cohort

RESAMPLES = 200
CALIBRATION: Mapping[str, str] = {"binary": "observed_expected", "multilabel": "", "multiclass": "ece", "regression": ""}
DECIDED = ("binary", "multiclass", "multilabel")


@dataclass(frozen=True, slots=True)
class Judge:
    """By what answers are judged."""

    kind: Kind
    metric: str
    thresholds: Mapping[str, float]
    confidence: float
    seed: int
    classes: tuple[str, ...] = ()
    fewest: int = 0  # rows with the event, and without it, from which on the metric and the calibration are told

    @property
    def calibration(self) -> str:
        return CALIBRATION.get(self.kind, "")

    def point(self, level: float, model: str, cohort: Cohort, before: Answer, after: Answer, refused: int) -> Point:
        """Of the rows that were answered: `cohort` and both answers are theirs."""
        if not len(cohort):
            return Point(level=level, rows=0, refused=refused)
        then, now = (self._question(self.metric, model, cohort, answer) for answer in (before, after))
        score, drop = self._compared(then, now, cohort)
        calibrated = self._question(self.calibration, model, cohort, after) if self.calibration else None
        told = self._measured(calibrated, cohort) if calibrated is not None else Measured()
        return Point(
            level=level,
            rows=len(cohort),
            refused=refused,
            score=score,
            drop=drop,
            calibration=told,
            flipped=self._flipped(model, cohort, before, after),
            moved=float(np.abs(after.values - before.values).mean()),
        )

    def _question(self, metric: str, model: str, cohort: Cohort, answer: Answer) -> Question | None:
        asked = Asked(self.kind, cohort.target, {model: answer}, self.thresholds, self.classes)
        questions = asked.questions(np.arange(len(cohort)))
        return next((one for one in questions if one.metric == metric and not one.class_ and self._tells(one)), None)

    def _tells(self, question: Question) -> bool:
        """Whether its rows are enough: two or three of them have an AUROC of 0 or 1 in every resample, which shows nothing."""
        events = len(question.rows) if question.events is None else min(question.events, len(question.rows) - question.events)
        return len(question.rows) > 0 and events >= self.fewest

    def _compared(self, then: Question | None, now: Question | None, cohort: Cohort) -> tuple[Measured, Measured]:
        """The number now, and how far it fell."""
        if then is None or now is None or not np.isfinite(now.value(None)):
            return Measured(), Measured()
        samples = bootstrap(cohort.subject_id[now.rows], [then.value, now.value], RESAMPLES, self.seed)
        value, before = float(now.value(None)), float(then.value(None))
        return self._within(value, samples[1]), self._within(value - before, samples[1] - samples[0])

    def _measured(self, question: Question, cohort: Cohort) -> Measured:
        value = float(question.value(None))
        if not np.isfinite(value):
            return Measured()
        (samples,) = bootstrap(cohort.subject_id[question.rows], [question.value], RESAMPLES, self.seed)
        return self._within(value, samples)

    def _within(self, value: float, samples: Array) -> Measured:
        limits = percentiles(samples, self.confidence)
        if not np.isfinite(value):
            return Measured()
        return Measured(value=value) if limits is None else Measured(value=value, low=limits[0], high=limits[1])

    def _flipped(self, model: str, cohort: Cohort, before: Answer, after: Answer) -> Measured:
        """By Wilson where no resample differs, of as many trials as there are subjects."""
        if self.kind not in DECIDED:
            return Measured()
        was, now = (decide(self.kind, model, answer, self.thresholds).reshape(len(cohort), -1) for answer in (before, after))
        other = (was != now).any(1).astype(np.float64)
        (samples,) = bootstrap(cohort.subject_id, [partial(_share, other)], RESAMPLES, self.seed)
        share, subjects = float(other.mean()), len(np.unique(cohort.subject_id))
        if samples.min() == samples.max():
            low, high = wilson(share * subjects, subjects, self.confidence)
            return Measured(value=share, low=low, high=high)
        return self._within(share, samples)


def _share(hit: Array, weights: Array) -> Array:
    """Of weighted rows the share that is hit."""
    share: Array = weights @ hit / weights.sum(-1)
    return share
