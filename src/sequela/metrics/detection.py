"""How well boxes are found: average precision as COCO has it, FROC, and how many are counted.

All of it rests on which boxes are hits, which `matched` says picture by picture; from then on a picture is a row that may be
weighed: `weights` as in `sums`, so that a resample of pictures needs no new matching. Letters: D boxes said, G boxes really
there, T least overlaps, N pictures, R resamples.

Sources: Lin 2014 (COCO; the rules are those of its evaluation code), Setio 2017 (LUNA16).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sequela.metrics.sums import mean, ratio, total
from sequela.types import Array

OVERLAPS = np.linspace(0.5, 0.95, 10)  # from which a box is a hit (COCO)
RECALLS = np.linspace(0.0, 1.0, 101)  # at which precision is averaged (COCO)
RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)  # false boxes a picture at which LUNA16 asks for the sensitivity
FIRST = 0  # of OVERLAPS: one half
ELEMENTS = 1 << 21  # of an array of resamples by boxes that is worked on at once


@dataclass(frozen=True, slots=True)
class Ranked:
    """All boxes of one class that are said of N pictures, the surest first."""

    score: Array  # float64 "D", falling
    hit: Array  # bool "D T"
    row: Array  # int64 "D": of which picture
    truth: Array  # float64 "N": boxes really on each picture


def overlap(left: Array, right: Array) -> Array:
    """Intersection over union of boxes "D 4" with "G 4" (top, left, bottom, right): float64 "D G"; 0 where neither has an area.

    >>> overlap(np.array([[0, 0, 2, 2]]), np.array([[0, 1, 2, 3]])).round(4).tolist()
    [[0.3333]]
    """
    left, right = np.asarray(left, np.float64)[:, None], np.asarray(right, np.float64)[None]
    low, high = np.maximum(left[..., :2], right[..., :2]), np.minimum(left[..., 2:], right[..., 2:])
    shared = np.prod(np.maximum(high - low, 0), -1)
    areas = [np.prod(np.maximum(box[..., 2:] - box[..., :2], 0), -1) for box in (left, right)]
    whole = areas[0] + areas[1] - shared
    share: Array = np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)
    return share


def matched(said: Array, truth: Array, least: Array = OVERLAPS) -> Array:
    """Which boxes "D 4" of one class on one picture, the surest first, are hits at each least overlap: bool "D T".

    In turn, each takes the box of the truth "G 4" that it overlaps most among those not taken (of several the last), if by the
    least overlap or more. A second box on the same thing is no hit.
    """
    pairs, limits = overlap(said, truth), np.arange(len(least))
    hit, free = np.zeros((len(said), len(least)), bool), np.ones((len(least), len(truth)), bool)
    for box in range(len(said) if len(truth) else 0):
        open_ = np.where(free & (pairs[box] >= least[:, None]), pairs[box], -1.0)
        best = len(truth) - 1 - open_[:, ::-1].argmax(1)
        hit[box] = open_[limits, best] >= 0
        free[limits[hit[box]], best[hit[box]]] = False
    return hit


# ----------------------------------------------------------------------------------------------------------- average precision


def ap50(ranked: Ranked, weights: Array | None = None) -> Array:
    """The average precision at an overlap of one half or more: the mean of the precision over 101 shares found (COCO).

    0 where nothing is said; NaN where nothing is there.
    """
    return _of_each(lambda rows: _averages(ranked, rows, ranked.hit[:, [FIRST]]), ranked, weights)


def ap(ranked: Ranked, weights: Array | None = None) -> Array:
    """The mean of the average precision over least overlaps of .50, .55, …, .95 (COCO's own AP)."""
    return _of_each(lambda rows: _averages(ranked, rows, ranked.hit), ranked, weights)


def _of_each(measure: Callable[[Array], Array], ranked: Ranked, weights: Array | None) -> Array:
    """What `measure` makes of weights "R N": "R", some at a time, or one number where weights are none or "N"."""
    rows = np.atleast_2d(np.ones(len(ranked.truth)) if weights is None else weights)
    size = max(1, ELEMENTS // max(len(ranked.row), 1))
    found = np.concatenate([measure(rows[first : first + size]) for first in range(0, len(rows), size)])
    shaped: Array = found.reshape(() if weights is None else weights.shape[:-1])
    return shaped[()]


def _averages(ranked: Ranked, rows: Array, hit: Array) -> Array:
    """The mean over the columns of hits "D T" of the average precision: "R"."""
    each = rows[:, ranked.row]
    said, there = np.cumsum(each, 1), rows @ ranked.truth
    of_each = [_average(np.cumsum(each[:, which], 1), said[:, which], there) for which in hit.T]
    found: Array = np.mean(of_each, 0)
    return found


def _average(hits: Array, said: Array, there: Array) -> Array:
    """ "R" of how many hits "R H" and how many boxes "R H" there were up to each hit, and how many things there are "R".

    Precision is highest just at a hit, so what is said between hits need not be looked at.
    """
    precision = np.divide(hits, said, out=np.zeros_like(hits), where=said > 0)
    envelope = np.pad(np.maximum.accumulate(precision[:, ::-1], 1)[:, ::-1], ((0, 0), (0, 1)))  # 0 beyond what is found
    share = ratio(hits, there[:, None])
    places = [np.searchsorted(one, RECALLS) for one in np.nan_to_num(share)]
    averages = np.array([one[place].mean() for one, place in zip(envelope, places, strict=True)])
    return np.where(there > 0, averages, np.nan)


# ------------------------------------------------------------------------------------------------------------------------- FROC


def froc(ranked: Ranked, weights: Array | None = None) -> Array:
    """The mean sensitivity at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false boxes a picture (LUNA16), an overlap of one half being a hit.

    At each rate it is the highest that a threshold reaches with no more false boxes; LUNA16's own code draws lines in between.
    NaN where nothing is there.
    """
    return _of_each(lambda rows: _froc(ranked, rows), ranked, weights)


def _froc(ranked: Ranked, rows: Array) -> Array:
    sensitivity, false = _curve(ranked, rows)
    reached = [np.where(false <= rate, sensitivity, 0.0).max(1, initial=0.0) for rate in RATES]
    return np.where(rows @ ranked.truth > 0, np.mean(reached, 0), np.nan)


def _curve(ranked: Ranked, rows: Array) -> tuple[Array, Array]:
    """Sensitivity and false boxes a picture "R C" of each threshold, the highest first."""
    each, hit = rows[:, ranked.row], ranked.hit[:, FIRST]
    last = _last_of_ties(ranked.score)
    hits, false = (np.cumsum(each * which, 1)[:, last] for which in (hit, ~hit))
    return np.nan_to_num(ratio(hits, (rows @ ranked.truth)[:, None])), np.nan_to_num(ratio(false, rows.sum(1)[:, None]))


def _last_of_ties(score: Array) -> Array:
    """Places of the boxes after which the score falls: boxes of one score are called together."""
    return np.flatnonzero(np.append(np.diff(score) != 0, True)) if len(score) else np.zeros(0, np.int64)


def cuts(ranked: Ranked) -> tuple[Array, Array, Array]:
    """Falling thresholds halfway between scores (the first calls no box), with the sensitivity and F1 of each."""
    last = _last_of_ties(ranked.score)
    hits, called = np.append(0, np.cumsum(ranked.hit[:, FIRST])[last]), np.append(0, last + 1)
    levels = ranked.score[last]
    top = np.nextafter(levels[:1], np.inf) if len(levels) else np.ones(1)
    between = np.concatenate([top, (levels[:-1] + levels[1:]) / 2, levels[-1:]])
    there = ranked.truth.sum()
    return between, ratio(hits, there), ratio(2 * hits, called + there)


# -------------------------------------------------------------------------------------------------------------- at a threshold


def found_share(hits: Array, truth: Array, weights: Array | None = None) -> Array:
    """Sensitivity: the share of the boxes there that are found, from numbers of each picture "N"."""
    return ratio(total(hits, weights), total(truth, weights))


def true_share(hits: Array, called: Array, weights: Array | None = None) -> Array:
    """PPV: the share of the boxes called that are hits."""
    return ratio(total(hits, weights), total(called, weights))


def both_shares(hits: Array, called: Array, truth: Array, weights: Array | None = None) -> Array:
    """F1: the harmonic mean of both; NaN where nothing was called and nothing is there."""
    return ratio(2 * total(hits, weights), total(called, weights) + total(truth, weights))


def count_mae(called: Array, truth: Array, weights: Array | None = None) -> Array:
    """The mean over pictures of how far the number of boxes called is from the number there."""
    return mean(np.abs(called - truth), weights)


def count_bias(called: Array, truth: Array, weights: Array | None = None) -> Array:
    """The mean over pictures of the number of boxes called, less the number there: above 0, too many."""
    return mean(called - truth, weights)
