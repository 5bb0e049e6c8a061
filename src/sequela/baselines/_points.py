"""What the baselines of segment share: the pictures that somebody marked, and answers painted from probabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np

from sequela.batch import entries, fields_of
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.prep import painting
from sequela.types import Answer, Array, Fields, Masks, Painted, Target


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of every point."""

    names: tuple[str, ...]
    instances: bool  # one name, whose things are numbered


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of some rows, as they are stored, and what was marked on them."""

    fields: Fields
    entry: Array  # int64 "N": -1 of a row without a picture
    target: Target

    def __iter__(self) -> Iterator[tuple[Array, Array]]:
        """Each marked picture, uint8 "C *S", with the name of each of its points: 0 nothing, -1 not known."""
        masks = cast(Masks, self.target.dense)
        for row in np.flatnonzero(self.target.known[:, 0] & (self.entry >= 0)):
            mask = masks.whole(int(row))
            yield self.fields.shown(int(self.entry[row])), np.minimum(mask, 1) if masks.instances else mask


def asked(train: Evidence, tune: Evidence, kind: str, what: str) -> Question:
    """The question. Raises DataError where it is of another kind, or where nobody marked a picture of a part."""
    if kind != "segment":
        raise DataError(f"{what} is no answer to a {kind} question")
    for part, rows in (("train", train), ("tune", tune)):
        if not rows.target.known.any():
            raise DataError(f"a baseline needs masks, and one is known in no row of {part}")
    return Question(train.target.names, cast(Masks, train.target.dense).instances)


def pictures(rows: Evidence) -> Pictures:
    """Those of the one input of these rows. Raises DataError where it has none."""
    ((name, ragged),) = rows.inputs.items()
    return Pictures(fields_of(name, ragged), entries(ragged), rows.target)


def answer(question: Question, rows: Evidence, chances: Callable[[Array], Array]) -> Answer:
    """What is said of each row, of probabilities uint8 "K *S" that `chances` gives of a picture uint8 "C *S"."""
    found = pictures(rows)
    painted = [None if entry < 0 else _painted(question, chances(found.fields.shown(int(entry)))) for entry in found.entry]
    return of(question, painted)


def of(question: Question, painted: list[Painted | None]) -> Answer:
    """The answer of these pictures."""
    nothing = np.zeros(len(question.names))
    values = [nothing if one is None else painting.means(one.chance) for one in painted]
    return Answer("masks", np.array(values).reshape(len(painted), -1), question.names, painted=tuple(painted))


def _painted(question: Question, chance: Array) -> Painted:
    if question.instances:
        return Painted(painting.instances(chance[0], np.zeros_like(chance[0])), chance)
    return Painted(painting.exclusive(chance), chance)
