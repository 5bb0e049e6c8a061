"""What is said of one row: an answer, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from sequela.evaluate.threshold import key
from sequela.types import Cohort, Known

if TYPE_CHECKING:
    from sequela.bundle.predictor import Predictor
    from sequela.study.flow import Flow


@dataclass(frozen=True, slots=True)
class Prediction:
    """One row's answer. Where `refused` holds a reason there is no probability, value or decision."""

    row_id: str
    source_id: str
    time: str | None  # ISO 8601, UTC; None where the data has no time
    probabilities: dict[str, float] | None = None
    value: dict[str, float] | None = None  # regression, in the unit of the outcome
    interval: tuple[float, float] | None = None  # None: this bundle promises none
    threshold: float | None = None
    decision: bool | str | list[str] | None = None  # binary: risk at or above the threshold; the likeliest class; labels called
    refused: str | None = None
    explanation: tuple[dict[str, Any], ...] | None = None

    def json(self) -> str:
        """One line, the form of `sequela predict --json`."""
        return msgspec.json.encode(self).decode()

    def text(self) -> str:
        """One line for a person."""
        when = f" at {self.time}" if self.time else ""
        if self.refused:
            return f"{self.row_id}{when}: refused: {self.refused}"
        said = self.probabilities or self.value or {}
        numbers = ", ".join(f"{name} {number:.3f}" for name, number in said.items())
        against = (
            f" (threshold {self.threshold:.3f}: {'above' if self.decision else 'below'})" if self.threshold is not None else ""
        )
        lines = [f"{self.row_id}{when}: {numbers}{against}"]
        lines += [f"    {one['code']:<24} {one['change']:+.3f}" for one in self.explanation or ()]
        return "\n".join(lines)


def of(predictor: Predictor, rows: Cohort, known: Known, flow: Flow) -> list[Prediction]:
    """Answers for the rows, and a refusal for each subject that the flow left out or whose inputs are all empty."""
    refused = [Prediction(row, row.partition("#")[0], None, refused=reason) for row, reason in flow.refused.items()]
    return (_answered(predictor, rows, known) if len(rows) else []) + refused


def _answered(predictor: Predictor, rows: Cohort, known: Known) -> list[Prediction]:
    evidence = predictor.evidence(known, rows.subject_id, rows.row_id)
    empty = np.all([ragged.lengths == 0 for ragged in evidence.inputs.values()], axis=0)
    values = predictor.answer(evidence).values
    reasons = np.where(empty, "no input is known at that time", "")
    return [_one(predictor, rows, i, str(reasons[i]) or None, values[i]) for i in range(len(rows))]


def _one(predictor: Predictor, rows: Cohort, i: int, refused: str | None, values: np.ndarray) -> Prediction:
    time = None if np.isnat(rows.time[i]) else f"{rows.time[i].astype('datetime64[s]')}Z"
    bare = Prediction(str(rows.row_id[i]), str(rows.source_id[i]), time, refused=refused)
    if refused:
        return bare
    named = dict(zip(predictor.task.names, map(float, values), strict=True))
    if predictor.task.kind == "regression":
        return replace(bare, value=named)
    if predictor.task.kind == "multiclass":
        return replace(bare, probabilities=named, decision=max(named, key=named.__getitem__))
    if predictor.task.kind == "multilabel":
        return replace(bare, probabilities=named, decision=[name for name in named if _called(predictor, name, named[name])])
    threshold = predictor.threshold
    decision = None if threshold is None else bool(values[0] >= threshold)
    return replace(bare, probabilities=named, threshold=threshold, decision=decision)


def _called(predictor: Predictor, label: str, risk: float) -> bool:
    threshold = predictor.thresholds.get(key(predictor.final, label))
    return threshold is not None and risk >= threshold
