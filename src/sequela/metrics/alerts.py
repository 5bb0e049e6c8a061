"""What alerts cost and bring where a patient is asked about again and again. Weights as in `sums`; NaN where nothing is asked.

An episode is a stretch in which one patient is asked about repeatedly: a stay. Arrays are "N" rows or "E" episodes.
"""

from __future__ import annotations

import numpy as np

from sequela.metrics.sums import ratio, total
from sequela.types import Array


def alerts_per_100_patient_days(alert: Array, days: Array, weights: Array | None = None) -> Array:
    """Alerts (bool "N") over the patient-days that the rows stand for (float "N"), times a hundred."""
    return 100 * ratio(total(alert, weights), total(days, weights))


def episode_sensitivity(caught: Array, event: Array, weights: Array | None = None) -> Array:
    """The share of episodes with an event that had an alert in time (bool "E" both)."""
    return ratio(total(caught & event, weights), total(event, weights))


def number_needed_to_evaluate(alerted: Array, caught: Array, weights: Array | None = None) -> Array:
    """Episodes that must be looked at, because of an alert, for each event that an alert announced (bool "E" both)."""
    return ratio(total(alerted, weights), total(caught, weights))


def lead_time(hours: Array, weights: Array | None = None) -> Array:
    """The median of the hours "E" from the first alert in time to the event, over episodes that had one (NaN: had none)."""
    some = np.flatnonzero(~np.isnan(hours))
    order = some[np.argsort(hours[some], kind="stable")]
    if not len(order):
        return np.full(() if weights is None else weights.shape[:-1], np.nan)[()]
    weight = np.ones((1, len(order))) if weights is None else np.atleast_2d(weights[..., order]).astype(np.float64)
    reached = np.cumsum(weight, -1)
    middle = (reached < reached[:, -1:] / 2).sum(-1)  # the first at which half of the weight is reached
    found = np.where(reached[:, -1] > 0, hours[order][np.minimum(middle, len(order) - 1)], np.nan)
    median: Array = found[0] if weights is None or np.ndim(weights) == 1 else found
    return median
