"""How far decisions among ordered classes are from the truth: `decision` and `truth` are the numbers of classes, int "N".

Weights as in `sums`. Neighbouring classes are one rank apart.
"""

from __future__ import annotations

import numpy as np

from sequela.metrics.sums import mean, ratio
from sequela.types import Array


def quadratic_kappa(decision: Array, truth: Array, weights: Array | None = None) -> Array:
    """The agreement beyond chance, a miss counting by the square of its ranks (Cohen 1968): 1 is perfect, 0 is chance.

    1 - the mean squared distance over the one that the same decisions would have if they were dealt to the rows at random; NaN
    where all decisions and all truths are one class.

    >>> float(quadratic_kappa(np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2])))
    0.8
    """
    own, other = (np.asarray(one, np.float64) for one in (decision, truth))
    by_chance = mean(own**2, weights) + mean(other**2, weights) - 2 * mean(own, weights) * mean(other, weights)
    return 1 - ratio(mean((own - other) ** 2, weights), by_chance)


def rank_mae(decision: Array, truth: Array, weights: Array | None = None) -> Array:
    """The mean distance of the class that is decided from the true one, in ranks."""
    return mean(np.abs(np.asarray(decision, np.float64) - truth), weights)
