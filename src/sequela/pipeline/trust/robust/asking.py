"""What a predictor, and the baselines beside it, answer to rows that were spoilt; which rows they refuse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from sequela import model as models
from sequela.bundle.doubts import RARE
from sequela.bundle.predictor import Predictor
from sequela.contracts import Baseline, Evidence
from sequela.errors import DataError, TrainingError
from sequela.study import cut
from sequela.types import Answer, Array, Cohort, Known, Plain, concatenate


@dataclass(frozen=True)
class Said:
    """The answers to those rows that were answered."""

    rows: Array  # int64: indices, rising
    answers: Mapping[str, Answer]
    asked: int  # rows, those that were refused as well
    unusual: Array | None = None  # bool, of the rows answered: remarked on as rare; None where that was not asked
    of: Array | None = None  # the rows that were asked, where they are some alone


@dataclass(frozen=True)
class Asking:
    """Rows of a cohort, and who is asked about them."""

    predictor: Predictor
    cohort: Cohort
    known: Known
    baselines: Mapping[str, Baseline] = field(default_factory=dict)
    scores: Plain | None = None  # that the data brings beside the inputs: they stay as they are

    def said(self, known: Known, rows: Array, *, beside: bool = True) -> Said:
        """The answers to these rows (indices) as `known` has them; `known` is of all rows. `beside`: the baselines' as well."""
        part = known if len(rows) == len(self.cohort) else cut.take(known, rows)
        reasons = models.refusals(self.predictor.fitted, part)
        kept = np.flatnonzero(reasons == "")
        return replace(self._split(cut.take(part, kept), rows[kept], beside), asked=len(rows))

    def evidence(self, known: Known, rows: Array, *, plain: bool = False) -> Evidence:
        """The rows as the model reads them. `plain`: with the columns for the baselines."""
        predictor, cohort = self.predictor, self.cohort.take(rows)
        who = cohort.subject_id, cohort.row_id
        plain = plain or bool(predictor.partners)
        found = models.evidence(predictor.study, predictor.fitted, known, cohort.target, who, plain=plain)
        return found if predictor.guard is None else replace(found, barred=predictor.guard.barred(known))

    def _split(self, known: Known, rows: Array, beside: bool) -> Said:
        """All at once, or where somebody refuses, halves of them: so each row that cannot be answered is found."""
        if not len(rows):
            return Said(rows, {}, 0)
        try:
            with np.errstate(invalid="ignore", over="ignore"):  # a garbled record may hold what no number comes of
                return self._answered(known, rows, beside)
        except (DataError, TrainingError):  # one bad record never stops the others
            if len(rows) == 1:
                return Said(rows[:0], {}, 1)
        half = len(rows) // 2
        places = np.arange(half), np.arange(half, len(rows))
        return _joined(*(self._split(cut.take(known, place), rows[place], beside) for place in places))

    def _answered(self, known: Known, rows: Array, beside: bool) -> Said:
        evidence = self.evidence(known, rows, plain=beside and bool(self.baselines))
        answers = {self.predictor.final: self.predictor.answer(evidence)}
        if beside and self.baselines:
            answers |= self._plainly(evidence, rows)
        least = self.predictor.study.uncertainty.unusual
        told = self.predictor.unusual(evidence) if beside or least else None
        something = np.any([ragged.lengths > 0 for ragged in evidence.inputs.values()], axis=0)
        kept = np.flatnonzero(something if told is None else something & (told.share >= least))
        taken = {name: answer.take(kept) for name, answer in answers.items()}
        return Said(rows[kept], taken, len(rows), None if told is None else (told.share < RARE)[kept])

    def _plainly(self, evidence: Evidence, rows: Array) -> dict[str, Answer]:
        if self.scores is not None:
            values = np.hstack([evidence.plain.values, self.scores.values[rows]])
            evidence = replace(evidence, plain=Plain(values, evidence.plain.names + self.scores.names, evidence.plain.counts))
        return {name: self.predictor.consistent(one.answer(evidence)) for name, one in self.baselines.items()}


def _joined(first: Said, second: Said) -> Said:
    """Of two halves; a half of which nothing was answered brings its number alone."""
    asked = first.asked + second.asked
    if not len(first.rows) or not len(second.rows):
        return replace(second if len(second.rows) else first, asked=asked)
    answers = {name: concatenate([answer, second.answers[name]]) for name, answer in first.answers.items()}
    told = first.unusual is not None and second.unusual is not None
    unusual = np.concatenate([first.unusual, second.unusual]) if told else None
    return Said(np.concatenate([first.rows, second.rows]), answers, asked, unusual)
