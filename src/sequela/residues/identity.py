"""How alike sequences are: the nearest of each among others, and what is alike enough to be one.

Candidates are found by the words they share, and those whose shared words lie along a diagonal are aligned there. Identity is the
share of the shorter sequence's letters that are identical in the alignment, as CD-HIT has it (Li 2006). Sequences too long to be
aligned are judged by the share c of the shorter one's words: c^(1/k) (Ondov 2016).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sequela.residues import banded
from sequela.residues.words import Words, words
from sequela.types import Array

CANDIDATES = 20  # of one sequence: those that share most words
ALIGNED = 5  # of them: those with most shared words along a diagonal
SHARED = 2  # words that are shared at least
_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Nearest:
    """The most alike other of each sequence."""

    identity: Array  # float64 "N", 0 where none shares anything
    other: Array  # int64 "N", -1 there


def nearest(asked: Sequence[str], among: Sequence[str]) -> Nearest:
    """Of each tidy sequence, the most alike of others; the same one where it is there.

    Measured on proteins of 200 letters with letters exchanged, lost and inserted at random: bench/sequence_similarity.py.
    """
    found = _copied(asked, among)
    open_ = np.flatnonzero(found.other < 0)
    held = words([*(asked[row] for row in open_.tolist()), *among])
    rows, others = np.arange(len(open_)), np.arange(len(open_), len(open_) + len(among))
    best = most_alike(held, rows, others)
    found.identity[open_] = best.identity
    found.other[open_] = np.where(best.other >= 0, best.other - len(open_), -1)
    return found


def _copied(asked: Sequence[str], among: Sequence[str]) -> Nearest:
    place = {one: number for number, one in reversed(list(enumerate(among)))}
    other = np.array([place.get(one, -1) if one else -1 for one in asked], np.int64)
    return Nearest((other >= 0).astype(np.float64), other)


def most_alike(held: Words, rows: Array, others: Array, *, before: bool = False) -> Nearest:
    """The most alike of `others` (places in `held`, as `rows`) for each row; `before`: among those that stand before it there."""
    identity, nearest_ = np.zeros(len(rows)), np.full(len(rows), -1, np.int64)
    for begin in range(0, len(rows), _AT_ONCE):
        asked = rows[begin : begin + _AT_ONCE]
        row, other = _candidates(held, asked, others, before)
        row, other, share = _aligned(held, asked, others, row, other)
        order = np.lexsort((others[other], -share, row))
        chosen = order[np.unique(row[order], return_index=True)[1]]
        chosen = chosen[share[chosen] > 0]
        identity[begin + row[chosen]] = share[chosen]
        nearest_[begin + row[chosen]] = others[other[chosen]]
    return Nearest(identity, nearest_)


def _aligned(held: Words, rows: Array, others: Array, row: Array, other: Array) -> tuple[Array, Array, Array]:
    """Of the candidates of each row the few that are aligned, each with its identity."""
    pair, diagonal, votes = _diagonals(held, rows[row], others[other])
    pair, diagonal, votes = pair[votes >= SHARED], diagonal[votes >= SHARED], votes[votes >= SHARED]
    few = _first(np.lexsort((-votes, row[pair])), row[pair], ALIGNED)
    row, other = row[pair[few]], other[pair[few]]
    return row, other, _identity(held, rows[row], others[other], diagonal[few])


def _identity(held: Words, first: Array, second: Array, diagonal: Array) -> Array:
    found = np.zeros(len(first))
    long = np.maximum(held.length[first], held.length[second]) > banded.LONGEST
    found[long] = _by_words(held, first[long], second[long])
    found[~long] = banded.identities(held, first[~long], second[~long], diagonal[~long])
    return found


def _first(order: Array, row: Array, most: int) -> Array:
    """The first few of each row, of places that are ordered by row."""
    ordered = row[order]
    return order[np.arange(len(order)) - np.searchsorted(ordered, ordered) < most]


def _candidates(held: Words, rows: Array, others: Array, before: bool) -> tuple[Array, Array]:
    """Pairs (place in rows, place in others) of those that share most words beyond chance, few of each row."""
    shared = (held.present[rows] @ held.present[others].T).tocoo()
    row, other, count = shared.row, shared.col, shared.data
    kept = (count >= SHARED) & (others[other] < rows[row] if before else others[other] != rows[row])
    row, other, count = row[kept], other[kept], count[kept]
    beyond = count - held.chance * held.length[rows[row]] * held.length[others[other]]
    few = _first(np.lexsort((other, -beyond, row)), row, CANDIDATES)
    return row[few].astype(np.int64), other[few].astype(np.int64)


def _diagonals(held: Words, first: Array, second: Array) -> tuple[Array, Array, Array]:
    """The pairs that share a word, the diagonal about which most shared words lie within half a band, and how many do."""
    pair, offset = _matches(held, first, second)
    order = np.lexsort((offset, pair))
    pair, offset = pair[order], offset[order]
    key = pair * 2**32 + offset + 2**24
    votes = np.searchsorted(key, key + banded.BAND // 2, side="right") - np.arange(len(key))
    best = np.lexsort((-votes, pair))
    chosen = best[np.unique(pair[best], return_index=True)[1]]
    middle = offset[chosen + votes[chosen] // 2]
    return pair[chosen], middle, votes[chosen]


def _matches(held: Words, first: Array, second: Array) -> tuple[Array, Array]:
    """Each word shared by a pair: the pair's number, and how much later it stands in the second."""
    count = np.diff(held.present.indptr)[first]
    pair = np.repeat(np.arange(len(first)), count)
    entry = np.repeat(held.present.indptr[first], count) + _counted(count)
    there = held.where(second[pair], held.present.indices[entry])
    kept = there >= 0
    return pair[kept], there[kept] - held.place[entry[kept]]


def _counted(count: Array) -> Array:
    """0, 1, … of each in turn: [2, 3] gives 0 1 0 1 2."""
    begin: Array = np.repeat(np.cumsum(count) - count, count)
    return np.arange(len(begin)) - begin


def _by_words(held: Words, first: Array, second: Array) -> Array:
    size = np.diff(held.present.indptr)
    shared = np.asarray(held.present[first].multiply(held.present[second]).sum(1)).ravel()
    share: Array = shared / np.maximum(1, np.minimum(size[first], size[second]))
    return np.power(share, 1 / held.k)


def batches(count: int, size: int) -> Iterator[Array]:
    """0 … count in stretches of this size."""
    for begin in range(0, count, size):
        yield np.arange(begin, min(count, begin + size))
