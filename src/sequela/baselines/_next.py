"""What the baselines of next_event share: the codes of each step and of the one that follows it, and how well those are foreseen.

A step is a code or a visit of codes; what follows a visit is judged code by code, as the task does. The sums of an answer are the
task's: the nats of a row's codes, how many of them were the likeliest, how many among the ten likeliest. Of equally likely codes
the one that comes first in the vocabulary is taken first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Answer, Array, Ragged

SUMS = ("nats", "first", "in_10")
PIECE = 1 << 22  # probabilities held at once
SMALLEST = 1e-12  # a probability of 0 counts as this one


@dataclass(frozen=True, slots=True)
class Following:
    """F steps that are followed by another."""

    before: csr_array  # "F V": the codes of the step, sharing 1
    after: csr_array  # "F V": how often each code is in the next
    row: Array  # int64 "F"
    rows: int

    @property
    def codes(self) -> tuple[Array, Array, Array]:
        """Step, code and count of everything that is foreseen."""
        entries = self.after.tocoo()
        return entries.row, entries.col, entries.data


def following(rows: Evidence, kind: str, what: str) -> Following:
    """What follows what in the one input of these rows.

    Raises DataError where the question is another, or the input holds no codes.
    """
    if kind != "next_event":
        raise DataError(f"a {what} is no answer to a {kind} question")
    ((name, spec),) = rows.specs.items()
    if not spec.vocabulary:
        raise DataError(f"a {what} foresees codes, and the input {name!r} is of {spec.kind}")
    ragged = rows.inputs[name]
    steps = _codes(ragged, spec.vocabulary)
    owner = np.repeat(np.arange(len(ragged)), ragged.lengths)
    followed = np.flatnonzero(owner[1:] == owner[:-1])
    return Following(_shared(steps[followed]), steps[followed + 1], owner[followed], len(ragged))


def refuse_unknown(train: Evidence, tune: Evidence) -> None:
    """Raises DataError where a part foresees nothing: then nothing can be learnt or chosen."""
    for part, rows in (("train", train), ("tune", tune)):
        if not rows.target.known.any():
            raise DataError(f"a baseline needs steps that follow others, and one is known in no row of {part}")


def _codes(ragged: Ragged, vocabulary: int) -> csr_array:
    """How often each step "S V" has each code."""
    step = np.arange(int(ragged.offsets[-1]))
    entry = step if ragged.take is None else ragged.take
    values = ragged.values[entry]
    values = values[:, None] if values.ndim == 1 else values
    seen = np.ones(values.shape, bool) if ragged.seen is None else ragged.seen[entry].reshape(values.shape)
    where = np.nonzero(seen)
    return csr_array((np.ones(len(where[0])), (where[0], values[where])), (len(step), vocabulary))


def _shared(steps: csr_array) -> csr_array:
    total = np.maximum(np.asarray(steps.sum(1)), 1.0)
    return csr_array(steps.multiply(1 / total[:, None]))


def nats(held: Following, given: Array) -> float:
    """The mean of minus the log of what was `given` to each of `held.codes`."""
    count = held.codes[2]
    return float(-(np.log(np.maximum(given, SMALLEST)) * count).sum() / count.sum())


def answer(held: Following, probabilities: Callable[[Array], Array]) -> Answer:
    """The sums of each row, of probabilities "f V" after each of some steps f."""
    values = np.zeros((held.rows, len(SUMS)))
    for piece in _pieces(held):
        step, code, count = Following(held.before[piece], held.after[piece], held.row[piece], held.rows).codes
        chance = probabilities(piece)
        own = chance[step, code][:, None]
        ahead = (chance[step] > own).sum(1) + ((chance[step] == own) & (np.arange(chance.shape[1]) < code[:, None])).sum(1)
        found = np.stack([-np.log(np.maximum(own[:, 0], SMALLEST)), ahead < 1, ahead < 10], 1) * count[:, None]
        np.add.at(values, held.row[piece][step], found)
    return Answer("values", values, SUMS)


def _pieces(held: Following) -> Iterator[Array]:
    """Steps, so many at a time that what is compared for their codes stays small."""
    each = max(1.0, float(held.after.sum()) / max(len(held.row), 1))
    size = max(1, int(PIECE / held.after.shape[1] / each))
    for first in range(0, len(held.row), size):
        yield np.arange(first, min(first + size, len(held.row)))
