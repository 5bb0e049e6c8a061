"""A linear support vector machine with margins turned into probabilities: Platt 1999, of several classes by one temperature.

Margins of rows that a machine has learnt from are too sure. So each training row is judged by a machine that learnt from the
other folds; on these margins a logistic curve is fitted (of several classes the temperature of a softmax), which is then laid
over the margins of the machine that learnt from all. What comes out is linear again. Source of the
machine: scikit-learn's LinearSVC.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax

from sequela.baselines._linear import Linear, Rows
from sequela.types import Array

FOLDS = 3
SPREAD = (-3.0, 5.0)  # logs of the temperatures that are looked at


@dataclass(frozen=True, slots=True)
class Machine:
    """Margins "N K" of features: one of the event, or one for each class that occurred."""

    weights: Array  # float64 "F K"
    intercepts: Array  # float64 "K"
    classes: Array  # int64: those that occurred

    def __call__(self, features: Any) -> Array:
        return np.asarray(features @ self.weights + self.intercepts)


def foldable(rows: Rows, fold: Array) -> bool:
    """Whether every fold leaves two classes to be told apart, so that margins can be made of it."""
    values = rows.problem.values
    return all(len(np.unique(values[fold != one])) > 1 for one in range(FOLDS)) and len(np.unique(fold)) == FOLDS


def calibrated(rows: Rows, fold: Array, strength: float) -> Linear:
    """The machine of one strength (C) as a model of probabilities; `fold` int64 "n" says where each row is judged."""
    whole = _machine(rows.features, rows.problem.values, strength)
    margins = np.full((len(fold), rows.problem.classes), np.nan)
    for one in range(FOLDS):
        learnt, held = fold != one, fold == one
        machine = _machine(rows.features[learnt], rows.problem.values[learnt], strength)
        margins[held] = _spread(machine, machine(rows.features[held]), rows.problem.classes)
    if rows.problem.kind == "binary":
        slope, shift = _platt(margins[:, 0], rows.problem.values)
        return Linear("binary", whole.weights * slope, whole.intercepts * slope + shift)
    return _of_classes(whole, _temperature(margins, rows.problem.values.astype(np.int64)), rows.problem.classes)


def _machine(features: Any, values: Array, strength: float) -> Machine:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import LinearSVC

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LinearSVC(C=strength, random_state=0).fit(features, values)
    return Machine(model.coef_.T, np.asarray(model.intercept_), model.classes_.astype(np.int64))


def _spread(machine: Machine, margins: Array, classes: int) -> Array:
    """Margins "n K" by class; of a class that did not occur -1, as of one that a machine is sure is not it."""
    if classes == 1:
        return margins
    if margins.shape[1] == 1:
        margins = np.concatenate([-margins, margins], 1)
    found = np.full((len(margins), classes), -1.0)
    found[:, machine.classes] = margins
    return found


def _platt(margins: Array, values: Array) -> tuple[float, float]:
    """Slope and shift of the logistic curve; its targets are drawn in a little, so that rows told apart stay finite."""
    positive, negative = (values == 1).sum(), (values == 0).sum()
    target = np.where(values == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))

    def loss(at: Array) -> tuple[float, Array]:
        logits = at[0] * margins + at[1]
        error = 1 / (1 + np.exp(-np.clip(logits, -500, 500))) - target
        return float((np.logaddexp(0, logits) - target * logits).sum()), np.array([(error * margins).sum(), error.sum()])

    start = np.array([1.0, np.log((positive + 1) / (negative + 1))])
    slope, shift = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None), (None, None)]).x.tolist()
    return slope, shift


def _temperature(margins: Array, values: Array) -> float:
    """What margins are multiplied by, so that the softmax of them gives the rows' own classes the most."""
    row = np.arange(len(values))
    found = minimize_scalar(
        lambda log: -log_softmax(np.exp(log) * margins, axis=1)[row, values].mean(), bounds=SPREAD, method="bounded"
    )
    return float(np.exp(found.x))


def _of_classes(machine: Machine, slope: float, classes: int) -> Linear:
    weights, intercepts = machine.weights, machine.intercepts
    if weights.shape[1] == 1:
        weights, intercepts = np.concatenate([-weights, weights], 1), np.concatenate([-intercepts, intercepts])
    every, shift = np.zeros((len(weights), classes)), np.full(classes, -slope)
    every[:, machine.classes], shift[machine.classes] = slope * weights, slope * intercepts
    return Linear("multiclass", every, shift)
