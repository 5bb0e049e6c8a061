"""What groups are compared in: each outcome, class, label or quantity that one answer is about."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sequela.evaluate.fairness.within import Asked, Quantity, YesOrNo
from sequela.evaluate.threshold import decide, key
from sequela.types import Answer, Array, Target

KINDS = ("binary", "multiclass", "multilabel", "regression")
MOST = 8  # classes or labels that are asked about: those with the most events


def asked(kind: str, model: str, answer: Answer, target: Target, thresholds: Mapping[str, float]) -> tuple[dict[str, Asked], int]:
    """By class ("" where there is one outcome), and how many classes were left out."""
    if kind == "regression":
        several = len(answer.names) > 1
        quantities: dict[str, Asked] = {
            name if several else "": _quantity(k, answer, target) for k, name in enumerate(answer.names)
        }
        return quantities, 0
    decided = decide(kind, model, answer, _cuts(kind, model, answer, thresholds))
    each = {name: _yes_or_no(kind, k, answer, target, decided) for k, name in enumerate(answer.names)}
    if kind == "binary":
        return {"": each[answer.names[0]]}, 0
    events = {name: one.events for name, one in each.items()}
    kept = sorted(each, key=lambda name: -(events[name] or 0))[:MOST]
    return {name: one for name, one in each.items() if name in kept}, len(each) - len(kept)


def _cuts(kind: str, model: str, answer: Answer, thresholds: Mapping[str, float]) -> dict[str, float]:
    wanted = [key(model, name if kind == "multilabel" else "") for name in answer.names]
    return {} if kind == "multiclass" else {name: thresholds[name] for name in wanted}


def _yes_or_no(kind: str, k: int, answer: Answer, target: Target, decided: Array) -> YesOrNo:
    column = 0 if kind == "multiclass" else k
    rows = np.flatnonzero(target.known[:, column])
    truth = target.values[rows, column]
    event, called = (truth == k, decided[rows] == k) if kind == "multiclass" else (truth > 0, decided[rows, k])
    return YesOrNo(rows, answer.values[rows, k], event, called)


def _quantity(k: int, answer: Answer, target: Target) -> Quantity:
    rows = np.flatnonzero(target.known[:, k])
    return Quantity(rows, answer.values[rows, k] - target.values[rows, k])
