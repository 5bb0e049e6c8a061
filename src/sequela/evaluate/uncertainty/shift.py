"""What may be promised where the data is another than that of development: the mix of classes differs, or the patients do.

Label shift: classes are as they were, and occur more or less often. How often is told from answers without labels, and limits
over all rows are weighed anew by it; those of each class hold as they are. Covariate shift: patients are others, and given what
is known of them the classes are as likely as before. How much likelier a patient is here than there is estimated, and each row of
tune weighs so much (Tibshirani 2019, NeurIPS, corollary 1). The estimate stands on few rows where the two hardly overlap;
`Weights.enough` says whether what is left can bear a promise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sequela.errors import DataError
from sequela.evaluate.conformal import shares
from sequela.evaluate.uncertainty.sets import chances, true
from sequela.types import Answer, Array, Target

STEPS, CLOSE = 1000, 1e-8  # of EM
LEAST = 30.0  # effective rows of tune, under which weights bear no promise
REACHED = 0.5  # the weights of tune average 1 where it has the like of every new patient; below this it lacks half of them


# --------------------------------------------------------------------------------------------------------------- other classes


def prevalence(answer: Answer, before: Array) -> Array:
    """How often each class occurs among rows without labels, float64 "K", by EM (Saerens 2002, Neural Computation 14:21).

    `before`: how often it did where the probabilities were calibrated. It takes these to mean what they say.
    Raises DataError for a class that did not occur before, or no row.
    """
    given = chances(answer)
    before = np.asarray(before, np.float64)
    if not len(given) or not (before > 0).all():
        raise DataError("how often classes occur cannot be told without rows, nor of a class that never occurred before")
    now: Array = before / before.sum()
    for _ in range(STEPS):
        after = adjusted(given, before, now).mean(0)
        if np.abs(after - now).max() < CLOSE:
            break
        now = after
    return now


def adjusted(probabilities: Array, before: Array, now: Array) -> Array:
    """The probabilities "N K" where classes occur as often as `now`, by Bayes' rule."""
    scaled = probabilities * (np.asarray(now) / np.asarray(before))
    found: Array = scaled / np.maximum(scaled.sum(1, keepdims=True), 1e-300)
    return found


def prevalence_by_decisions(decided: Array, confusion: Array) -> Array:
    """The same from decisions alone, by black-box shift estimation (Lipton 2018, ICML): it asks for no calibration.

    `decided` int "N": places of classes. `confusion` "K K": on tune, the share of all rows that is of the class (row) and decided
    for (column). Raises DataError where that has no inverse: decisions that do not depend on the class tell nothing of it.
    """
    if np.linalg.cond(confusion) > 1e6:
        raise DataError("the decisions do not tell the classes apart, so they cannot tell how often these occur")
    share = np.bincount(decided, minlength=len(confusion)) / len(decided)
    ratio = np.clip(np.linalg.solve(confusion.T, share), 0, None)
    now = ratio * confusion.sum(1)
    found: Array = now / now.sum()
    return found


# -------------------------------------------------------------------------------------------------------------- other patients


@dataclass(frozen=True, slots=True)
class Weights:
    """How much likelier each row is in the new data than in tune."""

    tune: Array  # float64 "M"
    new: Array  # float64 "N"

    @property
    def effective(self) -> float:
        """How many rows of tune the weighted ones are worth (Kish 1965): all of them where the weights are alike."""
        return effective(self.tune)

    @property
    def reached(self) -> float:
        """The share of the new patients of whom tune has the like: the mean weight of its rows, 1 at most."""
        return min(1.0, float(np.mean(self.tune)))

    @property
    def enough(self) -> bool:
        return self.effective >= LEAST and self.reached >= REACHED

    def statement(self) -> str:
        """What may be promised by these weights, in words."""
        rows = f"the {len(self.tune)} rows of tune are worth {self.effective:.0f}"
        if self.enough:
            return f"weighed by how likely they are in the new data, {rows}; the promise rests on that estimate"
        return (
            f"weighed by how likely they are in the new data, {rows} ({LEAST:.0f} are needed), and tune has the like of "
            f"{100 * self.reached:.0f} % of the new patients ({100 * REACHED:.0f} % are needed): nothing is promised here. "
            "They are too unlike those of tune; collect labels among them"
        )


