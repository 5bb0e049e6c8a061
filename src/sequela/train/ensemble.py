"""An average of several answers, weighed on tune: by log loss, by squared error for quantities, by log-likelihood for curves.

The weights are not negative and sum to 1. Tune is small, so they are drawn to equal shares: leaving equal shares has to gain
about what two more parameters would have to (2 / n in mean log loss, as in Akaike's criterion) to be worth it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit, softmax

from sequela.errors import DataError
from sequela.metrics import censored
from sequela.types import Answer, Array, Curves, Target

Space: TypeAlias = Literal["logit", "probability"]

SMALLEST = 1e-6  # a probability is kept this far from 0 and 1 before its logit is taken
PARAMETERS = 2.0  # worth of leaving equal shares for a single member, in parameters of Akaike's criterion


def weigh(answers: Mapping[str, Answer], target: Target, space: Space) -> dict[str, float]:
    """The weight of each answer, from rows whose target is known; equal shares where none is, or no event was seen.

    Raises DataError where the answers are not of the same rows, kind and names.
    """
    together = _together(answers)
    count = len(answers)
    rows = int(target.known.any(axis=1).sum())
    if count == 1 or not rows or (together.curves is not None and not target.values[target.known].any()):
        return dict.fromkeys(answers, 1 / count)
    equal = np.full(count, 1 / count)

    def cost(weights: Array) -> float:
        away = np.sum((weights - equal) ** 2) / (1 - 1 / count)
        return _loss(together.averaged(weights, space), target) + PARAMETERS / rows * float(away)

    simplex = {"type": "eq", "fun": lambda weights: weights.sum() - 1}
    found = minimize(cost, equal, method="SLSQP", bounds=[(0, 1)] * count, constraints=simplex, options={"ftol": 1e-9})
    weights = np.clip(found.x, 0, None)
    return dict(zip(answers, (weights / weights.sum()).tolist(), strict=True))


def combine(answers: Mapping[str, Answer], weights: Mapping[str, float], space: Space) -> Answer:
    """The weighed average of the answers named in `weights`; others are left out.

    Curves are averaged as they are, whatever the space, on the grid of the model, or else of the first: so they rise, and sum to
    1 at most.

    Raises DataError where one is missing, or where they are not of the same rows, kind and names.
    """
    missing = sorted(set(weights) - set(answers))
    if missing:
        raise DataError(f"the ensemble has a weight for {missing[0]!r}, but no answer of it")
    chosen = {name: answers[name] for name in weights}
    return _together(chosen).averaged(np.array(list(weights.values())), space)


@dataclass(frozen=True, slots=True)
class _Together:
    """The answers of M members about the same rows."""

    first: Answer  # the model's, where it is among them
    values: Array  # float64 "M N K"
    curves: Array | None  # float64 "M N K G", on the grid of `first`

    def averaged(self, weights: Array, space: Space) -> Answer:
        kind, names = self.first.kind, self.first.names
        if self.curves is None or self.first.curves is None:
            return Answer(kind, _averaged(self.values, weights, space, kind), names)
        curves = Curves(self.first.curves.times, np.tensordot(weights, self.curves, axes=1))
        return Answer(kind, np.tensordot(weights, self.values, axes=1), names, curves=curves)


def _together(answers: Mapping[str, Answer]) -> _Together:
    if not answers:
        raise DataError("an ensemble needs at least one member")
    first = answers.get("model", next(iter(answers.values())))
    for name, answer in answers.items():
        if (answer.kind, answer.names, len(answer)) != (first.kind, first.names, len(first)):
            raise DataError(f"{name!r} answers for other rows, classes or quantities than others of the ensemble")
    values = np.stack([np.asarray(answer.values, np.float64) for answer in answers.values()])
    if first.curves is None:
        return _Together(first, values, None)
    on = [answer.curves.on(first.curves.times).incidence for answer in answers.values() if answer.curves is not None]
    return _Together(first, values, np.stack(on))


def _averaged(stack: Array, weights: Array, space: Space, kind: str) -> Array:
    if kind == "values" or space == "probability":
        return np.tensordot(weights, stack, axes=1)
    if _exclusive(stack):
        return np.asarray(softmax(np.tensordot(weights, np.log(np.clip(stack, SMALLEST, 1)), axes=1), axis=1))
    return np.asarray(expit(np.tensordot(weights, logit(np.clip(stack, SMALLEST, 1 - SMALLEST)), axes=1)))


def _exclusive(stack: Array) -> bool:
    """Whether the columns are classes of which one is true: then every member's row sums to 1."""
    return stack.shape[2] > 1 and bool(np.all(np.abs(stack.sum(axis=2) - 1) < 1e-4))


def _loss(said: Answer, target: Target) -> float:
    """Mean log loss, squared error in units of the target's variance, or negative log-likelihood, over what is known."""
    if said.curves is not None:
        known = np.flatnonzero(target.known[:, 0])
        times = target.dense.take(known)
        return censored.log_loss(said.curves.take(known), times, censored.intervals(times))
    if said.values.shape[1] > target.values.shape[1]:
        known = target.known[:, 0]
        own = said.values[known][np.arange(known.sum()), target.values[known, 0].astype(np.int64)]
        return float(-np.log(np.clip(own, SMALLEST, 1)).mean())
    columns: list[int] = np.flatnonzero(target.known.any(axis=0)).tolist()
    return float(np.mean([_column_loss(said, target, column) for column in columns]))


def _column_loss(said: Answer, target: Target, column: int) -> float:
    known = target.known[:, column]
    truth, values = target.values[known, column], said.values[known, column]
    if said.kind == "values":
        return float(np.mean((values - truth) ** 2) / max(float(truth.var()), 1e-12))
    return float(-np.log(np.clip(np.where(truth == 1, values, 1 - values), SMALLEST, 1)).mean())
