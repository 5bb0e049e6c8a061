"""Pairs of places held against the true ones, row by row, and the numbers asked of them: the tally is all that evaluation needs.

No threshold is chosen: an answer is judged by the order of its pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from sequela.evaluate.question import Question
from sequela.metrics import contacts
from sequela.metrics.contacts import ALL, FAR, PARTS, RANGES
from sequela.metrics.table import METRICS
from sequela.types import Answer, Array, Pairs, Target

AUPRC = "contact_auprc"
COMPARED = (*PARTS, AUPRC)


@dataclass(frozen=True, slots=True)
class Tally:
    """The likeliest pairs of N sequences, in letters, and the true ones."""

    said: Pairs  # D, the likeliest of each row first
    truth: Pairs  # G, `separation` apart or more
    right: Array  # bool "D"
    letters: Array  # int64 "N"
    separation: int

    def __len__(self) -> int:
        return len(self.said)

    def take(self, rows: Array) -> Tally:
        """Of these rows (indices or a mask), in the order given."""
        said = self.said.take(rows)
        place = np.repeat(self.said.offsets[:-1][rows] - said.offsets[:-1], np.diff(said.offsets)) + np.arange(said.offsets[-1])
        return Tally(said, self.truth.take(rows), self.right[place], self.letters[rows], self.separation)

    def each(self, least: int, most: int = FAR) -> Mapping[str, Array]:
        """Of each row, by metric, float64 "N": of the pairs `least` to `most` letters apart; NaN where none of them is true."""
        inside, there = (_apart(one, least, most) for one in (self.said, self.truth))
        true = np.bincount(self.truth.row[there], minlength=len(self))
        found = np.full((len(self), len(COMPARED)), np.nan)
        for row, (begin, end) in enumerate(pairwise(self.said.offsets.tolist())):
            if true[row]:
                right = self.right[begin:end][inside[begin:end]]
                found[row] = self._row(right, int(true[row]), int(self.letters[row]), (least, most))
        return dict(zip(COMPARED, found.T, strict=True))

    def _row(self, right: Array, true: int, letters: int, apart: tuple[int, int]) -> list[float]:
        room = contacts.room(letters, max(apart[0], self.separation), apart[1])
        first = [contacts.asked(letters, part, room) for part in PARTS.values()]
        return [*(contacts.precision(right, count) for count in first), contacts.average_precision(right, true)]


def _apart(pairs: Pairs, least: int, most: int) -> Array:
    """Which of them are so far apart, bool."""
    distance = pairs.high - pairs.low
    return np.asarray((distance >= least) & (distance <= most))


def tally(answer: Answer, target: Target) -> Tally:
    """The pairs of an answer, in letters, held against those of the target."""
    truth = target.dense
    assert answer.paired is not None
    return _held(answer.paired, truth.pairs, truth.letters, truth.separation)


def _held(said: Pairs, truth: Pairs, letters: Array, separation: int) -> Tally:
    return Tally(said, truth, contacts.right(said, truth), letters, separation)


# ----------------------------------------------------------------------------------------------------- through a table and back


def columns(tally: Tally) -> dict[str, list[Any]]:
    """An entry a row: both places, score and whether each pair is right, of those said; both places of the true ones."""
    said, truth = tally.said, tally.truth
    of_said = {"pair_low": said.low, "pair_high": said.high, "pair_score": said.score, "pair_right": tally.right}
    of_truth = {"true_low": truth.low, "true_high": truth.high}
    rows = {"letters": tally.letters.tolist(), "separation": [tally.separation] * len(tally)}
    return _lists(of_said, said.offsets) | _lists(of_truth, truth.offsets) | rows


def _lists(columns: Mapping[str, Array | None], offsets: Array) -> dict[str, list[Any]]:
    between, rows = offsets[1:-1], len(offsets) - 1
    return {
        name: [one.tolist() for one in np.split(values, between)][:rows] for name, values in columns.items() if values is not None
    }


def restored(frame: pl.DataFrame, names: tuple[str, ...]) -> Tally:
    """The tally that `columns` wrote."""
    score = _flat(frame["pair_score"], pl.Float64)
    separation = int(frame["separation"][0]) if len(frame) else 1
    return _held(_pairs(frame, "pair", score), _pairs(frame, "true"), frame["letters"].to_numpy(), separation)


def _pairs(frame: pl.DataFrame, of: str, score: Array | None = None) -> Pairs:
    count = frame[f"{of}_low"].list.len().to_numpy().astype(np.int64)
    low, high = (_flat(frame[f"{of}_{name}"], pl.Int64) for name in ("low", "high"))
    return Pairs(np.concatenate([[0], np.cumsum(count)]), low, high, score)


def _flat(lists: pl.Series, kind: type[pl.DataType]) -> Array:
    """What the lists hold, one after the other; an empty one holds nothing."""
    return lists.cast(pl.List(kind)).explode().drop_nulls().to_numpy()


# --------------------------------------------------------------------------------------------------------------- the questions


def questions(model: str, tally: Tally, rows: Array) -> Iterator[Question]:
    """What is asked of all pairs, and of those of each range of distances, on these rows, whose pairs are known."""
    of_rows = tally.take(rows)
    ranges = {ALL: (tally.separation, FAR), **{name: apart for name, apart in RANGES.items() if apart[1] >= tally.separation}}
    for name, (least, most) in ranges.items():
        for metric, each in of_rows.each(least, most).items():
            none = "" if len(rows) else "no rows"
            absent = none or ("" if not np.isnan(each).all() else "no such pair is there")
            yield Question(model, metric, name, rows, partial(METRICS[metric].function, each), reason=absent)
