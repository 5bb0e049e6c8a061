"""Cumulative incidence from hazards: of a group (Aalen and Johansen 1978), and of single rows."""

from __future__ import annotations

import numpy as np

from sequela.types import Array, Times


def aalen_johansen(times: Times, causes: int, grid: Array) -> Array:
    """The incidence of each cause in these rows, float64 "K G"; a row is at risk after its entry, up to its time.

    With one cause it is one minus Kaplan and Meier's estimate (1958).
    """
    moments, hazard = hazards(times, causes)
    incidence = np.concatenate([np.zeros((causes, 1)), of_hazards(hazard[None])[0]], 1)
    found: Array = incidence[:, np.searchsorted(moments, grid, "right")]
    return found


def hazards(times: Times, causes: int) -> tuple[Array, Array]:
    """The distinct times of events "D", and at each the share of the rows at risk that each cause took, "K D"."""
    seen = times.cause > 0
    moments, place = np.unique(times.time[seen], return_inverse=True)
    events = np.stack([np.bincount(place[times.cause[seen] == k + 1], minlength=len(moments)) for k in range(causes)])
    entered = np.searchsorted(np.sort(times.entry), moments, "left")
    left = np.searchsorted(np.sort(times.time), moments, "left")
    return moments, events / (entered - left)


def of_hazards(hazard: Array) -> Array:
    """The incidence "N K G" from the chance "N K G" that each cause takes, in each interval, what is left at its begin."""
    survival = np.cumprod(1.0 - hazard.sum(1), axis=1)
    before = np.concatenate([np.ones((len(hazard), 1)), survival[:, :-1]], 1)
    return np.asarray(np.cumsum(before[:, None] * hazard, axis=2))


def of_rates(rate: Array) -> Array:
    """The incidence "N K G" from how much the cumulative hazard of each cause "N K G" grows over each interval."""
    total = rate.sum(1, keepdims=True)
    share = np.divide(rate, total, out=np.zeros_like(rate), where=total > 0)
    return of_hazards(-np.expm1(-total) * share)
