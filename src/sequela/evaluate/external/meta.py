"""Numbers of several sites as one: random effects by restricted maximum likelihood (Debray 2017, BMJ 356:i6460, box 4).

The interval is Hartung and Knapp's, never narrower than their q = 1 has it (Röver 2015); the prediction interval, in which the
number of a new site is expected to lie, is Higgins' (2009), with two degrees of freedom fewer than there are sites.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from scipy.optimize import minimize_scalar
from scipy.stats import t

from sequela.errors import DataError
from sequela.types import Array


class Summary(Struct, frozen=True, kw_only=True):
    """The mean over sites and how they differ, on the scale of the effects."""

    sites: int
    estimate: float
    low: float
    high: float
    between: float  # τ: the standard deviation between sites
    inconsistency: float  # I²: the share of what varies that chance does not explain
    predicted_low: float | None = None  # None with fewer than three sites
    predicted_high: float | None = None


def summary(effects: Array, variances: Array, confidence: float = 0.95) -> Summary:
    """The effects "S" of two sites or more with their variances "S", as one. Raises DataError for fewer, or for no variance."""
    sites = len(effects)
    if sites < 2 or not (variances > 0).all():
        raise DataError(f"{sites} sites with a variance above 0 cannot be summarised: two at least are needed")
    between = _between(effects, variances)
    weights = 1 / (variances + between)
    mean = float(weights @ effects / weights.sum())
    spread = max(float(weights @ (effects - mean) ** 2) / (sites - 1), 1.0)
    error = float(np.sqrt(spread / weights.sum()))
    half = error * float(t.ppf((1 + confidence) / 2, sites - 1))
    wide = float(t.ppf((1 + confidence) / 2, sites - 2)) * float(np.hypot(error, np.sqrt(between))) if sites > 2 else None
    return Summary(
        sites=sites,
        estimate=mean,
        low=mean - half,
        high=mean + half,
        between=float(np.sqrt(between)),
        inconsistency=_inconsistency(variances, between),
        predicted_low=None if wide is None else mean - wide,
        predicted_high=None if wide is None else mean + wide,
    )


def _between(effects: Array, variances: Array) -> float:
    """τ² by restricted maximum likelihood; 0 where that is likelier than anything above."""
    most = 10 * float(np.var(effects)) + float(variances.max())
    found = minimize_scalar(lambda tau: -_likelihood(tau, effects, variances), bounds=(0, most), method="bounded")
    best = float(found.x)
    return best if _likelihood(best, effects, variances) > _likelihood(0.0, effects, variances) else 0.0


def _likelihood(between: float, effects: Array, variances: Array) -> float:
    weights = 1 / (variances + between)
    mean = weights @ effects / weights.sum()
    return float(0.5 * (np.log(weights).sum() - np.log(weights.sum()) - weights @ (effects - mean) ** 2))


def _inconsistency(variances: Array, between: float) -> float:
    """I² (Higgins 2002) from τ² and the typical variance within a site."""
    weights = 1 / variances
    typical = (len(weights) - 1) * weights.sum() / (weights.sum() ** 2 - (weights**2).sum())
    return float(between / (between + typical))
