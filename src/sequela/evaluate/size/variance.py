"""How much of the variation of an outcome a model explains, as Cox and Snell count it (Riley 2021, Stat Med 40:859)."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from sequela.errors import UsageError
from sequela.types import Array

SHARE = 0.15  # of what can be explained: assumed where nothing is known (Riley 2020, box 2)
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(80)


def most(prevalence: float) -> float:
    """The largest Cox-Snell R² that a yes-or-no outcome of that prevalence allows.

    >>> round(most(0.05), 2)
    0.33
    """
    return float(1 - np.exp(2 * _null(prevalence)))


def most_by_time(rate: float, mean_follow_up: float) -> float:
    """The same of events that come at that rate while rows are watched for so long in the mean (exponential times)."""
    events = rate * mean_follow_up
    return float(1 - np.exp(2 * (events * np.log(events) - events)))


def from_c(c_statistic: float, prevalence: float) -> float:
    """The Cox-Snell R² of a calibrated model of that C statistic whose linear predictor is normal in both outcomes.

    The two normals differ by √2 Φ⁻¹(C), and the log-likelihood is integrated instead of simulated (Riley 2021, section 3).

    >>> round(from_c(0.81, 0.77), 3)
    0.212
    """
    apart, base = _apart(c_statistic, prevalence)
    weights = _WEIGHTS / _WEIGHTS.sum()
    with_event = -np.logaddexp(0, -(base + apart * (_NODES + apart))) @ weights
    without = -np.logaddexp(0, base + apart * _NODES) @ weights
    found = prevalence * with_event + (1 - prevalence) * without
    return float(1 - np.exp(2 * (_null(prevalence) - found)))


def two_normals(c_statistic: float, prevalence: float) -> tuple[Array, Array]:
    """Points of the linear predictor of such a model over all patients, and the weight of each."""
    apart, base = _apart(c_statistic, prevalence)
    scores = np.concatenate([base + apart * (_NODES + apart), base + apart * _NODES])
    return scores, np.concatenate([prevalence * _WEIGHTS, (1 - prevalence) * _WEIGHTS]) / _WEIGHTS.sum()


def _apart(c_statistic: float, prevalence: float) -> tuple[float, float]:
    """How far the normals are apart, and the log-odds at the middle of the one without the event."""
    if not 0.5 <= c_statistic < 1:
        raise UsageError(f"a C statistic lies between 0.5 and 1, not at {c_statistic:g}")
    _null(prevalence)
    apart = float(np.sqrt(2) * norm.ppf(c_statistic))
    return apart, float(np.log(prevalence / (1 - prevalence)) - apart**2 / 2)


def _null(prevalence: float) -> float:
    """The log-likelihood of a row where nothing but the prevalence is known."""
    if not 0 < prevalence < 1:
        raise UsageError(f"a prevalence lies between 0 and 1, not at {prevalence:g}")
    return float(prevalence * np.log(prevalence) + (1 - prevalence) * np.log(1 - prevalence))
