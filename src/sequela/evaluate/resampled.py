"""The values of many questions on the same resamples, drawn once.

What is a function of sums is one product of matrices for all such questions; what needs the order of the rows passes the risks of
the events alone; what is neither takes the weights of its rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from sequela.evaluate.intervals import Draws
from sequela.evaluate.question import Question
from sequela.metrics.discrimination import Steps, steps
from sequela.types import Array

AT_ONCE = 32  # resamples that are multiplied with the sums of the subjects: so many read these once


def resampled(questions: Sequence[Question], subject: Array, drawn: Draws) -> list[Array]:
    """The samples "resamples" of each question; `subject` is that of each row of the cohort."""
    found: list[list[Array]] = [[] for _ in questions]
    keys = [question.rows.tobytes() for question in questions]
    sets = [
        _Rows.of(drawn.units(subject[questions[places[0]].rows]), [questions[k] for k in places], places, len(drawn.subjects))
        for places in _together(keys)
    ]
    largest = max((len(one.unit) for one in sets), default=0)
    held: list[Array] = []  # resamples that are still to be multiplied
    for counts in drawn.chunks(largest) if questions else ():
        for one in sets:
            one.add_weighed(found, counts)
        held.append(counts)
        if sum(map(len, held)) >= AT_ONCE:
            _multiply(found, sets, held)
    _multiply(found, sets, held)
    for one in sets:
        one.add_sums(found)
    return [np.concatenate(values) if values else np.zeros(0) for values in found]


def _multiply(found: list[list[Array]], sets: Sequence[_Rows], held: list[Array]) -> None:
    """Takes sums and orders of the resamples that are held, and lets go of them."""
    if not held:
        return
    counts = np.concatenate(held)
    held.clear()
    whole = counts.astype(np.int32).T.copy() if any(one.ordered for one in sets) else counts
    for one in sets:
        one.add_ordered(found, whole)
        one.keep_sums(counts)


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
    ordered: list[tuple[Steps, list[tuple[int, Question]]]]  # an order, and what is asked of it
    others: list[tuple[int, Question]]
    kept: list[Array] = field(default_factory=list)  # sums "R k" of the resamples so far

    @classmethod
    def of(cls, unit: Array, questions: Sequence[Question], places: Sequence[int], drawn: int) -> _Rows:
        subjects, place = np.unique(unit, return_inverse=True)
        asked = list(zip(places, questions, strict=True))
        by_sums = [(k, one) for k, one in asked if one.additive is not None and one.additive.least <= len(subjects)]
        columns = {id(one.additive.columns): one.additive.columns.rows for _, one in by_sums if one.additive is not None}
        ends = dict(zip(columns, np.cumsum([values.shape[1] for values in columns.values()]).tolist(), strict=True))
        added = [(k, one, _columns(one, ends)) for k, one in by_sums]
        taken = {k for k, _ in by_sums}
        by_order = [(k, one) for k, one in asked if k not in taken and one.ordered is not None]
        others = [(k, one) for k, one in asked if k not in taken and one.ordered is None]
        summed = _by_subject(list(columns.values()), place, len(subjects))
        return cls(unit, subjects, summed, added, _orders(by_order, unit, drawn), others)

    def keep_sums(self, counts: Array) -> None:
        """Keeps the sums of some resamples, "R subjects"."""
        if self.added:
            every = len(self.subjects) == counts.shape[1]
            self.kept.append((counts if every else np.take(counts, self.subjects, 1, mode="clip")) @ self.sums)

    def add_sums(self, found: list[list[Array]]) -> None:
        """Adds the values of what is a function of the sums that were kept."""
        sums = np.concatenate(self.kept) if self.kept else np.zeros((0, self.sums.shape[1]))
        for k, question, columns in self.added:
            assert question.additive is not None
            found[k].append(question.additive.of(sums[:, columns]))

    def add_ordered(self, found: list[list[Array]], counts: Array) -> None:
        """Adds the values of what needs the order of the rows, on some resamples, int32 "subjects R"."""
        for order, asked in self.ordered:
            at = order.at(counts)
            for k, question in asked:
                assert question.ordered is not None
                found[k].append(question.ordered.of(at))

    def add_weighed(self, found: list[list[Array]], counts: Array) -> None:
        """Adds the values of all else on some resamples, "R subjects"."""
        if self.others:
            weights = np.take(counts, self.unit, 1)
            for k, question in self.others:
                found[k].append(question.value(weights))


def _columns(question: Question, ends: dict[int, int]) -> slice:
    """Where the columns of a question stand among all."""
    assert question.additive is not None
    columns = question.additive.columns
    return slice(ends[id(columns)] - columns.rows.shape[1], ends[id(columns)])


def _orders(asked: Sequence[tuple[int, Question]], unit: Array, drawn: int) -> list[tuple[Steps, list[tuple[int, Question]]]]:
    """Each order once, with the questions that it serves."""
    found: dict[int, tuple[Steps, list[tuple[int, Question]]]] = {}
    for k, one in asked:
        assert one.ordered is not None
        order = one.ordered.order
        if id(order) not in found:
            found[id(order)] = steps(order, unit, drawn), []
        found[id(order)][1].append((k, one))
    return list(found.values())


def _by_subject(columns: Sequence[Array], place: Array, subjects: int) -> Array:
    """The columns side by side, their rows added up by subject."""
    if not columns:
        return np.zeros((subjects, 0))
    side = np.concatenate(columns, axis=1)
    if len(place) == subjects:
        if (np.diff(place) > 0).all():
            return side
        alone = np.empty_like(side)
        alone[place] = side
        return alone
    return np.stack([np.bincount(place, column, subjects) for column in side.T], 1)
