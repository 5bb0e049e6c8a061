"""How well stretches of texts are found: by conlleval's rule, and, more kindly, by touching one of the right type.

All of it rests on which stretch that is said is held against which true one, which `held` says once for all texts; from then on a
text is a row that may be weighed: `weights` as in `sums`. Letters: D stretches said, G stretches really there, P pairs of those
that share a character, N texts, R resamples.

Sources: Tjong Kim Sang and De Meulder 2003 (conlleval: right are type and both boundaries), Segura-Bedmar 2013 (SemEval task 9.1:
of its four scores the strict one and that of the type), Chinchor 1992 (MUC-4: what is right, wrong, missed and spurious).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sequela.metrics.sums import ratio, total
from sequela.types import Array, Spans

RIGHT, BOUNDARY, TYPE, BOTH, SPURIOUS = range(5)
KINDS = ("right", "wrong boundary", "wrong type", "wrong boundary and type", "spurious")


@dataclass(frozen=True, slots=True)
class Stretches:
    """Stretches of texts; those of different texts share no character."""

    begin: Array  # int64 "M", rising
    end: Array  # int64 "M", after begin
    label: Array  # int64 "M"


def laid(spans: Spans, longest: int) -> Stretches:
    """The stretches of N texts, none longer than so many characters, each text behind the one before it."""
    before = spans.row * longest
    return Stretches(spans.begin + before, spans.end + before, spans.label)


def inside(spans: Spans, of: Spans) -> Array:
    """Whether each stretch begins within one of the others of its row, bool "M"."""
    found = np.zeros(len(spans.begin), bool)
    for row in np.flatnonzero(np.diff(of.offsets)):
        own, other = slice(*spans.offsets[row : row + 2]), slice(*of.offsets[row : row + 2])
        begin = spans.begin[own, None]
        found[own] = ((begin >= of.begin[other]) & (begin < of.end[other])).any(1)
    return found


def compared(said: Spans, truth: Spans) -> tuple[Array, Array]:
    """As `held`, of N texts at once: of each stretch said the place of the true one in all of them."""
    longest = max((int(one.end.max()) for one in (said, truth) if len(one.end)), default=0)
    return held(laid(said, longest), laid(truth, longest))


def held(said: Stretches, truth: Stretches) -> tuple[Array, Array]:
    """Of each stretch said the true one it is held against, int64 "D", -1 for none, and how it compares: a place in KINDS.

    Each is held against one at most. First come those that are right; then those of the same type that share characters, those
    of the same place and another type, and those that only share characters: in each of these the pair that shares most goes
    first, of equals the one that stands first. What is left of those said is spurious, what is left of the truth is missed.

    >>> said, truth = Stretches(*np.array([[0, 9], [4, 12], [0, 0]])), Stretches(*np.array([[0, 8, 20], [4, 12, 24], [0, 0, 0]]))
    >>> [found.tolist() for found in held(said, truth)]
    [[0, 1], [0, 1]]
    """
    of, kind = np.full(len(said.begin), -1, np.int64), np.full(len(said.begin), SPURIOUS, np.int64)
    free = np.ones(len(truth.begin), bool)
    for grade, one, other in _ranked(said, truth):
        if of[one] < 0 and free[other]:
            of[one], kind[one], free[other] = other, grade, False
    return of, kind


def _ranked(said: Stretches, truth: Stretches) -> list[tuple[int, int, int]]:
    """How each pair compares, and the places of both in their lists; the best first."""
    one, other, shared = _touching(said, truth)
    same_place = (said.begin[one] == truth.begin[other]) & (said.end[one] == truth.end[other])
    same_type = said.label[one] == truth.label[other]
    grade = np.select([same_place & same_type, same_type, same_place], [RIGHT, BOUNDARY, TYPE], BOTH)
    order = np.lexsort((other, one, -shared, grade))
    return list(zip(grade[order].tolist(), one[order].tolist(), other[order].tolist(), strict=True))


def _touching(said: Stretches, truth: Stretches) -> tuple[Array, Array, Array]:
    """The pairs that share characters, as places in both lists, and how many they share: int64 "P" each."""
    low = np.searchsorted(np.maximum.accumulate(truth.end), said.begin, side="right") if len(truth.end) else 0 * said.begin
    count = np.maximum(np.searchsorted(truth.begin, said.end, side="left") - low, 0)
    one = np.repeat(np.arange(len(said.begin)), count)
    other = np.repeat(low - (np.cumsum(count) - count), count) + np.arange(count.sum())
    shared = np.minimum(said.end[one], truth.end[other]) - np.maximum(said.begin[one], truth.begin[other])
    touch = shared > 0
    return one[touch], other[touch], shared[touch]


# ------------------------------------------------------------------------------------------------ from numbers of each text "N"


def entity_f1(hits: Array, said: Array, truth: Array, weights: Array | None = None) -> Array:
    """The harmonic mean of precision and recall, of stretches that have the type and both boundaries of a true one.

    All texts, and where asked all types, are counted together (micro), as conlleval does. NaN where nothing is said or there.
    """
    return ratio(2 * total(hits, weights), total(said, weights) + total(truth, weights))


def entity_f1_partial(hits: Array, said: Array, truth: Array, weights: Array | None = None) -> Array:
    """The same, a hit being any stretch that shares a character with a true one of its type; each true one is found once."""
    return entity_f1(hits, said, truth, weights)


def entities_right(count: Array, weights: Array | None = None) -> Array:
    """How many stretches said have the type and both boundaries of a true one."""
    return total(count, weights)


def entities_boundary(count: Array, weights: Array | None = None) -> Array:
    """How many share characters with a true one of their type, and begin or end elsewhere."""
    return total(count, weights)


def entities_type(count: Array, weights: Array | None = None) -> Array:
    """How many have both boundaries of a true one, and another type."""
    return total(count, weights)


def entities_both(count: Array, weights: Array | None = None) -> Array:
    """How many share characters with a true one, whose type and place are others."""
    return total(count, weights)


def entities_spurious(count: Array, weights: Array | None = None) -> Array:
    """How many are said where no true one is, or where another that is said found it."""
    return total(count, weights)


def entities_missed(count: Array, weights: Array | None = None) -> Array:
    """How many true ones nothing that is said is held against."""
    return total(count, weights)
