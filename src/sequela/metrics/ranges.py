"""What is called over a recording held against the stretches of it that are true. Weights as in `sums`; NaN: nothing is asked.

Range-based precision and recall are those of Tatbul 2018 (NeurIPS, arXiv:1803.03639), with flat position bias, the cardinality
factor 1 / x, and nothing for existence alone (alpha = 0): of a range, the share of its rows that the other side holds, over the
number of the other side's ranges among which they are. Nothing is adjusted by points.
"""

from __future__ import annotations

import numpy as np

from sequela.metrics.sums import mean, ratio, total
from sequela.types import Array


def runs(flag: Array, recording: Array) -> tuple[Array, Array]:
    """The first row of each range of flagged rows that follow each other in one recording, int64 "R", and the row after its last.

    Rows are in order of recording, then time.
    """
    before, after = _neighbours(flag, recording)
    return np.flatnonzero(flag & ~before), np.flatnonzero(flag & ~after) + 1


def rewards(first: Array, end: Array, other: Array) -> Array:
    """Of each range, the share of its rows that are flagged (bool "N"), over the number of ranges these make in it, "R"."""
    flagged = np.concatenate([[0], np.cumsum(other)])
    begun = np.concatenate([[0], np.cumsum(other & ~np.append(False, other[:-1])[: len(other)])])
    pieces = begun[end] - begun[first + 1] + other[first] if len(first) else np.zeros(0)
    return np.asarray((flagged[end] - flagged[first]) / (end - first) / np.maximum(pieces, 1))


def range_recall(reward: Array, weights: Array | None = None) -> Array:
    """The mean reward "R" of the true ranges."""
    return mean(reward, weights)


def range_precision(reward: Array, weights: Array | None = None) -> Array:
    """The mean reward "R" of the ranges that are called."""
    return mean(reward, weights)


def range_f1(precision: Array, recall: Array) -> Array:
    """The harmonic mean of both; 0 where both are 0."""
    found = ratio(2 * precision * recall, precision + recall)
    return np.where((precision == 0) & (recall == 0), 0.0, found)[()]


def false_alarms_per_hour(false: Array, hours: Array, weights: Array | None = None) -> Array:
    """Alarms at rows without the event (bool "N") over the hours that the rows stand for (float "N")."""
    return ratio(total(false, weights), total(hours, weights))


def _neighbours(flag: Array, recording: Array) -> tuple[Array, Array]:
    """Whether the row before, and the row after, is flagged too and of the same recording."""
    both = flag[1:] & flag[:-1] & (recording[1:] == recording[:-1])
    return np.append(False, both)[: len(flag)], np.append(both, False)[: len(flag)]
