"""The nearest plausible changes that flip the answers of a predictor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from sequela.bundle.predictor import Predictor
from sequela.contracts import Evidence, Progress
from sequela.evaluate import threshold
from sequela.explain.counterfactual import Change, Counterfactual, Judge, Options, counterfactuals
from sequela.modalities.codes import State
from sequela.pipeline.progress import silent
from sequela.types import Answer


class ChangeTold(Struct, frozen=True, kw_only=True):
    """One feature that changes."""

    input: str
    feature: str
    way: str  # value, category, left_out, added
    before: float | None = None  # the last value, in the unit of the feature
    after: float | None = None
    values: int = 1  # that move together
    instead: str = ""  # the other category
    spreads: float = 1.0  # how far: of a number its mean change in training spreads


class Told(Struct, frozen=True, kw_only=True):
    """What would flip the answer about a row."""

    row_id: str
    of: str  # the class, label or outcome
    flips: bool  # False: no plausible change does, and the nearest is told
    before: float  # its probability, by the networks
    after: float
    changes: list[ChangeTold]
    reason: str = ""  # where nothing is told, why

    @property
    def sentence(self) -> str:
        """The whole as a reader would say it."""
        if self.reason:
            return f"{self.row_id}: no counterfactual: {self.reason}"
        changed = "; ".join(map(_said, self.changes))
        ends = f"{self.of} {self.before:.3f} → {self.after:.3f}"
        if self.flips:
            return f"{self.row_id}: {ends}, if {changed}"
        return f"{self.row_id}: no plausible change flips it; nearest: {ends}, if {changed}"


def _said(one: ChangeTold) -> str:
    if one.way == "value":
        more = f" (and its {one.values - 1} other values likewise)" if one.values > 1 else ""
        return f"{one.feature} were {one.after:.4g} instead of {one.before:.4g}{more}"
    if one.way == "category":
        return f"{one.feature} were {one.instead}"
    return f"{one.feature} were {'not there' if one.way == 'left_out' else 'there'}"


def judge(predictor: Predictor) -> Judge:
    """The networks of a predictor with their calibration and thresholds; baselines that they are averaged with have no part.

    Raises UsageError where its answers are no decisions about rows.
    """
    calibrator = predictor.calibrators.get("model")

    def settled(answer: Answer) -> Answer:
        return predictor.consistent(answer if calibrator is None else calibrator.apply(answer))

    return Judge(predictor.members, predictor.task, _thresholds(predictor), settled)


def _thresholds(predictor: Predictor) -> list[float]:
    """Of each column the probability from which on it is called; of classes none."""
    task = predictor.task
    if task.kind == "multiclass":
        return []
    keys = [threshold.key("model", name if task.kind == "multilabel" else "") for name in task.names]
    return [predictor.thresholds.get(key, 0.5) for key in keys]


def of_rows(
    predictor: Predictor,
    rows: Evidence,
    options: Options | None = None,
    *,
    withheld: Sequence[str] = (),
    progress: Progress = silent,
) -> list[Told]:
    """One for each row; `withheld`: why a row got no answer, "" where it did, since what was not answered cannot be flipped.

    Raises UsageError where the answers are no decisions, no input can change by single features, or a pattern fits none.
    """
    found = counterfactuals(
        judge(predictor),
        rows.inputs,
        list(map(str, rows.row_id)),
        rows.specs,
        options,
        frequent=_frequent(predictor),
        withheld=withheld,
        progress=progress,
    )
    return [_told(one, predictor.task.names[one.column]) for one in found]


def _frequent(predictor: Predictor) -> Mapping[str, Sequence[int]]:
    """Of each input of codes those that most training subjects have, the most first."""
    states = {name: one.state for name, one in predictor.fitted.items() if isinstance(one.state, State)}
    return {name: _ordered(state) for name, state in states.items()}


def _ordered(state: State) -> list[int]:
    order = np.argsort(-np.array(state.vocabulary.subjects), kind="stable")
    return [int(code) for code in order if code and state.vocabulary.subjects[code]]


def _told(one: Counterfactual, of: str) -> Told:
    changes = [_change(change) for change in one.changes]
    return Told(row_id=one.row_id, of=of, flips=one.flips, before=one.before, after=one.after, changes=changes, reason=one.reason)


def _change(one: Change) -> ChangeTold:
    return ChangeTold(
        input=one.input,
        feature=one.feature,
        way=one.way,
        before=one.before,
        after=one.after,
        values=one.values,
        instead=one.instead,
        spreads=one.distance,
    )
