"""Events gathered into visits, those that several rows share held once: all by sorting and summing, no visit is looped over.

Events of one visit are one step, wherever they stand in time; events of no visit are a step for each moment; events without time
are one step, the first. Two visits with the same codes have the same entry, whoever they belong to: a visit is a set of codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sequela import seed as streams
from sequela.types import Array


class Clock(Protocol):
    """Days before the prediction of pairs, by their numbers; NaN for those without time."""

    def __getitem__(self, pairs: Array, /) -> Array: ...


@dataclass(frozen=True, slots=True)
class Events:
    """E events, and the P pairs of a row and an event that it knows, by row, then time."""

    row: Array  # int64 "P"
    event: Array  # int64 "P"
    clock: Clock  # of the pairs
    step: Array  # int64 "E": equal for the events of one visit of a subject, even; or of one moment, odd


@dataclass(frozen=True, slots=True)
class Visits:
    """S visits by row, then time, and which of them each stretch of pairs belongs to."""

    row: Array  # int64 "S"
    begin: Array  # float64 "S": days of its first event before the prediction, <= 0
    end: Array  # float64 "S": of its last
    ordinal: Array  # int64 "S": the row's first visit is 1
    first: Array  # int64 "R": where each stretch of pairs begins
    count: Array  # int64 "R": how many pairs it has
    visit: Array  # int64 "R": the visit that it is part of

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True, slots=True)
class Sets:
    """M sets of codes, each rising, padded to the largest only when asked for (types.Steps)."""

    tokens: Array  # int32, end to end
    offsets: Array  # int64 "M+1"

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.offsets) - 1, max(1, int(np.diff(self.offsets).max(initial=0))))

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.tokens.dtype

    def __getitem__(self, index: Array, /) -> Array:
        here = self.filled(index)
        padded = np.zeros(here.shape, self.dtype)
        first, count = self.offsets[index], self.offsets[index + 1] - self.offsets[index]
        padded[here] = self.tokens[_ranges(first, count)]
        return padded

    def filled(self, index: Array) -> Array:
        """Which entries of these sets exist, bool "n N"."""
        count = self.offsets[index + 1] - self.offsets[index]
        here: Array = np.arange(self.shape[1]) < count[:, None]
        return here


@dataclass(frozen=True, slots=True)
class Filled:
    """Which entries of Sets exist (types.Steps)."""

    sets: Sets

    @property
    def shape(self) -> tuple[int, ...]:
        return self.sets.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(bool)

    def __getitem__(self, index: Array, /) -> Array:
        return self.sets.filled(index)


def visits(events: Events) -> Visits:
    """The visits of every row."""
    step = events.step[events.event]
    first = np.flatnonzero(_changes(events.row) | _changes(step))
    count = np.diff(np.append(first, len(step)))
    row, key = events.row[first], step[first]
    order = np.lexsort((key, row))
    new = _changes(row[order]) | _changes(key[order])
    visit = np.empty(len(first), np.int64)
    visit[order] = np.cumsum(new) - 1
    row, key = row[order][new], key[order][new]
    begin, end, timed = _spans(row, visit, events.clock[first], events.clock[first + count - 1])
    risen = np.lexsort((key, key % 2 == 0, timed, begin, row))  # of those that begin together: without time, of no visit, visits
    place = np.empty(len(row), np.int64)
    place[risen] = np.arange(len(row))
    ordinal = np.arange(len(row)) - np.searchsorted(row, row) + 1
    return Visits(row, begin[risen], end[risen], ordinal, first, count, place[visit])


def sets(events: Events, found: Visits, token: Array) -> tuple[Array, Sets]:
    """Which set of tokens each visit is, int64 "S", and the sets. They are told apart by a sum of 64 random bits a token."""
    kinds = int(token.max(initial=0)) + 1
    bits = streams.generator(0, "visits").integers(0, 2**64, kinds, dtype=np.uint64)
    mark = np.zeros(len(found), np.uint64)
    if len(found.first):
        np.add.at(mark, found.visit, np.add.reduceat(bits[token][events.event], found.first))
    _, example, entry = np.unique(mark, return_index=True, return_inverse=True)
    chosen = np.zeros(len(found), bool)
    chosen[example] = True
    own = chosen[found.visit]
    pairs = _ranges(found.first[own], found.count[own])
    key = np.repeat(entry[found.visit[own]], found.count[own]) * kinds + token[events.event[pairs]]
    held, tokens = np.divmod(_distinct(key), kinds)
    offsets = np.searchsorted(held, np.arange(len(example) + 1))
    return entry.astype(np.int64), Sets(tokens.astype(np.int32), offsets.astype(np.int64))


def _spans(row: Array, visit: Array, first: Array, last: Array) -> tuple[Array, Array, Array]:
    """First and last position of each visit, and whether it has any; where it has none, the row's first with time, or 0."""
    begin, end = np.full(len(row), np.inf), np.full(len(row), -np.inf)
    np.fmin.at(begin, visit, first)
    np.fmax.at(end, visit, last)
    untimed = np.isinf(begin)
    if not untimed.any():
        return begin, end, ~untimed
    earliest = np.zeros(int(row.max()) + 1)
    np.fmin.at(earliest, row[~untimed], begin[~untimed])
    begin = np.where(untimed, earliest[row], begin)
    return begin, np.where(np.isinf(end), begin, end), ~untimed


def _changes(values: Array) -> Array:
    """Where a value differs from the one before, bool; the first does."""
    return np.append(np.ones(min(1, len(values)), bool), values[1:] != values[:-1])


def _distinct(keys: Array) -> Array:
    """The different keys, rising. NumPy's own unique hashes them, which costs ten times as much."""
    rising = np.sort(keys)
    found: Array = rising[_changes(rising)]
    return found


def _ranges(first: Array, count: Array) -> Array:
    """first[i] .. first[i] + count[i] - 1, end to end."""
    found: Array = np.repeat(first - np.cumsum(count) + count, count) + np.arange(count.sum())
    return found
