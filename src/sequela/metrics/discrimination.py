"""How well risks rank: events above non-events. Only the order of the risks matters.

`risk` is float "N" and `event` bool "N"; weights as in `sums`. Undefined (NaN) where there is no event, or nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sequela.metrics.sums import ratio
from sequela.types import Array


def auroc(risk: Array, event: Array, weights: Array | None = None) -> Array:
    """The chance that an event has the higher risk than a non-event, a tie counting one half (Hanley and McNeil 1982).

    >>> float(auroc(np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, False, True, True])))
    0.875
    """
    ranked = _ranked(risk, event, weights)
    others_above = (ranked.before - ranked.events_before + ranked.through - ranked.events_through) / 2  # half of the tied
    events = ranked.weight.sum(-1)
    others = ranked.all - events
    return ratio(_dot(ranked.weight, others[..., None] - others_above), events * others)


def auprc(risk: Array, event: Array, weights: Array | None = None) -> Array:
    """Average precision: the precision at each event's own risk, averaged over the events, without interpolation.

    A model that knows nothing gets the prevalence, not one half.

    >>> round(float(auprc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))), 4)
    0.8333
    """
    ranked = _ranked(risk, event, weights)
    precision = ranked.events_through / np.where(ranked.through > 0, ranked.through, 1)
    return ratio(_dot(ranked.weight, precision), ranked.weight.sum(-1) * (ranked.all > ranked.weight.sum(-1)))


@dataclass(frozen=True, slots=True)
class _Ranked:
    """What each of the P events sees above it when rows are ordered by falling risk; each "... P", `all` "..."."""

    weight: Array  # of the event itself
    before: Array  # total weight of rows with a higher risk
    through: Array  # and of those with the same risk
    events_before: Array  # the same of events alone
    events_through: Array
    all: Array


def _ranked(risk: Array, event: Array, weights: Array | None) -> _Ranked:
    """One sort, then one cumulative sum over the rows of each resample; all else happens at the events alone."""
    risk = np.asarray(risk, np.float64)
    order = np.argsort(-risk, kind="stable")
    falling, happened = risk[order], np.asarray(event, bool)[order]
    weights = np.ones(len(risk)) if weights is None else weights
    place = np.flatnonzero(happened)
    first, past = _ties(falling)
    cumulative = _cumulative(weights[..., order])
    own = weights[..., order[place]]
    events = _cumulative(own)
    events_above = np.concatenate([[0], np.cumsum(happened)])  # rows above -> events above
    return _Ranked(
        own,
        cumulative[..., first[place]],
        cumulative[..., past[place]],
        events[..., events_above[first[place]]],
        events[..., events_above[past[place]]],
        cumulative[..., -1],
    )


def _ties(falling: Array) -> tuple[Array, Array]:
    """For each row, how many rows come before its run of equal risks, and how many with it."""
    starts = np.flatnonzero(np.diff(falling, prepend=np.inf)) if len(falling) else np.zeros(0, np.int64)
    lengths = np.diff(starts, append=len(falling))
    return np.repeat(starts, lengths), np.repeat(starts + lengths, lengths)


def _cumulative(weights: Array) -> Array:
    """Running sums with a leading 0: "... N" to "... N+1"."""
    sums = np.zeros((*weights.shape[:-1], weights.shape[-1] + 1))
    np.cumsum(weights, -1, out=sums[..., 1:])
    return sums


def _dot(left: Array, right: Array) -> Array:
    product: Array = np.einsum("...p,...p->...", left, right)
    return product
