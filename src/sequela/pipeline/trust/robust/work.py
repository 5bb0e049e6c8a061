"""The rows that are spoilt again and again, what was said of them as they are, and by what they are judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from msgspec.structs import replace

from sequela.evaluate.questions import Asked
from sequela.evaluate.report.run import HEADLINES
from sequela.evaluate.robustness import kinds, numbers
from sequela.evaluate.robustness.facts import Point
from sequela.evaluate.robustness.judged import Judge
from sequela.evaluate.robustness.spoil import Given
from sequela.metrics.table import Kind
from sequela.pipeline.trust.robust.asking import Asking, Said
from sequela.types import Answer, Array, Cohort, Known, Spec


@dataclass(frozen=True)
class Work:
    """Rows, and who is asked about them."""

    asking: Asking
    thresholds: Mapping[str, float]

    @property
    def known(self) -> Known:
        return self.asking.known

    @property
    def cohort(self) -> Cohort:
        return self.asking.cohort

    @property
    def final(self) -> str:
        return self.asking.predictor.final

    @property
    def task(self) -> Kind:
        """Its kind."""
        return self.asking.predictor.task.kind

    @property
    def seed(self) -> int:
        return self.asking.predictor.study.train.seed

    @property
    def specs(self) -> dict[str, Spec]:
        return {name: one.spec for name, one in self.asking.predictor.fitted.items()}

    @property
    def every(self) -> Array:
        return np.arange(len(self.cohort))

    @cached_property
    def whole(self) -> Said:
        """What is said of the rows as they are."""
        return self.asking.said(self.known, self.every)

    @cached_property
    def given(self) -> Given:
        fitted = self.asking.predictor.fitted
        return Given(kinds.materials(self.specs), numbers.spreads(fitted, self.known), self.seed)

    @cached_property
    def judge(self) -> Judge:
        settings = self.asking.predictor.study.evaluate
        classes, fewest = tuple(settings.classes), settings.min_events
        return Judge(self.task, self._metric(), self.thresholds, settings.confidence, self.seed, classes, fewest)

    def _metric(self) -> str:
        """The headline; where a class is too rare for it, the accuracy."""
        settings = self.asking.predictor.study.evaluate
        target = self.cohort.target.take(self.whole.rows)
        model = {self.final: self.whole.answers[self.final]}
        asked = Asked(self.task, target, model, self.thresholds, tuple(settings.classes)).questions(np.arange(len(target.values)))
        wanted = HEADLINES.get(self.task, "auroc")
        told = [one for one in asked if one.metric == wanted and not one.class_ and not one.reason]
        return wanted if told or self.task != "multiclass" else "accuracy"

    def point(self, level: float, model: str, said: Said) -> Point:
        """What an answer to spoilt rows is worth; of no row where all were refused."""
        both = said.rows[np.isin(said.rows, self.whole.rows)]
        if model not in said.answers or not len(both):
            return Point(level=level, rows=0, refused=said.asked)
        before, after = self.taken(self.whole, model, both), self.taken(said, model, both)
        point = self.judge.point(level, model, self.cohort.take(both), before, after, said.asked - len(said.rows))
        return point if said.unusual is None else replace(point, unusual=float(said.unusual.mean()))

    def taken(self, said: Said, model: str, rows: Array) -> Answer:
        """What was said of these rows."""
        return said.answers[model].take(np.searchsorted(said.rows, rows))
