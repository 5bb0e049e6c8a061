"""The training cases most alike to rows, with what became of them and what the model says of them.

Training rows are there where a run's store is: a bundle holds no patient.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from sequela.bundle.predictor import Predictor
from sequela.contracts import Evidence
from sequela.explain import prototypes
from sequela.model.rules import TASKS
from sequela.train import rows as evidences
from sequela.types import Answer, Array, Target


class Case(Struct, frozen=True, kw_only=True):
    """One training case."""

    row_id: str
    truth: str  # "" where nobody told
    answer: str
    distance: float  # in standard deviations of training
    alike: float  # share of pairs of training patients that are further apart


class Prototypes(Struct, frozen=True, kw_only=True):
    """The training cases most alike to one row, the nearest first."""

    row_id: str
    answer: str
    cases: list[Case]

    @property
    def sentence(self) -> str:
        """The whole as a reader would say it."""
        cases = "; ".join(
            f"{one.row_id} ({one.answer}; truth: {one.truth or 'unknown'}; nearer than {one.alike:.1%} of pairs of patients)"
            for one in self.cases
        )
        return f"{self.row_id} ({self.answer}) is most alike to {cases or 'no training case of another patient'}"


def of_rows(predictor: Predictor, rows: Evidence, train: Evidence, *, count: int = 3, seed: int = 0) -> list[Prototypes]:
    """For each row the training cases of other patients that the network finds most alike.

    Raises UsageError where the network makes no one vector of a row.
    """
    own, theirs = (prototypes.encoded(predictor.members, one.inputs, one.subject) for one in (rows, train))
    found = prototypes.nearest(own, theirs, count, seed)
    used = np.unique(found.place[found.place >= 0])
    cases = evidences.take(train, used)
    said, told = (_answers(predictor, one) for one in (rows, cases))
    truth = _truths(cases.target, predictor.task.kind)
    number = {int(place): k for k, place in enumerate(used)}

    def case(row: int, k: int) -> Case:
        at = number[int(found.place[row, k])]
        return Case(
            row_id=str(cases.row_id[at]),
            truth=truth[at],
            answer=told[at],
            distance=float(found.distance[row, k]),
            alike=float(found.alike[row, k]),
        )

    return [
        Prototypes(row_id=str(name), answer=said[row], cases=[case(row, k) for k in range(count) if found.place[row, k] >= 0])
        for row, name in enumerate(rows.row_id)
    ]


def _answers(predictor: Predictor, rows: Evidence) -> list[str]:
    """What the networks say of each row, in a few words."""
    if not len(rows):
        return []
    answer = predictor.network(rows)
    calibrator = predictor.calibrators.get("model")
    return [_said(answer, values) for values in (answer if calibrator is None else calibrator.apply(answer)).values]


def _said(answer: Answer, values: Array) -> str:
    if answer.kind == "probabilities" and len(values) > 1:
        best = int(np.argmax(values))
        return f"{answer.names[best]} {values[best]:.3f}"
    return f"{answer.names[0]} {values[0]:.3f}" if answer.kind == "probabilities" else f"{answer.names[0]} {values[0]:.4g}"


def _truths(target: Target, kind: str) -> list[str]:
    return [_truth(values, known, target.names, kind) for values, known in zip(target.values, target.known, strict=True)]


def _truth(values: Array, known: Array, names: tuple[str, ...], kind: str) -> str:
    if not known.any():
        return ""
    if kind == "binary":
        return names[0] if values[0] else f"no {names[0]}"
    if kind == "multiclass":
        return names[int(values[0])]
    if kind in TASKS:
        return ", ".join(name for name, value, there in zip(names, values, known, strict=True) if there and value) or "none"
    return f"{names[0]} {values[0]:.4g}"
