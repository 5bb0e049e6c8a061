"""Inverse probability of censoring weights: rows whose state on a day is known stand for those that were lost before it.

A row is known where its event had come by the day, or it was watched until then. It counts 1 / (chance to be watched until just
before what is known of it), by the reverse Kaplan-Meier of the rows given (Graf 1999; with several causes Schoop 2011).
Weights as in `sums`.
"""

from __future__ import annotations

import numpy as np

from sequela.metrics.sums import ratio
from sequela.metrics.survival_curves import NOBODY, Steps, still_watched
from sequela.metrics.watched import Watched
from sequela.types import Array, Times


def known_by(times: Times, day: float) -> Array:
    """Whether each row's state on the day is known, bool "N": one lost on the very day had no event by then."""
    return np.asarray((times.cause > 0) | (times.time >= day))


def had(times: Times, cause: int, day: float) -> Array:
    """Whether each row had had the cause by the day, bool "N"; False where another came before, or nothing is known."""
    return np.asarray((times.cause == cause) & (times.time <= day))


def weighed(watched: Watched, day: float, weights: Array | None = None) -> Array:
    """The rows' weights with those of the lost shared out, "... N": 0 of the lost; all NaN where nobody was watched so long."""
    weights = watched.weights(weights)
    kept, times = still_watched(watched, weights), watched.of
    chance = kept.before(np.minimum(times.time, day))
    shared = weights * known_by(times, day) * inverse(chance)
    return np.where(np.atleast_1d(reaches(kept, day))[..., None], shared, np.nan).reshape(weights.shape)


def reaches(kept: Steps, day: float) -> Array:
    """Whether anything can be known of the day, bool "..."."""
    return np.asarray(kept.before(day) > NOBODY)


def inverse(chance: Array) -> Array:
    """1 / chance; 0 where it is 0, as it is only of rows without weight."""
    return np.nan_to_num(ratio(np.ones_like(chance), chance))
