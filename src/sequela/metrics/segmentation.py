"""How well a mask fits the true one: over pictures (each counts once), or over all points together.

Everything is a function of what was counted of each picture, so pictures may be weighed (`weights` as in `sums`) without being
looked at again. `points` is "N 4": of each of N pictures the points that are said and true, said alone, true alone, neither.
`chance` is "N 2 256": the points that are true, and those that are not, by their probability in 255ths. A picture for which a
number is undefined (NaN) is left out of its mean: Dice and IoU where nothing is said and nothing is true.
"""

from __future__ import annotations

import numpy as np

from sequela.metrics.sums import ratio, total
from sequela.types import Array

LEVELS = 256  # of a probability in a byte


# ---------------------------------------------------------------------------------------------------------------- each picture


def mean_defined(values: Array, weights: Array | None = None) -> Array:
    """The mean of "N" over the pictures for which it is defined; NaN where there is none."""
    known = ~np.isnan(values)
    return ratio(total(np.where(known, values, 0), weights), total(known, weights))


def dice(points: Array, weights: Array | None = None) -> Array:
    """The mean over pictures of twice what is said and true over what is said plus what is true (Dice 1945).

    >>> float(dice(np.array([[3, 1, 1, 5], [0, 2, 0, 8], [0, 0, 0, 10]])))
    0.375
    """
    return mean_defined(each_dice(points), weights)


def each_dice(points: Array) -> Array:
    """Dice of each picture, "N"; 0 where only one mask is empty, NaN where both are."""
    both, said, true, _ = np.moveaxis(np.asarray(points), -1, 0)
    return ratio(2 * both, 2 * both + said + true)


def iou(points: Array, weights: Array | None = None) -> Array:
    """The mean over pictures of what is said and true over what is either (Jaccard 1912)."""
    both, said, true, _ = np.moveaxis(np.asarray(points), -1, 0)
    return mean_defined(ratio(both, both + said + true), weights)


def hd95(each: Array, weights: Array | None = None) -> Array:
    """The mean over pictures "N" of `surfaces.hausdorff95`, in mm (points where no spacing is known)."""
    return mean_defined(each, weights)


def nsd(each: Array, weights: Array | None = None) -> Array:
    """The mean over pictures "N" of `surfaces.within`: the share of both surfaces that lies near the other."""
    return mean_defined(each, weights)


def volume_error(points: Array, weights: Array | None = None) -> Array:
    """The mean over pictures of how far the said volume is off, as a share of the true one; without those with nothing true."""
    both, said, true, _ = np.moveaxis(np.asarray(points), -1, 0)
    return mean_defined(ratio(np.abs(said - true), both + true), weights)


def volume_error_ml(points: Array, millilitres: Array, weights: Array | None = None) -> Array:
    """The same in millilitres; `millilitres` "N" is the size of a point, NaN where it is not known."""
    return mean_defined(np.abs(points[..., 1] - points[..., 2]) * millilitres, weights)


def lesion_sensitivity(lesions: Array, weights: Array | None = None) -> Array:
    """The share of all true lesions that are found, of "N 3": true, found of them, said beside every true one."""
    return ratio(total(lesions[..., 1], weights), total(lesions[..., 0], weights))


def false_lesions(lesions: Array, weights: Array | None = None) -> Array:
    """The said lesions of a picture that touch no true one, in the mean, of "N 3" as above."""
    return mean_defined(lesions[..., 2].astype(np.float64), weights)


def instance_f1(instances: Array, weights: Array | None = None) -> Array:
    """F1 of the instances of all pictures, matched above an IoU of one half: of "N 12" as `components.matched` counts."""
    return _instances_f1(instances, weights)[..., 0]


def instance_f1_strict(instances: Array, weights: Array | None = None) -> Array:
    """The mean of that F1 over the IoU .50, .55, … .95."""
    mean: Array = _instances_f1(instances, weights).mean(-1)
    return mean


def _instances_f1(instances: Array, weights: Array | None) -> Array:
    summed = total(instances, weights)
    return ratio(2 * summed[..., 2:], summed[..., :1] + summed[..., 1:2])


# ------------------------------------------------------------------------------------------------------------------ all points


def points_at(chance: Array, level: int) -> Array:
    """What is counted, "N 4", where every point with at least this probability (in 255ths) is said."""
    said, rest = chance[..., level:].sum(-1), chance[..., :level].sum(-1)
    return np.stack([said[..., 0], said[..., 1], rest[..., 0], rest[..., 1]], -1)


def pooled(points: Array, metric: str, weights: Array | None = None) -> Array:
    """sensitivity, specificity, ppv, f1 or accuracy over the points of all pictures together."""
    both, said, true, neither = np.moveaxis(total(points, weights), -1, 0)
    part, whole = {
        "sensitivity": (both, both + true),
        "specificity": (neither, neither + said),
        "ppv": (both, both + said),
        "f1": (2 * both, 2 * both + said + true),
        "accuracy": (both + neither, both + said + true + neither),
    }[metric]
    return ratio(part, whole)


def pooled_auroc(chance: Array, weights: Array | None = None) -> Array:
    """The chance that a true point has the higher probability than another, over the points of all pictures; ties count half."""
    true, other = _summed(chance, weights)
    below = np.cumsum(other, -1) - other / 2
    return ratio((true * below).sum(-1), true.sum(-1) * other.sum(-1))


def pooled_auprc(chance: Array, weights: Array | None = None) -> Array:
    """Average precision of the points of all pictures: the precision at each true point's own probability."""
    true, other = _summed(chance[..., ::-1], weights)
    found = np.cumsum(true, -1)
    called = found + np.cumsum(other, -1)
    precision = np.divide(found, called, out=np.zeros_like(found), where=called > 0)
    return ratio((true * precision).sum(-1), np.where(other.sum(-1) > 0, true.sum(-1), 0))


def _summed(chance: Array, weights: Array | None) -> tuple[Array, Array]:
    """The true points and the others of all pictures by probability, each "256"."""
    return total(chance[:, 0], weights), total(chance[:, 1], weights)


def best_level(chance: Array) -> int:
    """The probability, in 255ths, from which points are said for the highest F1 over all of "N 2 256"; of equals the highest.

    At least 1: a point of probability 0 is never said.
    """
    true, other = chance.sum(0)[:, ::-1].astype(np.float64)
    found, called = np.cumsum(true), np.cumsum(true + other)
    f1 = ratio(2 * found, called + found[-1])[:-1]
    return LEVELS - 1 - int(np.argmax(np.round(np.nan_to_num(f1), 12)))
