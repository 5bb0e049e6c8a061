"""Segment overlap: runs of a class along a sequence held against the true ones (Zemla 1999, Proteins 34:220, "SOV'99").

Of each class: the sum over pairs of a true and a called run that overlap, of (minov + delta) / maxov times the length of the true
one; divided by the summed lengths of the true runs, each as often as it is in a pair, and once where it is in none. minov is how
many steps both hold, maxov how many either does; delta = min(maxov - minov, minov, half the true run, half the called one),
rounded down, forgives edges. Of all classes: the same with both sums over all of them. 1 is perfect; the paper tells percents.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sequela.metrics.sums import mean
from sequela.types import Array


@dataclass(frozen=True, slots=True)
class Overlap:
    """The two sums of each sequence and class; their quotient is its segment overlap."""

    reward: Array  # float64 "R K"
    length: Array  # float64 "R K": 0 where the sequence has no true run of the class

    def of(self, class_: int | None) -> Array:
        """The segment overlap of each sequence, of one class or (None) of all, float64 "R"; NaN where it has no run of it."""
        reward, length = (sums.sum(1) if class_ is None else sums[:, class_] for sums in (self.reward, self.length))
        return np.asarray(np.divide(reward, length, out=np.full(len(reward), np.nan), where=length > 0))


def overlap(called: Array, true: Array, sequence: Array, step: Array, classes: int) -> Overlap:
    """Of steps in order of sequence, then step: what is called of each and what is true (int64 "N", below `classes`).

    `sequence` numbers the sequences from 0, `step` the steps of each: where numbers are left out a run ends.

    >>> told = np.array([0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0])
    >>> true = np.array([0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0])
    >>> overlap(told, true, np.zeros(12, int), np.arange(12), 2).of(None).round(3)
    array([0.632])
    """
    count = int(sequence.max(initial=-1)) + 1
    broken = np.append(True, (np.diff(sequence) != 0) | (np.diff(step) != 1))[: len(true)]
    mine, theirs = _runs(true, broken), _runs(called, broken)
    pair, reward = _pairs(mine, theirs, called == true)
    times = np.maximum(np.bincount(pair, minlength=len(mine.begin)), 1)
    place = sequence[mine.begin] * classes + true[mine.begin]
    lengths = np.bincount(place, times * mine.length, count * classes)
    rewards = np.bincount(place[pair], reward, count * classes)
    return Overlap(rewards.reshape(count, classes), lengths.reshape(count, classes))


@dataclass(frozen=True, slots=True)
class _Runs:
    """Steps of one class that follow one another."""

    begin: Array  # int64 "S": the first step
    end: Array  # int64 "S": after the last
    number: Array  # int64 "N": the run of each step

    @property
    def length(self) -> Array:
        return np.asarray(self.end - self.begin)


def _runs(label: Array, broken: Array) -> _Runs:
    first = broken.copy()
    first[1:] |= np.diff(label) != 0
    begin = np.flatnonzero(first)
    return _Runs(begin, np.append(begin[1:], len(label))[: len(begin)], np.cumsum(first) - 1)


def _pairs(true: _Runs, called: _Runs, same: Array) -> tuple[Array, Array]:
    """The pairs of runs of one class that overlap: the true one, int64 "P", and what the pair adds to the sum."""
    here = np.flatnonzero(same)
    pairs, shared = np.unique(np.stack([true.number[here], called.number[here]]), axis=1, return_counts=True)
    mine, theirs = pairs
    widest = np.maximum(true.end[mine], called.end[theirs]) - np.minimum(true.begin[mine], called.begin[theirs])
    length = true.length[mine]
    forgiven = np.min([widest - shared, shared, length // 2, called.length[theirs] // 2], axis=0)
    return mine, (shared + forgiven) / widest * length


def sov(each: Array, weights: Array | None = None) -> Array:
    """The mean segment overlap of sequences, "R"."""
    return mean(each, weights)
