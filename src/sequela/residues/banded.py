"""Identity of pairs of sequences by alignment in a band about a diagonal, many pairs at once.

Ends are free, gaps cost the same for each letter (Chao 1992, Aligning two sequences within a specified diagonal band). Of the
best alignments the one with most identical letters counts.
"""

from __future__ import annotations

import numpy as np

from sequela.residues.words import Words
from sequela.types import Array

BAND = 20  # diagonals on either side: as many letters may be inserted or lost on the way
MATCH, MISMATCH, GAP = 2, -1, 3
LONGEST = 4000  # letters that are aligned
_UNIT = 4096  # one of the score, in numbers that hold the identical letters below it
_AT_ONCE = 512


def identities(held: Words, first: Array, second: Array, diagonal: Array) -> Array:
    """Identical letters as a share of the shorter of two sequences, float64 "P"; no sequence may be longer than LONGEST.

    diagonal: the place in the second less that in the first about which they are aligned.
    """
    swap = held.length[first] > held.length[second]
    short, long = np.where(swap, second, first), np.where(swap, first, second)
    along = np.where(swap, -diagonal, diagonal)
    found = np.zeros(len(first))
    order = np.argsort(held.length[short], kind="stable")
    for begin in range(0, len(order), _AT_ONCE):
        pairs = order[begin : begin + _AT_ONCE]
        found[pairs] = _matches(held, short[pairs], long[pairs], along[pairs]) / np.maximum(1, held.length[short[pairs]])
    return found


def _matches(held: Words, short: Array, long: Array, along: Array) -> Array:
    """The identical letters of each pair, int64 "P"; `short` in order of length.

    Scores are held as S + GAP * b on the b-th diagonal of the band: a gap along the row is then free, one across it costs twice.
    """
    length, wide = held.length[short], 2 * BAND + 1
    rows = _laid(held, short, np.arange(int(length[-1]))[:, None] + np.zeros_like(along))
    columns = _laid(held, long, np.arange(len(rows) + wide)[:, None] + (along - BAND))
    miss = np.where(columns > 0, np.int32(MISMATCH * _UNIT), np.int32(0))
    columns = np.where(columns == 0, np.uint8(255), columns)  # unlike the unknown letter of the other
    ramp = (GAP * _UNIT * np.arange(wide, dtype=np.int32))[:, None]
    score = np.repeat(ramp, len(short), 1)
    total = np.zeros(len(short), np.int64)
    for place, letter in enumerate(rows):
        window = slice(place, place + wide)
        score = _next(score, columns[window] == letter, miss[window])
        done = slice(np.searchsorted(length, place + 1), np.searchsorted(length, place + 1, side="right"))
        total[done] = (score[:, done] - ramp).max(0)
    return total % _UNIT


def _next(score: Array, same: Array, miss: Array) -> Array:
    step = score + np.where(same, np.int32(MATCH * _UNIT + 1), miss)
    np.maximum(step[:-1], score[1:] - np.int32(2 * GAP * _UNIT), out=step[:-1])
    return np.asarray(np.maximum.accumulate(step, axis=0))


def _laid(held: Words, row: Array, place: Array) -> Array:
    """The letters at these places of the sequences, uint8 "T P"; 0 outside of them."""
    inside = (place >= 0) & (place < held.length[row])
    return np.where(inside, held.letters[np.where(inside, held.start[row] + place, 0)], 0).astype(np.uint8)