def effective(weights: Array) -> float:
    """The square of the sum over the sum of squares.

    >>> effective(np.array([1.0, 1.0, 2.0, 0.0]))
    2.6666666666666665
    """
    total = float(np.sum(np.square(weights)))
    return float(np.sum(weights)) ** 2 / total if total > 0 else 0.0


def ratio(tune: Array, new: Array) -> Weights:
    """How much likelier rows are in the new data, by a logistic regression that tells both apart on columns "M P" and "N P".

    Columns may be what an encoder makes of a row or plain ones; they are scaled by tune, and what is missing is set to its mean.
    """
    from sklearn.linear_model import LogisticRegression

    centre, spread = np.nanmean(tune, 0), np.nanstd(tune, 0)
    spread = np.where(spread > 0, spread, 1.0)
    both = np.nan_to_num((np.concatenate([tune, new]) - centre) / spread)
    is_new = np.repeat([0, 1], [len(tune), len(new)])
    fitted = LogisticRegression(C=1.0, max_iter=1000).fit(both, is_new)
    odds = np.exp(np.clip(fitted.decision_function(both), -30, 30)) * len(tune) / len(new)
    return Weights(odds[: len(tune)], odds[len(tune) :])


def possible(
    tune: Answer, target: Target, subject: Array, new: Answer, weights: Weights, coverage: float, *, by_class: bool = True
) -> Array:
    """Which classes are possible of each row of the new data, bool "N K", under the weights; all of them where these are too few.

    So is one of whose rows too few are left. Of each class, as the promise is then made within each; or one limit over all rows.
    """
    scores, truth = 1 - chances(tune), true(target)
    asked = 1 - chances(new)
    found = np.ones(asked.shape, bool)
    if not weights.enough:
        return found
    own = scores[np.arange(len(scores)), np.maximum(truth, 0)]
    for column in range(asked.shape[1]):
        rows = np.flatnonzero(truth == column if by_class else truth >= 0)
        if effective(weights.tune[rows]) >= LEAST:
            weight = weights.tune[rows] * shares(subject[rows]) * len(np.unique(subject[rows]))
            limit = weighed_limits(own[rows], weight, weights.new, coverage)
            found[:, column] = asked[:, column] <= limit
    return found


def weighed_limits(scores: Array, weight: Array, own: Array, coverage: float) -> Array:
    """The limit of each row that is asked about, float64 "N": of the scores "M" under their weights, its own weight at infinity.

    The weighted quantile of Tibshirani 2019, equation 7: with equal weights that of split conformal prediction.
    """
    order = np.argsort(scores, kind="stable")
    reached = np.cumsum(weight[order])
    wanted = coverage * (reached[-1] + np.asarray(own, np.float64))
    place = np.searchsorted(reached, wanted * (1 - 1e-12))
    return np.where(place < len(scores), scores[order][np.minimum(place, len(scores) - 1)], np.inf)


def limits_of_mix(grids: Sequence[Sequence[float]], subjects: int, before: Array, now: Array, coverage: float) -> Array:
    """The same as `limits_under`, of the quantiles of each class's scores alone, as a bundle keeps them."""
    now, before = np.asarray(now, np.float64), np.asarray(before, np.float64)
    scores = np.concatenate([np.asarray(grid, np.float64) for grid in grids])
    weight = np.concatenate([np.full(len(grid), subjects * now[k] / len(grid)) for k, grid in enumerate(grids) if grid])
    return weighed_limits(scores, weight, now / np.maximum(before, 1e-300), coverage)


def limits_under(scores: Array, truth: Array, subject: Array, before: Array, now: Array, coverage: float) -> Array:
    """One limit for each class, float64 "K", where classes occur as often as `now`: limits over all rows, weighed by class.

    Podkopaev and Ramdas 2021 (UAI, theorem 1): a row of a class weighs as much as that class occurs more often than before.
    `scores` are 1 - the probability of each row's true class, `truth` its place.
    """
    weight_of = np.asarray(now, np.float64) / np.maximum(np.asarray(before, np.float64), 1e-300)
    weight = weight_of[truth] * shares(subject) * len(np.unique(subject))
    return weighed_limits(scores, weight, weight_of, coverage)
