"""How well sets of labels are told that stand in a hierarchy: the measures of CAFA, over all cuts of .01, .02, … 1.

Of N rows with a label that holds, at C cuts: `precision` float "N C" of what is called (NaN where nothing is), `recall` of what
holds, `missed` the bits of what holds and is not called, `wrong` the bits of what is called and does not hold. A label is called
where its risk is the cut or more. Labels that are not known are in none of them. Weights as in `sums`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sequela.metrics.sums import ratio, total
from sequela.types import Array

CUTS = np.arange(1, 101) / 100


@dataclass(frozen=True, slots=True)
class Told:
    """What becomes of each row at each cut, float64 "N C"."""

    precision: Array
    recall: Array
    missed: Array
    wrong: Array


def told(risk: Array, true: Array, known: Array, information: Array) -> Told:
    """Of risks "N K", each row with a label that holds; `information` "K" is what each label tells, in bits."""
    holds, size = true & known, (true & known).sum(1)
    found = np.empty((4, len(risk), len(CUTS)))
    for place, cut in enumerate(CUTS):
        called = (risk >= cut) & known
        right = (called & holds).sum(1)
        found[:, :, place] = (
            ratio(right, called.sum(1)),
            ratio(right, size),
            (holds & ~called) @ information,
            (called & ~holds) @ information,
        )
    return Told(*found)


def fmax(precision: Array, recall: Array, weights: Array | None = None) -> Array:
    """The best F1, over the cuts, of the mean precision of rows in which something is called and the mean recall of all rows.

    Radivojac 2013, Nature Methods 10, 221, protein-centric. 0 where nothing right is ever called.
    """
    calls = ~np.isnan(precision)
    exact = ratio(total(np.where(calls, precision, 0.0), weights), total(calls, weights))
    complete = _mean(recall, weights)
    f1 = np.nan_to_num(ratio(2 * exact * complete, exact + complete))
    best: Array = np.where(np.isnan(complete), np.nan, f1).max(-1)
    return best


def smin(missed: Array, wrong: Array, weights: Array | None = None) -> Array:
    """The least distance, over the cuts, from telling all and nothing wrong: of the mean bits missed and the mean bits wrong.

    Clark and Radivojac 2013, Bioinformatics 29, i53: the minimum of sqrt(ru² + mi²).
    """
    least: Array = np.hypot(_mean(missed, weights), _mean(wrong, weights)).min(-1)
    return least


def _mean(values: Array, weights: Array | None) -> Array:
    """Over rows of "N C", a value a cut."""
    return ratio(total(values, weights), total(np.ones(values.shape), weights))
