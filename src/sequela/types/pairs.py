"""What is said of pairs of places in sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sequela.types.arrays import Array
from sequela.types.marks import spread


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of places in the sequences of N rows, laid end to end; row i has offsets[i]:offsets[i+1]."""

    offsets: Array  # int64 "N+1"
    low: Array  # int64 "M": letters (or steps) before the first of the two
    high: Array  # int64 "M": before the second, above low
    score: Array | None = None  # float64 "M", in [0, 1], falling within a row: how likely it is; None of the truth

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def row(self) -> Array:
        """int64 "M"."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def take(self, rows: Array) -> Pairs:
        """Of these rows (indices or a mask), in the order given."""
        offsets, place = spread(self.offsets, rows)
        return self._of(offsets, place)

    def keep(self, which: Array) -> Pairs:
        """Those pairs alone, bool "M"."""
        return self._of(np.concatenate([[0], np.cumsum(np.bincount(self.row[which], minlength=len(self)))]), which)

    def _of(self, offsets: Array, place: Array) -> Pairs:
        return Pairs(offsets, self.low[place], self.high[place], None if self.score is None else self.score[place])


@dataclass(frozen=True, slots=True)
class Paired:
    """What is true of the pairs of places of N sequences: those that somebody marked, and which of them the steps can tell."""

    pairs: Pairs  # in letters, without those nearer than `separation`
    steps: Pairs  # the same in steps, without those of which a letter was not read
    letters: Array  # int64 "N": how many letters each sequence has
    separation: int  # the fewest letters from the first of a pair to the second

    def __len__(self) -> int:
        return len(self.pairs)

    def take(self, rows: Array) -> Paired:
        """Of these rows (indices or a mask), in the order given."""
        return Paired(self.pairs.take(rows), self.steps.take(rows), self.letters[rows], self.separation)

    def laid(self, mask: Array) -> Array:
        """int8 "N T T": 1 for a pair, 0 for none, -1 for what is not asked, where the rows have the steps of `mask` "N T"."""
        place = np.arange(mask.shape[1])
        apart = np.abs(place[:, None] - place) >= self.separation
        found = np.where(mask[:, :, None] & mask[:, None] & apart, 0, -1).astype(np.int8)
        found[self.steps.row, self.steps.low, self.steps.high] = 1
        found[self.steps.row, self.steps.high, self.steps.low] = 1
        return found


def joined_pairs(pairs: Sequence[Pairs]) -> Pairs:
    """The pairs of several rows after one another; all have scores, or none."""
    offsets = np.concatenate([[0], np.cumsum(np.concatenate([np.diff(one.offsets) for one in pairs]))])
    low, high = (np.concatenate([getattr(one, name) for one in pairs]) for name in ("low", "high"))
    scores = [one.score for one in pairs if one.score is not None]
    return Pairs(offsets, low, high, np.concatenate(scores) if scores else None)
