"""From which confidence on an answer is given, so that of those given no more than a set share is wrong.

The share is promised with a confidence (Geifman and El-Yaniv 2017, NeurIPS): of every cut on a fixed grid the hypothesis that
more are wrong is tested by the exact binomial tail, from the strictest cut on, until one cannot be rejected; tests in a fixed
order need no correction for their number (Angelopoulos 2021, Learn then test, section 2.3). The first cut is the strictest that
gives three times as many rows as the test needs to reject with none of them wrong. Since it is found by the count of rows given,
and not by how many of them are wrong, the whole is exact wherever rows that are answered less surely are wrong no less often;
else it is so but for that first step. The binomial asks for independent rows: of a subject with several, one is drawn.

What is promised is of all that is given together. Where the event is rare a model may keep the promise by answering "no" alone,
so the share that is wrong is told by class as well.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from scipy.stats import beta, binom

from sequela import seed as streams
from sequela.evaluate.uncertainty.sets import chances
from sequela.types import Answer, Array

AMPLE = 3  # times as many rows as the first test needs at least
GRID = np.concatenate([1 / (1 + np.exp(-np.linspace(9, -4.5, 199))), [0.0]])  # confidences, from the strictest on


class Abstention(Struct, frozen=True):
    """A fitted cut: plain numbers that survive JSON."""

    risk: float  # asked for
    confidence: float
    cut: float | None  # the least confidence of an answer that is given; None: none is given, since no cut keeps the promise
    subjects: int  # that it was tested on
    given: int = 0  # of them at the cut; without one, at the cut that came nearest
    wrong: int = 0  # of these
    bound: float | None = None  # what the share of wrong ones does not pass there, with that confidence

    def gives(self, sure: Array) -> Array:
        """Whether the answer of each row is given, bool "N"."""
        return np.zeros(len(sure), bool) if self.cut is None else np.asarray(sure >= self.cut)


def surety(answer: Answer, cut: float | None) -> Array:
    """The probability that the decision about each row is right, float64 "N"; `cut`: the threshold of a yes-or-no question."""
    each = chances(answer)
    return np.asarray(each[np.arange(len(each)), decided(answer, cut)])


def decided(answer: Answer, cut: float | None) -> Array:
    """The place of the class that is decided for, int64 "N": of a yes-or-no question 1 from the threshold on."""
    if answer.values.shape[1] == 1:
        return (answer.values[:, 0] >= (0.5 if cut is None else cut)).astype(np.int64)
    return np.asarray(np.argmax(answer.values, 1))


def fit(sure: Array, wrong: Array, subject: Array, risk: float, confidence: float, seed: int) -> Abstention:
    """The loosest cut that keeps the promise on rows like these; None, with what came nearest, where no cut does."""
    rows = one_each(subject, seed)
    given, errors = _counts(sure[rows], np.asarray(wrong, bool)[rows])
    tail = np.where(given > 0, binom.cdf(errors, np.maximum(given, 1), risk), 1.0)
    passed = _passed(tail <= 1 - confidence, given >= _least(risk, confidence, len(rows)))
    bound = upper(errors, given, confidence)
    place = int(np.max(passed)) if len(passed) else int(np.argmin(bound))
    cut = float(GRID[place]) if len(passed) else None
    return Abstention(risk, confidence, cut, len(rows), int(given[place]), int(errors[place]), float(bound[place]))


def _least(risk: float, confidence: float, subjects: int) -> int:
    """How many rows the first test is to have."""
    needed = int(np.ceil(np.log(1 - confidence) / np.log(1 - risk)))
    return AMPLE * needed if AMPLE * needed <= subjects else needed


def one_each(subject: Array, seed: int) -> Array:
    """A row of each subject, drawn, indices in order."""
    order = streams.generator(seed, "one of each subject").permutation(len(subject))
    _, first = np.unique(subject[order], return_index=True)
    return np.sort(order[first])


def _counts(sure: Array, wrong: Array) -> tuple[Array, Array]:
    """How many rows are given at each cut of the grid, and how many of these are wrong."""
    order = np.argsort(-sure, kind="stable")
    given = np.searchsorted(-sure[order], -GRID, side="right")
    errors = np.concatenate([[0], np.cumsum(wrong[order])])
    return given, errors[given]


def _passed(rejected: Array, testable: Array) -> Array:
    """The cuts from the first that is testable on, as long as every one is rejected."""
    if not testable.any():
        return np.zeros(0, np.int64)
    start = int(np.argmax(testable))
    return np.arange(start, start + int(np.argmin(np.append(rejected[start:], False))))


def upper(wrong: Array, given: Array, confidence: float) -> Array:
    """What a share of which so many were seen does not pass, with that confidence (Clopper and Pearson 1934); 1 of none.

    >>> round(float(upper(np.array([0]), np.array([22]), 0.9)[0]), 4)
    0.0994
    """
    found = beta.ppf(confidence, wrong + 1, np.maximum(given - wrong, 1e-9))
    return np.where((given == 0) | (wrong >= given), 1.0, found)
