"""The values of many questions on the same resamples, drawn once.

What is a function of sums is one product of matrices for all such questions; what needs the order of the rows takes their weights
as integers of one byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sequela.evaluate.intervals import BYTE, Draws
from sequela.evaluate.question import Question
from sequela.types import Array

AT_ONCE = 32  # resamples that are multiplied with the sums of the subjects: so many read these once


def resampled(questions: Sequence[Question], subject: Array, drawn: Draws) -> list[Array]:
    """The samples "resamples" of each question; `subject` is that of each row of the cohort."""
    found: list[list[Array]] = [[] for _ in questions]
    keys = [question.rows.tobytes() for question in questions]
    sets = [
        _Rows.of(drawn.units(subject[questions[places[0]].rows]), [questions[k] for k in places], places)
        for places in _together(keys)
    ]
    largest = max((len(one.unit) for one in sets), default=0)
    held: list[Array] = []  # resamples whose sums are still to be taken
    for counts in drawn.chunks(largest) if questions else ():
        small = counts.astype(np.uint8) if counts.max(initial=0) <= BYTE else None
        for one in sets:
            one.add(found, counts, small)
        held.append(counts)
        if sum(map(len, held)) >= AT_ONCE:
            _add_sums(found, sets, held)
    _add_sums(found, sets, held)
    return [np.concatenate(values) if values else np.zeros(0) for values in found]


def _add_sums(found: list[list[Array]], sets: Sequence[_Rows], held: list[Array]) -> None:
    """Takes the sums of the resamples that are held, and lets go of them."""
    if held:
        counts = np.concatenate(held)
        held.clear()
        for one in sets:
            one.add_sums(found, counts)


def _together(keys: Sequence[bytes]) -> list[list[int]]:
    """The places of equal keys."""
    places: dict[bytes, list[int]] = {}
    for place, name in enumerate(keys):
        places.setdefault(name, []).append(place)
    return list(places.values())


@dataclass(frozen=True, slots=True)
class _Rows:
    """All questions about the same rows."""

    unit: Array  # the subject of each row, among those drawn
    subjects: Array  # int64 "U": of these rows
    sums: Array  # "U k": of all columns
    added: list[tuple[int, Question, slice]]  # place, question, its columns among the sums
    others: list[tuple[int, Question]]

    @classmethod
    def of(cls, unit: Array, questions: Sequence[Question], places: Sequence[int]) -> _Rows:
        subjects, place = np.unique(unit, return_inverse=True)
        serve = [one.additive is not None and one.additive.least <= len(subjects) for one in questions]
        columns: dict[int, Array] = {}
        for one, by_sums in zip(questions, serve, strict=True):
            if by_sums and one.additive is not None:
                columns[id(one.additive.columns)] = one.additive.columns
        ends = dict(zip(columns, np.cumsum([values.shape[1] for values in columns.values()]).tolist(), strict=True))
        added, others = [], []
        for k, one, by_sums in zip(places, questions, serve, strict=True):
            if by_sums and one.additive is not None:
                values = one.additive.columns
                added.append((k, one, slice(ends[id(values)] - values.shape[1], ends[id(values)])))
            else:
                others.append((k, one))
        return cls(unit, subjects, _by_subject(list(columns.values()), place, len(subjects)), added, others)

    def add_sums(self, found: list[list[Array]], counts: Array) -> None:
        """Adds the values of what is a function of sums on some resamples, "R subjects"."""
        every = len(self.subjects) == counts.shape[1]
        sums = (counts if every else counts[:, self.subjects]) @ self.sums if self.added else counts
        for k, question, columns in self.added:
            assert question.additive is not None
            found[k].append(question.additive.of(sums[:, columns]))

    def add(self, found: list[list[Array]], counts: Array, small: Array | None) -> None:
        """Adds the values of all else on some resamples, "R subjects"."""
        counted = small is not None and any(question.counted for _, question in self.others)
        whole = small[:, self.unit] if small is not None and counted else None
        plain = any(not question.counted for _, question in self.others) or not counted
        weights = counts[:, self.unit] if self.others and plain else None
        for k, question in self.others:
            given = whole if question.counted and whole is not None else weights
            found[k].append(question.value(given))


def _by_subject(columns: Sequence[Array], place: Array, subjects: int) -> Array:
    """The columns side by side, their rows added up by subject."""
    if not columns:
        return np.zeros((subjects, 0))
    side = np.concatenate(columns, axis=1)
    if len(place) == subjects:
        alone = np.empty_like(side)
        alone[place] = side
        return alone
    return np.stack([np.bincount(place, column, subjects) for column in side.T], 1)
