"""A few codes or words of one of two sets, in place of some that stood in a row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from sequela.explain.checks.cells import cells_seen
from sequela.explain.checks.plants import Put
from sequela.types import Array, Ragged, Spec

SET = 3  # codes of each label, all of which are put into a row
RARE = 0.1  # of the training rows have a code of either set, at most, where there are so many codes
ROOM = 2 * SET  # codes that a row has, below which nothing is put


@dataclass(frozen=True, slots=True)
class CodeSets:
    """Two sets of codes, each with how it is told in numbers."""

    codes: Array  # int64 "2 SET": of label 0, of label 1
    values: Array  # "2 SET" of codes, "2 SET 2+C" of words
    spec: Spec
    told: ClassVar[str] = "codes"

    def put(self, ragged: Ragged, label: Array, random: np.random.Generator) -> Put:
        """A row with too few codes gets none. A code of either set that stood there already is part of the truth."""
        values, seen = np.array(ragged.values), cells_seen(ragged, self.spec)
        for row, one in enumerate(label.astype(int).tolist()):
            begin, end = int(ragged.offsets[row]), int(ragged.offsets[row + 1])
            here = np.argwhere(seen[begin:end])
            if len(here) >= ROOM:
                at = here[random.permutation(len(here))[:SET]]
                at[:, 0] += begin
                values[tuple(at.T)] = self.values[one]
        truth = np.isin(numbers(values, self.spec), self.codes) & seen
        return Put(replace(ragged, values=values), truth)


def settle(ragged: Ragged, spec: Spec, random: np.random.Generator) -> CodeSets | None:
    """Codes that some training rows have and few: None where there are not enough of them, or rows are too short."""
    values, seen = np.asarray(ragged.values), cells_seen(ragged, spec)
    if not (np.bincount(_row(ragged, seen), minlength=len(ragged)) >= ROOM).any():
        return None
    number = numbers(values, spec)[seen]
    pairs = np.unique(np.stack([_row(ragged, seen), number], 1), axis=0)
    rows = np.bincount(pairs[:, 1], minlength=spec.vocabulary)
    rows[0] = 0  # what is unknown
    known = np.flatnonzero(rows >= 1)
    rare = known[rows[known] <= RARE * len(ragged)]
    pool = rare[np.argsort(-rows[rare], kind="stable")] if len(rare) >= 2 * SET else known[np.argsort(rows[known], kind="stable")]
    if len(pool) < 2 * SET:
        return None
    chosen = random.permutation(pool[: max(2 * SET, len(pool) // 2)])[: 2 * SET].reshape(2, SET)
    return CodeSets(chosen, _as_told(chosen, values[seen] if spec.words is not None else None), spec)


def numbers(values: Array, spec: Spec) -> Array:
    """The number of each code or word."""
    return values[..., 0] if spec.words is not None else values


def _as_told(codes: Array, words: Array | None) -> Array:
    """Codes as they stand in values: a word with the shape and the characters that it has where it was read first."""
    if words is None:
        return codes
    _, first = np.unique(words[:, 0], return_index=True)
    known = words[first]
    return np.asarray(known[np.searchsorted(known[:, 0], codes)])


def _row(ragged: Ragged, seen: Array) -> Array:
    """The row of each cell that was seen."""
    return np.searchsorted(ragged.offsets, np.nonzero(seen)[0], side="right") - 1
