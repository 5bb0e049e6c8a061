"""What answers: the fitted inputs, one or several trained networks, the baselines averaged with them, and the calibration.

A run answers its tune and test parts with the very object that the bundle saves, so that a bundle cannot answer otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from sequela import model as models
from sequela.config import Study
from sequela.contracts import Agreeing, Baseline, Evidence, Fitted, Guarded, Task
from sequela.errors import DataError
from sequela.evaluate.calibrate import Calibrator
from sequela.evaluate.questions import UNRULED, Safety
from sequela.evaluate.uncertainty import rarity
from sequela.evaluate.uncertainty.promises import NONE, Promises
from sequela.evaluate.uncertainty.rarity import Told
from sequela.study import hierarchy
from sequela.train import ensemble
from sequela.types import Answer, Curves, Known, Quantiles, Target

if TYPE_CHECKING:
    from sequela.model import Model

SCORES = "scores."  # prefix of the plain columns that hold the scores the data brings


@dataclass(frozen=True, slots=True)
class Predictor:
    """Everything between the events known of a row and the answer about it."""

    study: Study
    fitted: Mapping[str, Fitted]
    task: Task
    members: Sequence[Model]
    partners: Mapping[str, Baseline] = field(default_factory=dict)  # "baseline:boosting": averaged with the model
    weights: Mapping[str, float] = field(default_factory=dict)  # of "model" and the partners; empty: the model alone
    calibrators: Mapping[str, Calibrator] = field(default_factory=dict)  # by "model" or "ensemble"
    thresholds: Mapping[str, float] = field(default_factory=dict)  # by evaluate.threshold.key: answer, or answer and label
    promises: Promises = NONE  # what is told of an answer's uncertainty

    @property
    def final(self) -> str:
        """The name under which this predictor's answers are reported."""
        return "ensemble" if self.weights else "model"

    @property
    def threshold(self) -> float | None:
        """Of the answer that is given, where it is one probability."""
        return self.thresholds.get(self.final)

    @property
    def guard(self) -> Guarded | None:
        """The task, where its answers are held to rules."""
        return self.task if isinstance(self.task, Guarded) else None

    def evidence(self, known: Known, subject: np.ndarray, row_id: np.ndarray, target: Target | None = None) -> Evidence:
        """The inputs of the rows, read with the fitted states; without a target none is known."""
        asked = target or self._unknown(known.count)
        found = models.evidence(self.study, self.fitted, known, asked, (subject, row_id), plain=bool(self.partners))
        return found if self.guard is None else replace(found, barred=self.guard.barred(known))

    def _unknown(self, rows: int) -> Target:
        unknown = np.zeros((rows, max(1, len(self.task.names))), bool)
        return Target(np.zeros(unknown.shape), unknown, self.task.names)

    def network(self, rows: Evidence, batch: int = 256) -> Answer:
        """The members' mean answer to what is asked, before any calibration; of stretches or pairs, that of their committee."""
        if isinstance(self.task, Agreeing):
            return models.predict(models.Committee(self.members, self.task), self.task, rows.inputs, batch, "cpu")
        return self._together(self.each(rows, batch), rows)

    def each(self, rows: Evidence, batch: int = 256) -> list[Answer]:
        """The answer of each member, before any calibration, of a task whose answers have a mean."""
        return [models.predict(member, self.task, rows.inputs, batch, "cpu") for member in self.members]

    def _together(self, answers: Sequence[Answer], rows: Evidence) -> Answer:
        mean = np.mean([answer.values for answer in answers], axis=0)
        answer = replace(answers[0], values=mean, quantiles=_mean(answers), curves=_curves(answers))
        return models.of_asked(answer, rows.target)

    def answers(self, rows: Evidence, each: Sequence[Answer] = ()) -> dict[str, Answer]:
        """The answers of the model and, where there is one, of the ensemble: calibrated, then held to the task's rules.

        `each`: of the members, where they have been asked already.
        """
        found = {"model": self._together(each, rows) if each else self.network(rows)}
        if self.weights:
            parts = found | {name: partner.answer(rows.asked) for name, partner in self.partners.items()}
            found["ensemble"] = ensemble.combine(parts, self.weights, self.study.ensemble.space)
        return {name: self.held(self._calibrated(name, answer), rows) for name, answer in found.items()}

    def answer(self, rows: Evidence) -> Answer:
        """The answer that the bundle gives: the ensemble's, or else the model's."""
        return self.answers(rows)[self.final]

    @property
    def spreads(self) -> bool:
        """Whether there are several answers of the networks about a row, whose spread can be told."""
        several = len(self.members) > 1 or self.study.uncertainty.dropout > 0
        return several and self.task.kind in rarity.KINDS

    def spread(self, rows: Evidence, each: Sequence[Answer]) -> np.ndarray:
        """How far the networks' own answers lie apart, each calibrated as theirs: standard deviations, float64 "N K".

        Of dropout, over all passes of all members; else over what the members said, `each`.
        """
        passes = self.study.uncertainty.dropout
        if passes:
            seed = self.study.train.seed
            each = [one for member in self.members for one in models.passes(member, self.task, rows.inputs, passes, seed)]
        said = [self._calibrated("model", one).values for one in each]
        return np.asarray(np.std(said, axis=0, ddof=1 if len(said) > 1 else 0))

    def unusual(self, rows: Evidence) -> Told | None:
        """How unusual these rows are; None where nothing was fitted that could tell."""
        known = self.promises.rarity
        return None if known is None else known.told(self.members[0], rows, self.task.kind)

    def consistent(self, answer: Answer) -> Answer:
        """The answer in which no label is likelier than one above it, where the study's labels stand in a hierarchy."""
        found = hierarchy.of(self.study.outcome, answer.names)
        return answer if found is None else found.consistent(answer)

    def held(self, answer: Answer, rows: Evidence) -> Answer:
        """The answer as the task's rules allow it. Raises DataError where they were not held against these rows."""
        answer = self.consistent(answer)
        if self.guard is None:
            return answer
        if rows.barred is None:
            raise DataError("what is known of these rows was not held against the rules of the task")
        return self.guard.held(answer, rows.barred)

    def safety(self, rows: Evidence) -> Safety:
        """What should not be called of these rows, for the evaluation."""
        if self.guard is None:
            return UNRULED
        return Safety(self.guard.interacts, rows.barred if self.guard.constrains else None)

    def _calibrated(self, name: str, answer: Answer) -> Answer:
        calibrator = self.calibrators.get(name)
        return answer if calibrator is None else calibrator.apply(answer)


def _mean(answers: Sequence[Answer]) -> Quantiles | None:
    """The mean of several networks' quantiles, level by level; None where the task has none."""
    around = [answer.quantiles for answer in answers if answer.quantiles is not None]
    return Quantiles(around[0].levels, np.mean([one.values for one in around], axis=0)) if around else None


def _curves(answers: Sequence[Answer]) -> Curves | None:
    """The mean of several networks' curves on the grid of the first; None where the task has none."""
    curves = [answer.curves for answer in answers if answer.curves is not None]
    if len(curves) < 2:
        return curves[0] if curves else None
    grid = curves[0].times
    return Curves(grid, np.mean([one.on(grid).incidence for one in curves], axis=0))
