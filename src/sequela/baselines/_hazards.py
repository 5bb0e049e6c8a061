"""Discrete hazards that are linear in the inputs: a multinomial logistic regression over rows and intervals, never laid out.

In interval j a row still at risk is taken by cause k with the log odds a_jk + x b_k + s_j x c_k against staying (of one cause,
Singer and Willett 1993); s_j runs from -1 to 1 over the intervals, and c, where it is asked for, lets an effect change with time.
Penalties: |b|^2 + |c|^2 by the strength chosen, and the squared differences of neighbouring a, so that an interval in which a
rare cause never came is told by its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from sequela.baselines import _intervals
from sequela.baselines._intervals import Spells
from sequela.types import Array

TINY = float(np.finfo(np.float64).tiny)
SMOOTH = 1.0  # penalty of a difference of 1 between the log odds of neighbouring intervals


@dataclass(frozen=True, slots=True)
class Linear:
    """Log odds of each cause in each interval."""

    intercepts: Array  # float64 "J K"
    effects: Array  # float64 "F K"
    drift: Array  # float64 "F K": what the effects change by from the middle to the end; 0 where they stay

    def __call__(self, features: Array) -> Array:
        """The hazard of each cause in each interval, "N K J"."""
        return np.asarray(self.chances(features @ self.effects, features @ self.drift).transpose(0, 2, 1))

    def chances(self, steady: Array, changing: Array) -> Array:
        """Of linear predictors "N K" each: the chance of each cause, "N J K"."""
        odds = self.intercepts + steady[:, None] + course(len(self.intercepts))[:, None] * changing[:, None]
        highest = np.maximum(odds.max(2, keepdims=True), 0.0)
        raised = np.exp(odds - highest)
        return np.asarray(raised / (np.exp(-highest) + raised.sum(2, keepdims=True)))


def course(count: int) -> Array:
    """From -1 in the first interval to 1 in the last; 0 where there is one."""
    return np.linspace(-1, 1, count) if count > 1 else np.zeros(1)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is to be fitted."""

    features: Array  # float64 "N F"
    at_risk: Array  # float64 "N J": 1 where a row is at risk
    events: tuple[Array, Array, Array]  # int64 "E" each: the row, interval and cause of every event
    causes: int
    penalty: float
    varying: bool  # whether effects may change with time


def problem(features: Array, held: Spells, shape: tuple[int, int], penalty: float, varying: bool) -> Problem:
    """Of rows at risk in `shape` intervals of causes (J, K)."""
    count, causes = shape
    place = np.arange(count)
    at_risk = (place >= held.begin[:, None]) & (place < held.end[:, None])
    seen = np.flatnonzero(held.cause)
    events = seen, held.end[seen] - 1, held.cause[seen] - 1
    return Problem(features, at_risk.astype(np.float64), events, causes, penalty, varying)


def start(held: Spells, shape: tuple[int, int], width: int) -> Linear:
    """What knows no input: the hazards of all rows, drawn a little to their mean over time."""
    count, causes = shape
    risk = _intervals.at_risk(held, np.zeros(len(held.end), np.int64), 1, count)[0]
    events = _intervals.events(held, np.zeros(len(held.end), np.int64), 1, causes, count)[0]
    mean = events.sum(1, keepdims=True) / risk.sum()
    hazard = np.clip((events + mean) / (risk + 1.0), 1e-9, 0.5)
    return Linear((np.log(hazard) - np.log1p(-hazard)).T, np.zeros((width, causes)), np.zeros((width, causes)))


def fitted(problem: Problem, begin: Linear, iterations: int) -> Linear:
    """The most likely under its penalties, by L-BFGS from there."""
    shape = (problem.at_risk.shape[1], problem.features.shape[1], problem.causes)
    found = minimize(
        lambda flat: _cost(problem, _unpacked(flat, shape)),
        _packed(begin),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": iterations, "ftol": 1e-8},
    )
    return _unpacked(found.x, shape)


def _cost(problem: Problem, said: Linear) -> tuple[float, Array]:
    """Minus the penalised log-likelihood, and its gradient."""
    steady, changing = problem.features @ said.effects, problem.features @ said.drift
    chances = said.chances(steady, changing)
    row, interval, _ = problem.events
    quiet = problem.at_risk.copy()
    quiet[row, interval] = 0.0
    stayed = np.log(np.maximum(1.0 - chances.sum(2), TINY))
    likelihood = np.log(np.maximum(chances[problem.events], TINY)).sum() + (quiet * stayed).sum()
    residual = -chances * problem.at_risk[:, :, None]
    residual[problem.events] += 1.0
    jump = np.diff(said.intercepts, axis=0)
    cost = SMOOTH / 2 * (jump**2).sum() + problem.penalty / 2 * ((said.effects**2).sum() + (said.drift**2).sum())
    along = course(len(said.intercepts))
    slope = Linear(
        SMOOTH * (np.pad(jump, ((1, 0), (0, 0))) - np.pad(jump, ((0, 1), (0, 0)))) - residual.sum(0),
        problem.penalty * said.effects - problem.features.T @ residual.sum(1),
        problem.penalty * said.drift - problem.varying * (problem.features.T @ np.einsum("njk,j->nk", residual, along)),
    )
    return float(cost - likelihood), _packed(slope)


def _packed(said: Linear) -> Array:
    return np.concatenate([said.intercepts.ravel(), said.effects.ravel(), said.drift.ravel()])


def _unpacked(flat: Array, shape: tuple[int, int, int]) -> Linear:
    count, width, causes = shape
    first, second = count * causes, (count + width) * causes
    parts = flat[:first], flat[first:second], flat[second:]
    return Linear(*(part.reshape(-1, causes) for part in parts))
