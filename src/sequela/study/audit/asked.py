"""What is asked of the training rows, as yes-or-no labels (or numbers) that a single column can be held against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sequela.study import censored
from sequela.study.audit.material import Material
from sequela.study.labels import TargetKind
from sequela.types import Array, Target


@dataclass(frozen=True, slots=True)
class Asked:
    """A label of the training rows; where people have several rows, one of each label stands for each of them.

    An hour of a stay is like the hour before: rows of few people tell little, however many they are.
    """

    label: Array  # float64 "n"
    known: Array  # bool "n"
    person: Array | None  # int64 "n": equal for the rows of one subject and label; None: everybody has one row

    def of(self, column: Array, here: Array) -> tuple[Array, Array]:
        """The column where it is known, and the labels: as they are, or the mean of each person's rows of one label."""
        rows = here & self.known
        if self.person is None:
            return column[rows], self.label[rows]
        person, first = np.unique(self.person[rows], return_index=True)
        place = np.searchsorted(person, self.person[rows])
        mean = np.bincount(place, column[rows], len(person)) / np.bincount(place, minlength=len(person))
        return mean, self.label[rows][first]


def questions(material: Material, rows: Array) -> Iterator[Asked]:
    """Each column of the target, each class against the rest, or each cause by each horizon."""
    target, subject = material.cohort.target.take(rows), material.cohort.subject_id[rows]
    alone = material.kind == "regression" or len(np.unique(subject)) == len(subject)
    for label, known in censored.labels(target) if material.kind == "survival" else _labels(target, material.kind):
        yield Asked(label, known, None if alone else np.unique(subject, return_inverse=True)[1] * 2 + (label == 1))


def _labels(target: Target, kind: TargetKind) -> Iterator[tuple[Array, Array]]:
    for values, known in zip(target.values.T, target.known.T, strict=True):
        for wanted in range(len(target.names)) if kind == "multiclass" else [None]:
            yield values if wanted is None else (values == wanted).astype(float), known
