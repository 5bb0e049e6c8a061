"""What was observed of rows that were watched: who had no event, who was still watched, what had come of each cause, by time.

Weights as in `sums`. Of tied times events come before the ends of observation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sequela.metrics.sums import ratio
from sequela.metrics.watched import Watched
from sequela.types import Array

NOBODY = 1e-12  # a share below this is nobody: what is left of rounding


@dataclass(frozen=True, slots=True)
class Steps:
    """A function of time that changes at its times alone, one for each resample."""

    times: Array  # float64 "U", rising
    values: Array  # float64 "... U": from each time on
    start: float  # before the first

    def at(self, days: Array | float) -> Array:
        """At these days, "... Q" (or "..." of one day)."""
        return self._taken(np.searchsorted(self.times, days, "right"))

    def before(self, days: Array | float) -> Array:
        """Just before these days, likewise."""
        return self._taken(np.searchsorted(self.times, days, "left"))

    def _taken(self, place: Array) -> Array:
        started = np.concatenate([np.full((*self.values.shape[:-1], 1), self.start), self.values], -1)
        return np.asarray(np.take(started, place, -1))


def kaplan_meier(watched: Watched, weights: Array | None = None) -> Steps:
    """The share without any event (Kaplan and Meier 1958); with late entries the product-limit over those at risk."""
    ended = watched.left(watched.of.cause > 0, weights)
    return Steps(watched.times, np.cumprod(1 - _share(ended, watched.at_risk(weights)), -1), 1.0)


def still_watched(watched: Watched, weights: Array | None = None) -> Steps:
    """The chance that observation had not ended: the reverse Kaplan-Meier, in which the end of observation is the event.

    It is 0 from where everybody left had been lost: nothing is known of later times.
    """

    def kept(weights: Array) -> Steps:
        events, lost = (watched.left(which, weights) for which in (watched.of.cause > 0, watched.of.cause == 0))
        return Steps(watched.times, np.cumprod(1 - _share(lost, watched.at_risk(weights) - events), -1), 1.0)

    return watched.latest("kept", kept, watched.weights(weights))


def aalen_johansen(watched: Watched, cause: int, weights: Array | None = None) -> Steps:
    """The share to which a cause had come, others having come before it or not (Aalen and Johansen 1978).

    With a single cause that is one less Kaplan-Meier.
    """
    risk, free = watched.at_risk(weights), kaplan_meier(watched, weights).before(watched.times)
    came = watched.left(watched.of.cause == cause, weights)
    return Steps(watched.times, np.cumsum(free * _share(came, risk), -1), 0.0)


def observed(watched: Watched, cause: int, day: Array | float, weights: Array | None = None) -> Array:
    """The Aalen-Johansen share by a day, "...", or days "... Q"; NaN where nobody was watched for so long."""
    share = aalen_johansen(watched, cause, weights).at(day)
    return np.where(still_watched(watched, weights).before(day) > NOBODY, share, np.nan)[()]


def _share(part: Array, whole: Array) -> Array:
    """Of those at risk; 0 where nobody is."""
    return np.nan_to_num(ratio(part, whole))
