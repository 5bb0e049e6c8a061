"""Linear models with an L2 penalty along a path of strengths, the best of them chosen on tune. Source: scikit-learn."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from sequela.baselines import _problem
from sequela.baselines._problem import Learned, Problem, Trial
from sequela.types import Array


@dataclass(frozen=True, slots=True)
class Plan:
    """What is tried: inverse penalties (C of scikit-learn, 1 / alpha of ridge regression), iterations at most of each."""

    strengths: tuple[float, ...]
    iterations: int


@dataclass(frozen=True, slots=True)
class Rows:
    """Features "n F" of the rows of a problem."""

    features: Array
    problem: Problem


@dataclass(frozen=True, slots=True)
class Linear:
    """Weights "F K" and intercepts "K" of one problem; K columns of logits, or of the quantity."""

    kind: Learned
    weights: Array
    intercepts: Array

    def __call__(self, features: Array) -> Array:
        """float64 "N K": probabilities, or the quantity."""
        return _problem.probability(self.kind, features @ self.weights + self.intercepts)


def chosen(train: Rows, tune: Rows, plan: Plan) -> tuple[Linear, list[Trial]]:
    """The model with the least loss on tune, and every strength tried; the prior where all training labels are alike."""
    if train.problem.constant:
        return constant(train.problem, train.features.shape[1]), []
    models = path(train.features, train.problem, plan)
    settings: list[dict[str, Any]] = [{"strength": strength} for strength in sorted(plan.strengths)]
    losses = [_problem.loss(tune.problem, model(tune.features)) for model in models]
    trials = [Trial(setting, loss) for setting, loss in zip(settings, losses, strict=True)]
    return models[trials.index(_problem.best(trials))], trials


def path(features: Array, problem: Problem, plan: Plan) -> list[Linear]:
    """One model a strength, weakest first, each started from the one before."""
    strengths = sorted(plan.strengths)
    if problem.kind == "regression":
        return [_ridge(features, problem, strength) for strength in strengths]
    return _regularised(features, problem, strengths, plan.iterations)


def _ridge(features: Array, problem: Problem, strength: float) -> Linear:
    from sklearn.linear_model import Ridge

    model = Ridge(alpha=1 / strength).fit(features, problem.values)
    return Linear("regression", model.coef_[:, None], np.array([model.intercept_]))


def _regularised(features: Array, problem: Problem, strengths: list[float], iterations: int) -> list[Linear]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=iterations, warm_start=True)
    path = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for strength in strengths:
            model.set_params(C=strength).fit(features, problem.values)
            path.append(_linear(problem, model.coef_, model.intercept_, model.classes_.astype(np.int64)))
    return path


def _linear(problem: Problem, coefficients: Array, intercepts: Array, classes: Array) -> Linear:
    """A copy of scikit-learn's fit; a class that training rows never had gets a logit of minus infinity."""
    if problem.kind == "binary":
        return Linear("binary", coefficients.T.copy(), intercepts.copy())
    if len(coefficients) == 1:  # two classes only: one logit of the second against the first
        coefficients, intercepts = np.vstack([-coefficients, coefficients]) / 2, np.concatenate([-intercepts, intercepts]) / 2
    weights = np.zeros((coefficients.shape[1], problem.classes))
    every = np.full(problem.classes, -np.inf)
    weights[:, classes], every[classes] = coefficients.T, intercepts
    return Linear("multiclass", weights, every)


def constant(problem: Problem, features: int) -> Linear:
    """Where all training labels are alike: the prior, whatever the input."""
    return Linear(problem.kind, np.zeros((features, problem.classes)), _problem.raw_prior(problem))
