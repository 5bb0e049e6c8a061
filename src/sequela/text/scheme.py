"""Stretches as a tag for each step, and back: outside, or the beginning, inside, end or whole of a stretch of some type (IOBES).

Tag 0 is outside; type k has 1 + 4k (beginning), 2 + 4k (inside), 3 + 4k (end) and 4 + 4k (a stretch of one step). With ends and
single steps told apart, a chain knows more of what may follow what than with BIO, and finds entities a little better (Ratinov and
Roth 2009).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sequela.types import Array, Places, Spans, Tags

OUTSIDE = 0
BEGIN, INSIDE, END, WHOLE = range(4)


def size(types: int) -> int:
    """How many tags there are."""
    return 1 + 4 * types


def names(types: tuple[str, ...]) -> tuple[str, ...]:
    """Of the tags.

    >>> names(("Disease",))
    ('O', 'B-Disease', 'I-Disease', 'E-Disease', 'S-Disease')
    """
    return ("O", *(f"{part}-{name}" for name in types for part in "BIES"))


@dataclass(frozen=True, slots=True)
class Legal:
    """What may stand first, last, and after what."""

    first: Array  # bool "K"
    last: Array  # bool "K"
    follows: Array  # bool "K K": whether the second may follow the first


def legal(types: int) -> Legal:
    """Of the tags of so many types: a stretch is ended before another begins, and by its own type."""
    tag = np.arange(size(types))
    part, kind = (tag - 1) % 4, (tag - 1) // 4
    opens = (tag == OUTSIDE) | (part == BEGIN) | (part == WHOLE)
    closes = (tag == OUTSIDE) | (part == END) | (part == WHOLE)
    goes_on = (tag != OUTSIDE) & ((part == BEGIN) | (part == INSIDE))
    carried = (tag != OUTSIDE) & ((part == INSIDE) | (part == END))
    follows = (closes[:, None] & opens[None]) | (goes_on[:, None] & carried[None] & (kind[:, None] == kind[None]))
    return Legal(opens, closes, follows)


def tagged(spans: Spans, places: Places, known: Array) -> tuple[Tags, dict[str, int]]:
    """The tag of every step, and what could not be told by tags, counted.

    A stretch takes every step that it touches. Of two that share a step the longer one stays. A row that nobody read (`known`
    bool "N") has no tags.
    """
    value = np.where(np.repeat(known, np.diff(places.offsets)), OUTSIDE, -1).astype(np.int64)
    taken = np.zeros(len(value), bool)
    first, last, aside = _steps(spans, places)
    lost = {"marks that no word touches": int((last <= first).sum()), "marks whose edges lie inside words": int(aside.sum())}
    dropped = 0
    for place in np.argsort(-(spans.end - spans.begin), kind="stable"):
        begin, end = int(first[place]), int(last[place])
        if end <= begin or spans.label[place] < 0:
            continue
        if taken[begin:end].any():
            dropped += 1
            continue
        taken[begin:end] = True
        value[begin:end] = _run(end - begin, int(spans.label[place]))
    lost["marks that overlap a longer one"] = dropped
    return Tags(places.offsets, value, np.ones(len(value), bool)), {what: count for what, count in lost.items() if count}


def _steps(spans: Spans, places: Places) -> tuple[Array, Array, Array]:
    """The half-open range of steps that each stretch touches, int64 "M" each, and whether an edge of it lies inside a step."""
    first, last = np.zeros(len(spans.begin), np.int64), np.zeros(len(spans.begin), np.int64)
    aside = np.zeros(len(spans.begin), bool)
    for row in np.flatnonzero(np.diff(spans.offsets)):
        own, steps = slice(*spans.offsets[row : row + 2]), slice(*places.offsets[row : row + 2])
        begin, end = places.begin[steps], places.end[steps]
        low = np.searchsorted(end, spans.begin[own], side="right")
        high = np.searchsorted(begin, spans.end[own], side="left")
        first[own], last[own] = low + steps.start, high + steps.start
        touched = high > low
        held = np.minimum(low, max(len(begin) - 1, 0)), np.maximum(high - 1, 0)
        inside = (begin[held[0]] < spans.begin[own]) | (end[held[1]] > spans.end[own]) if len(begin) else touched
        aside[own] = touched & inside
    return first, last, aside


def _run(length: int, kind: int) -> Array:
    """The tags of a stretch of so many steps."""
    if length == 1:
        return np.array([1 + 4 * kind + WHOLE])
    parts = np.full(length, INSIDE)
    parts[0], parts[-1] = BEGIN, END
    return 1 + 4 * kind + parts


def stretches(tags: Array) -> list[tuple[int, int, int]]:
    """The half-open ranges of steps and types that tags "T" tell; what is not legal is read as far as it makes sense.

    As in conlleval, an inside or an end that follows nothing of its type begins a stretch, and one that is not ended ends with
    its last step.

    >>> stretches(np.array([0, 1, 2, 3, 4, 0, 2]))
    [(1, 4, 0), (4, 5, 0), (6, 7, 0)]
    """
    found: list[tuple[int, int, int]] = []
    begin, kind = -1, -1
    for place, tag in enumerate([*tags.tolist(), OUTSIDE]):
        part, own = (tag - 1) % 4, (tag - 1) // 4
        goes_on = tag != OUTSIDE and begin >= 0 and own == kind and part in (INSIDE, END)
        if begin >= 0 and not goes_on:
            found.append((begin, place, kind))
            begin = -1
        if tag != OUTSIDE and begin < 0:
            begin, kind = place, own
        if begin >= 0 and part in (END, WHOLE) and tag != OUTSIDE:
            found.append((begin, place + 1, kind))
            begin = -1
    return found


def in_text(spans: Spans, places: Places) -> Spans:
    """Stretches told in the steps of their rows, placed in the rows' texts."""
    at = places.offsets[spans.row]
    begin, end = places.begin[at + spans.begin].astype(np.int64), places.end[at + spans.end - 1].astype(np.int64)
    return Spans(spans.offsets, begin, end, spans.label, spans.score, spans.concept)
