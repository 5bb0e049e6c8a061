"""Which classes are still possible of a row: sets that hold the true class with a set probability (split conformal prediction).

A class is possible where 1 - its probability does not pass the limit of that class, measured on tune (Sadinle, Lei and Wasserman
2019, JASA 114:223). With one limit over all rows the promise is kept in the mean: of a rare class it may be broken nearly always,
while the common one keeps it. So each class has its own limit (Vovk 2012, class-conditional or Mondrian prediction), and the
promise then holds in each class, however often it occurs: another prevalence does not break it; other patients do.

Each subject weighs the same (conformal.guaranteed). A class with too few subjects has no limit: it is always possible.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from msgspec import Struct
from scipy.stats import beta

from sequela.evaluate.conformal import guaranteed
from sequela.types import Answer, Array, Target

By: TypeAlias = Literal["class", "all", "group"]
KINDS = ("binary", "multiclass")
YES_NO = ("no", "yes")


class Limit(Struct, frozen=True):
    """Of one class, in one group where sets are by group: how unlikely it may be and still be possible."""

    class_: str
    limit: float | None  # the largest 1 - probability; None: always possible, for want of subjects
    subjects: int  # that it was measured on
    group: str = ""  # the level
    low: float | None = (
        None  # between these lies what sets by this limit hold of new rows, for 95 of 100 draws of so many subjects
    )
    high: float | None = None


class Sets(Struct, frozen=True):
    """Fitted limits: plain numbers that survive JSON."""

    names: tuple[str, ...]  # the classes; of a yes-or-no question "no", "yes"
    coverage: float
    by: By
    limits: tuple[Limit, ...]
    group: str = ""  # by which of cohort.groups

    def possible(self, answer: Answer, levels: Array | None = None) -> Array:
        """Which classes are possible of each row, bool "N K"; `levels`: the group of each, str "N", where sets are by group.

        In a group that tune did not have every class is possible.
        """
        scores = 1 - chances(answer)
        levels = np.zeros(len(scores), "<U1") if self.by != "group" or levels is None else levels
        found = np.ones(scores.shape, bool)
        for one in self.limits:
            rows, column = levels == one.group, self.names.index(one.class_)
            if one.limit is not None:
                found[rows, column] = scores[rows, column] <= one.limit
        return found

    @property
    def unlimited(self) -> list[Limit]:
        """The classes that are always possible."""
        return [one for one in self.limits if one.limit is None]


def chances(answer: Answer) -> Array:
    """The probability of each class, float64 "N K"; of a yes-or-no question of no and of yes."""
    values = answer.values
    return np.concatenate([1 - values, values], 1) if values.shape[1] == 1 else values


def classes(answer: Answer) -> tuple[str, ...]:
    return YES_NO if answer.values.shape[1] == 1 else answer.names


def true(target: Target) -> Array:
    """The place of the true class of each row, int64 "N"; -1 where nobody knows it."""
    return np.where(target.known[:, 0], np.where(target.known[:, 0], target.values[:, 0], 0), -1).astype(np.int64)


def fit(
    answer: Answer, target: Target, subject: Array, coverage: float, by: By, *, group: str = "", levels: Array | None = None
) -> Sets:
    """The limits under which sets keep their promise of a row of a new subject like those of these rows.

    by "group": in each class of each level of `levels` (str "N").
    """
    scores, truth, names = 1 - chances(answer), true(target), classes(answer)
    known = truth >= 0
    own = np.where(known, scores[np.arange(len(scores)), truth], np.nan)
    if by == "all":
        limit, subjects = _limit(own[known], subject[known], coverage)
        return Sets(names, coverage, by, tuple(_bounded(name, limit, subjects, coverage) for name in names))
    levels = np.zeros(len(scores), "<U1") if by == "class" or levels is None else levels
    found = []
    for level in np.unique(levels):
        for place, name in enumerate(names):
            rows = (truth == place) & (levels == level)
            found.append(_bounded(name, *_limit(own[rows], subject[rows], coverage), coverage, str(level)))
    return Sets(names, coverage, by, tuple(found), group if by == "group" else "")


def _bounded(name: str, limit: float | None, subjects: int, coverage: float, group: str = "") -> Limit:
    return Limit(name, limit, subjects, group, *(reach(subjects, coverage) if limit is not None else (None, None)))


def reach(subjects: int, coverage: float) -> tuple[float, float]:
    """Between which shares new rows are covered by a limit from so many subjects, for 95 of 100 draws of these.

    The promise is kept in the mean over such draws; what one of them gives has a Beta distribution (Vovk 2012, proposition 2a),
    of one row a subject.

    >>> tuple(round(end, 3) for end in reach(1000, 0.9))
    (0.881, 0.918)
    """
    beyond = int(np.floor((subjects + 1) * (1 - coverage) + 1e-9))
    low, high = beta.ppf([0.025, 0.975], subjects + 1 - beyond, beyond)
    return float(low), float(high)


def _limit(scores: Array, subject: Array, coverage: float) -> tuple[float | None, int]:
    found = guaranteed(scores, subject, coverage)
    return found if np.isfinite(found) else None, len(np.unique(subject))
