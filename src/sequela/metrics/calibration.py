"""Whether risks mean what they say: logistic recalibration (Cox 1958; Van Calster 2019).

`risk` is float "N" and `event` bool "N"; weights as in `sums`. NaN where only one outcome occurs, or no finite solution exists
(constant risks, or risks that separate the outcomes wholly).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, factorial

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


# ------------------------------------------------------------------------------------------------- many resamples, by sums

SERVES = 500  # events, others and subjects from which on a resample lies near enough to all rows


@dataclass(frozen=True, slots=True)
class Expansion:
    """A logistic fit near its solution: the score as a polynomial of third order whose coefficients are sums over rows.

    A resample's solution then needs no further look at the rows. Where there are SERVES events, others and subjects or more the
    solutions are those of Newton's method within a thousandth of their standard error.
    """

    place: Array  # float64 "n": the logits, standardised where the slope is fitted
    residual: Array  # "n": event less fitted
    fitted: Array  # "n"
    found: Array  # "P": of all rows, on the scale of the standardised logits
    slope: bool  # whether the slope is fitted, or held at 1
    spread: float  # of the logits

    def __call__(self, sums: Array) -> Array:
        """The intercept, or the slope, of sums "... k" of the columns."""
        shift = np.zeros((*sums.shape[:-1], 1 + self.slope))
        for _ in range(4):
            score, information = self._at(sums, shift)
            singular = ~(np.abs(np.linalg.det(information)) > 0)
            information = np.where(singular[..., None, None], np.eye(1 + self.slope), information)
            step = np.linalg.solve(information, score[..., None])[..., 0]
            shift = shift + np.where(singular[..., None], np.nan, np.clip(step, -1, 1))
        value: Array = self.whole + shift[..., -1] / self.spread
        return value

    @property
    def whole(self) -> float:
        """The intercept, or the slope, of all rows."""
        return float(self.found[-1]) / self.spread

    def columns(self) -> Array:
        """What is summed, "n k"."""
        scores = [self.residual * self.place**m for m in range(1 + self.slope)]
        derivatives = enumerate(_derivatives(self.fitted), 1)
        moments = [each * self.place**r for j, each in derivatives for r in range(j + 2 if self.slope else 1)]
        return np.stack([*scores, *moments], 1)

    def _at(self, sums: Array, shift: Array) -> tuple[Array, Array]:
        """Score "... P" and information "... P P" at a shift from the solution of all rows."""
        size, moments = 1 + self.slope, self._moments(sums)
        powers = [shift[..., 0] ** i for i in range(ORDER + 1)], [shift[..., -1] ** i for i in range(ORDER + 1)]
        score = [sums[..., m] - self._term(moments, powers, range(1, ORDER + 1), m, 0) for m in range(size)]
        information = [[self._term(moments, powers, range(1, ORDER + 1), m + n, 1) for n in range(size)] for m in range(size)]
        return np.stack(score, -1), np.stack([np.stack(row, -1) for row in information], -2)

    def _term(
        self, moments: list[list[Array]], powers: tuple[list[Array], list[Array]], orders: range, raised: int, fewer: int
    ) -> Array:
        """The sum over orders j of the j-th derivative times the shift to the power j - fewer, over (j - fewer)!."""
        total = np.zeros_like(powers[0][0])
        for j in orders:
            k = j - fewer
            for i in range(k + 1 if self.slope else 1):
                total = (
                    total + comb(k, i) / factorial(k) * powers[0][k - i] * (powers[1][i] if i else 1.0) * moments[j][i + raised]
                )
        return total

    def _moments(self, sums: Array) -> list[list[Array]]:
        """By derivative, from the first, and power of the logit."""
        found: list[list[Array]] = [[]]
        at = 1 + self.slope
        for j in range(1, ORDER + 1):
            many = j + 2 if self.slope else 1
            found.append([sums[..., at + r] for r in range(many)])
            at += many
        return found


ORDER = 3  # of the expansion


def expansion(risk: Array, event: Array, *, slope: bool) -> Expansion | None:
    """That of `calibration_slope`, or of `calibration_intercept`; None where rows are too few, or there is none."""
    events = int(np.sum(event))
    if min(events, len(risk) - events) < SERVES:
        return None
    logits = logit(risk)
    middle, spread = (float(logits.mean()), float(logits.std()) or 1.0) if slope else (0.0, 1.0)
    place = (logits - middle) / spread
    columns = np.stack([np.ones_like(place), place], 1) if slope else np.ones((len(place), 1))
    offset = np.zeros_like(logits) if slope else logits
    found = _solve(columns, offset, event, np.ones(len(place)))
    if np.isnan(found).any():
        return None
    fitted = 1 / (1 + np.exp(-(columns @ found + offset)))
    return Expansion(place, event - fitted, fitted, found, slope, spread)


def _derivatives(fitted: Array) -> list[Array]:
    """The first ORDER derivatives of the logistic function."""
    v = fitted * (1 - fitted)
    return [v, v * (1 - 2 * fitted), v * (1 - 6 * v)][:ORDER]
