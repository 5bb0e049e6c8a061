"""Whether risks mean what they say: logistic recalibration (Cox 1958; Van Calster 2019).

`risk` is float "N" and `event` bool "N"; weights as in `sums`. NaN where only one outcome occurs, or no finite solution exists
(constant risks, or risks that separate the outcomes wholly).
"""

from __future__ import annotations

import numpy as np

from sequela.metrics.sums import ratio, total
from sequela.types import Array

STEPS = 50  # of Newton; a solution that exists takes about six
NEAREST = 1e-6  # risks are taken as at least this far from 0 and 1, so that their logits are finite


def logit(risk: Array) -> Array:
    """log(risk / (1 - risk)), of risks held NEAREST away from 0 and 1."""
    held = np.clip(np.asarray(risk, np.float64), NEAREST, 1 - NEAREST)
    odds: Array = np.log(held / (1 - held))
    return odds


def calibration_intercept(risk: Array, event: Array, weights: Array | None = None) -> Array:
    """Calibration in the large: what must be added to the logits so that as many events are expected as occurred.

    0 is right, below 0 the risks are too high. The slope is held at 1.
    """
    return _fit(np.ones((len(risk), 1)), logit(risk), event, weights)[..., 0]


def calibration_slope(risk: Array, event: Array, weights: Array | None = None) -> Array:
    """What the logits must be multiplied by: 1 is right, below 1 the risks are too extreme (overfitted)."""
    return recalibration(risk, event, weights)[..., 1]


def observed_expected(risk: Array, event: Array, weights: Array | None = None) -> Array:
    """Observed events over the sum of the risks: 1 is right, below 1 the risks are too high."""
    return ratio(total(event, weights), total(risk, weights))


def recalibration(risk: Array, event: Array, weights: Array | None = None) -> Array:
    """Intercept and slope "... 2" of the logistic regression of the outcome on the logit of the risk.

    `event` may be a number between 0 and 1 (a smoothed outcome).
    """
    logits = logit(risk)
    middle, spread = (logits.mean(), logits.std() or 1.0) if len(logits) else (0.0, 1.0)
    columns = np.stack([np.ones_like(logits), (logits - middle) / spread], 1)  # so that risks that are all near are no harder
    found = _fit(columns, np.zeros_like(logits), event, weights)
    slope = found[..., 1] / spread
    return np.stack([found[..., 0] - slope * middle, slope], -1)


def _fit(columns: Array, offset: Array, event: Array, weights: Array | None) -> Array:
    """Coefficients "... k" by Newton.

    Many resamples share one solution, that of their mean weight, and take two Newton steps of their own from there; one is known
    to serve (Moulton and Zeger 1991), the second takes care of resamples far from the mean.
    """
    weights = np.ones(len(offset)) if weights is None else weights
    found = _solve(columns, offset, event, weights if weights.ndim == 1 else weights.mean(0))
    for _ in range(0 if weights.ndim == 1 else 2):
        found = np.asarray(found + _step(found, columns, offset, event, weights))
    return found


def _solve(columns: Array, offset: Array, event: Array, weights: Array) -> Array:
    coefficients: Array = np.zeros(columns.shape[1])
    for _ in range(STEPS):
        step = _step(coefficients, columns, offset, event, weights)
        coefficients = coefficients + np.clip(step, -5, 5)  # NaN stays NaN
        if not np.abs(step).max() > 1e-10:
            return coefficients
    return np.full(columns.shape[1], np.nan)  # it ran away: the outcomes are separated


def _step(coefficients: Array, columns: Array, offset: Array, event: Array, weights: Array) -> Array:
    """The Newton step "... k"; NaN where the information is singular."""
    k = columns.shape[1]
    fitted = 1 / (1 + np.exp(-np.clip(coefficients @ columns.T + offset, -500, 500)))
    squares = (columns[:, :, None] * columns[:, None, :]).reshape(-1, k * k)
    score = (weights * (event - fitted)) @ columns
    information = ((weights * (fitted * (1 - fitted))) @ squares).reshape(*score.shape, k)
    singular = ~np.isfinite(information).all((-2, -1))
    information = np.where(singular[..., None, None], np.eye(k), information)
    singular |= ~(np.linalg.det(information) > 1e-12 * (1e-300 + np.trace(information, axis1=-2, axis2=-1)) ** k)
    step = np.linalg.solve(np.where(singular[..., None, None], np.eye(k), information), score[..., None])[..., 0]
    stepped: Array = np.where(singular[..., None], np.nan, step)
    return stepped
